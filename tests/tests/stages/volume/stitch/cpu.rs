//! Stage `stitch` on the CPU.

use cytoshade_cpu::volume::stitch;
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("volume", "stitch_cases.json", &["stitched"], fixture);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").label_volume();
    stitch::stitch(&mut labels, case.number("stitch_threshold"));
    agree::equal_with_twin(labels.as_slice(), &case.require("stitched")?.u32(), "stitched labels")
}
