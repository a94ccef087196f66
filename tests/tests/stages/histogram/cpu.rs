//! Stage `histogram` on the CPU.

use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

use crate::dynamics::cpu::{counts, end_points};

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("dynamics", "cases.json", &["histogram"], fixture);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let counted = counts(case, &end_points(case)?);
    agree::equal_with_twin(&counted.counts, &case.require("histogram")?.u32(), "histograms")
}
