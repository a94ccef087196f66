//! The measures of agreement, each of which must also see a perturbed output fail.

use libtest_mimic::Failed;

/// The relative L2 error ||ours - reference|| / ||reference|| is at most `limit`.
pub(crate) fn l2_within(what: &str, ours: &[f32], reference: &[f64], limit: f64) -> Result<(), String> {
    if ours.len() != reference.len() {
        return Err(format!("{what}: {} values, expected {}", ours.len(), reference.len()));
    }
    let difference: f64 = ours.iter().zip(reference).map(|(&a, b)| (f64::from(a) - b).powi(2)).sum();
    let norm: f64 = reference.iter().map(|b| b * b).sum();
    let error = (difference / norm).sqrt();
    // Written so that NaN fails.
    if error <= limit { Ok(()) } else { Err(format!("{what}: relative L2 error {error:.2e}, allowed {limit:.0e}")) }
}

/// At least 99.9 % of the points lie within a hundredth of a pixel.
pub(crate) fn end_points(ours: &[(f32, f32)], reference: &[(f32, f32)]) -> Result<(), String> {
    if ours.len() != reference.len() {
        return Err(format!("{} end points, expected {}", ours.len(), reference.len()));
    }
    let near = |a: &(f32, f32), b: &(f32, f32)| (a.0 - b.0).hypot(a.1 - b.1) <= 1e-2;
    let far = ours.iter().zip(reference).filter(|(a, b)| !near(a, b)).count();
    if far as f64 <= 1e-3 * ours.len() as f64 {
        Ok(())
    } else {
        Err(format!("{far} of {} end points are off by more than 0.01 pixels", ours.len()))
    }
}

/// A name, and a change that a comparison must see.
pub(crate) type Perturbation<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// The comparison must hold for the output, and for none of its perturbations.
pub(crate) fn both_ways<T: Clone>(
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
