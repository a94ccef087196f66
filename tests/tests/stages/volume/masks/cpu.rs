//! Stage `masks` of stacks on the CPU.

use cytoshade_core::LabelVolume;
use cytoshade_cpu::volume::masks;
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

use crate::volume::follow_flows::cpu::follow;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("volume", "dynamics_cases.json", &["masks"], fixture);
}

/// Our masks from the end points of a case: the reference's, or ours if the case has none.
pub(crate) fn masks_of(case: &Case) -> Result<LabelVolume, Failed> {
    let mut ends = follow(case)?;
    if let Some(points) = case.expected("endpoints") {
        ends.points = points.points();
    }
    Ok(masks::masks(&ends, case.input("flows").volume().size(), case.number("max_size_fraction")))
}

fn fixture(case: &Case) -> Result<(), Failed> {
    agree::masks_with_twin(masks_of(case)?.as_slice(), &case.require("masks")?.u32())
}
