//! Stage `follow_flows` of stacks on the CPU.

use cytoshade_cpu::volume::follow_flows::{self, EndPoints};
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("volume", "dynamics_cases.json", &["endpoints"], fixture);
}

/// Our end points of a case.
pub(crate) fn follow(case: &Case) -> Result<EndPoints, Failed> {
    let (flows, cellprob) = (case.input("flows").volume(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    Ok(follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp"))?)
}

fn fixture(case: &Case) -> Result<(), Failed> {
    agree::points_with_twin(&follow(case)?.points, &case.require("endpoints")?.points())
}
