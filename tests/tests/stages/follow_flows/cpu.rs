//! Stage `follow_flows` on the CPU.

use cytoshade_cpu::follow_flows;
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("dynamics", "cases.json", &["endpoints"], fixture);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let (flows, cellprob) = (case.input("flows").planes(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    let ours = follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp"))?;
    agree::end_points_with_twin(&ours, &case.require("endpoints")?.end_points(&cellprob, threshold))
}
