//! Shared by the tests that span several crates.
//!
//! Contains the reference's fixtures, an independent version of its formulas, the measures of agreement, and the rule
//! that a comparison must fail on a perturbed output.

pub mod agree;
#[cfg(not(target_os = "wasi"))]
pub mod devices;
#[cfg(doctest)]
mod docs;
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
pub mod suite;
#[cfg(not(target_os = "wasi"))]
pub mod synthetic;
pub mod three_convs;

use libtest_mimic::{Failed, Trial};

/// A test that is reported as ignored, never as passed, if something is `missing`.
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

/// Runs a comparison on an output, which must pass, and on the output after `perturb`, which must fail.
pub fn must_fail_when_perturbed<T: Clone>(
    output: &T,
    perturb: impl Fn(&mut T),
    compare: impl Fn(&T) -> Result<(), String>,
) -> Result<(), Failed> {
    each_way(output, compare, &[("a perturbed output", &perturb)])
}

/// A name, and a change that a comparison must detect.
pub type Perturbation<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// Runs a comparison on an output, which must pass, and on each of its perturbations, which must fail.
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
            return Err(format!("the comparison does not detect this: {name}").into());
        }
    }
    Ok(())
}
