//! What the tests that cross crates share: the reference's fixtures, its formulas written down once more, the measures
//! of agreement, and the rule that a comparison must also see a perturbed output fail.

pub mod agree;
#[cfg(not(target_os = "wasi"))]
pub mod eval;
pub mod fixtures;
#[cfg(not(target_os = "wasi"))]
pub mod gpu;
#[cfg(not(target_os = "wasi"))]
pub mod matrices;
pub mod program;
pub mod random;
pub mod reference;
#[cfg(not(target_os = "wasi"))]
pub mod synthetic;
pub mod three_convs;

use libtest_mimic::{Failed, Trial};

/// A test that is reported as ignored, never as passed, where `missing` says what it lacks.
pub fn trial(
    name: impl Into<String>,
    missing: Option<&str>,
    test: impl FnOnce() -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let name = match missing {
        Some(what) => format!("{} [needs {what}]", name.into()),
        None => name.into(),
    };
    Trial::test(name, test).with_ignored_flag(missing.is_some())
}

/// Runs a comparison on an output, and on the output after `perturb`: the first must hold, the second must not.
pub fn must_fail_when_perturbed<T: Clone>(
    output: &T,
    perturb: impl Fn(&mut T),
    compare: impl Fn(&T) -> Result<(), String>,
) -> Result<(), Failed> {
    each_way(output, compare, &[("a perturbed output", &perturb)])
}

/// A name, and a change that a comparison must see.
pub type Perturbation<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// Runs a comparison on an output, for which it must hold, and on each of its perturbations, for none of which it may.
pub fn each_way<T: Clone>(
    output: &T,
    compare: impl Fn(&T) -> Result<(), String>,
    perturbations: &[Perturbation<'_, T>],
) -> Result<(), Failed> {
    compare(output)?;
    for (name, perturb) in perturbations {
        let mut perturbed = output.clone();
        perturb(&mut perturbed);
        if compare(&perturbed).is_ok() {
            return Err(format!("the comparison does not see this: {name}").into());
        }
    }
    Ok(())
}
