//! What the tests that cross crates share: the reference's fixtures, the measures of agreement, and the rule that a
//! comparison must also see a perturbed output fail.

pub mod agree;
pub mod fixtures;

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
pub fn both_ways<T: Clone>(
    output: &T,
    perturb: impl FnOnce(&mut T),
    compare: impl Fn(&T) -> Result<(), String>,
) -> Result<(), Failed> {
    compare(output)?;
    let mut perturbed = output.clone();
    perturb(&mut perturbed);
    match compare(&perturbed) {
        Err(_) => Ok(()),
        Ok(()) => Err("the comparison does not see a perturbed output".into()),
    }
}
