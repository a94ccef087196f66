//! Stage `fill_holes` on the CPU.

use cytoshade_cpu::{fill_holes, flow_error};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::Group;
use cytoshade_tests::{agree, must_fail_when_perturbed};
use libtest_mimic::Failed;

use crate::dynamics::cpu::unchecked_masks;
use crate::shapes::{no_gaps, rectangles, without_small};

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("dynamics", "cases.json", &["final", "cells"], fixture);
    group.test("small masks go by their own label", own_label);
    for case in cytoshade_tests::fixtures::cases("dynamics", "label_cases.json") {
        group.test_with(format!("labels {}", case.name()), case.missing(), move || labels_fixture(&case));
    }
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let mut labels = unchecked_masks(case)?;
    flow_error::remove_bad(&mut labels, &case.input("flows").planes(), case.number("flow_threshold"))?;
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    if let Some(expected) = case.expected("final").map(|expected| expected.u32()) {
        if expected.iter().all(|&label| label == 0) {
            if labels.max() > 0 {
                return Err(format!("{} cells, expected none", labels.max()).into());
            }
        } else {
            let same = |labels: &Vec<u32>| agree::masks(labels, &expected);
            must_fail_when_perturbed(&labels.as_slice().to_vec(), |labels| labels.fill(0), same)?;
        }
    }
    match case.expected_json("cells").as_u64() {
        Some(cells) if u64::from(labels.max()) != cells => {
            Err(format!("{} cells, expected {cells}", labels.max()).into())
        }
        _ => Ok(()),
    }
}

fn own_label() -> Result<(), Failed> {
    let mut random = Random(37);
    for min_size in [2, 15, 50] {
        let labels = rectangles(&mut random);
        let expected = without_small(&labels, min_size);
        let mut ours = labels;
        fill_holes::fill_holes_and_remove_small(&mut ours, min_size);
        agree::masks_with_twin(ours.as_slice(), expected.as_slice())?;
        no_gaps(&ours);
    }
    Ok(())
}

fn labels_fixture(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").labels();
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    let expected = match case.expected("final") {
        Some(expected) => expected.u32(),
        // The labels are unchanged.
        None => case.input("labels").u32(),
    };
    agree::masks(labels.as_slice(), &expected)?;
    let count = labels.max() as usize;
    let present: std::collections::BTreeSet<u32> = labels.as_slice().iter().copied().filter(|&l| l > 0).collect();
    if present.len() != count { Err("the labels have gaps".into()) } else { Ok(()) }
}
