//! The inputs of each stage of the dynamics, from the reference.

use cytoshade_core::{EndPoints, Histogram, Labels};
use cytoshade_cpu::{follow_flows, histogram, masks};
use cytoshade_tests::fixtures::Case;
use libtest_mimic::Failed;

/// The end points of a case: the reference's, or ours if the case has none, since it varies a later stage.
pub(crate) fn end_points(case: &Case) -> Result<EndPoints, Failed> {
    let (flows, cellprob) = (case.input("flows").planes(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    match case.expected("endpoints") {
        Some(ends) => Ok(ends.end_points(&cellprob, threshold)),
        None => Ok(follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp"))?),
    }
}

/// The histogram of [`end_points`].
pub(crate) fn counts(case: &Case, ends: &EndPoints) -> Histogram {
    let (height, width) = case.input("cellprob").size();
    histogram::histogram(ends, height, width)
}

/// The masks of a case before the flow check: the reference's, or ours if the case has none.
pub(crate) fn unchecked_masks(case: &Case) -> Result<Labels, Failed> {
    if let Some(masks) = case.expected("masks") {
        return Ok(masks.labels());
    }
    let ends = end_points(case)?;
    Ok(masks::masks(&ends, &counts(case, &ends), case.number("max_size_fraction")))
}
