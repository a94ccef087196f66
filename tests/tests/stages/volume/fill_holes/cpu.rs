//! Stage `fill_holes` of stacks on the CPU.

use cytoshade_core::LabelVolume;
use cytoshade_cpu::volume::fill_holes;
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

use crate::volume::masks::cpu::masks_of;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("volume", "dynamics_cases.json", &["final"], |case| check(masks_of(case)?, case));
    for case in cases("volume", "fill_cases.json") {
        let (name, missing) = (format!("labels {}", case.name()), case.missing());
        group.test_with(name, missing, move || check(case.input("labels").label_volume(), &case));
    }
}

fn check(mut labels: LabelVolume, case: &Case) -> Result<(), Failed> {
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    agree::masks_with_twin(labels.as_slice(), &case.require("final")?.u32())
}
