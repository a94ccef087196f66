//! Stage `flow_error` on the CPU: the flows of masks, their errors, and the masks that are dropped.

use cytoshade_cpu::flow_error;
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::{Array, Case};
use cytoshade_tests::must_fail_when_perturbed;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

use crate::dynamics::cpu::unchecked_masks;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("dynamics", "cases.json", &["flow_errors", "checked"], fixture);
    group.fixtures("dynamics", "flow_cases.json", &["flows"], flows_fixture);
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let flows = case.input("flows").planes();
    let mut masks = unchecked_masks(case)?;
    if let Some(expected) = case.expected("flow_errors") {
        same_errors(flow_error::flow_errors(&masks, &flows)?, &expected)?;
    }
    flow_error::remove_bad(&mut masks, &flows, case.number("flow_threshold"))?;
    match case.expected("checked") {
        Some(expected) => agree::equal_with_twin(masks.as_slice(), &expected.u32(), "the masks after the flow check"),
        None => Ok(()),
    }
}

fn same_errors(ours: Vec<f64>, expected: &Array) -> Result<(), Failed> {
    let close = |ours: &Vec<f64>| {
        if ours.len() != expected.values.len() {
            return Err(format!("{} errors, expected {}", ours.len(), expected.values.len()));
        }
        let within = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1e-3);
        match ours.iter().zip(&expected.values).find(|&(&a, &b)| !within(a, b)) {
            Some((a, b)) => Err(format!("flow error {a}, expected {b}")),
            None => Ok(()),
        }
    };
    if ours.is_empty() {
        return Ok(());
    }
    must_fail_when_perturbed(&ours, |errors| errors[0] += 1e-4, close)
}

fn flows_fixture(case: &Case) -> Result<(), Failed> {
    let ours = flow_error::masks_to_flows(&case.input("labels").labels()).into_vec();
    let expected = case.require("flows")?.f32();
    agree::close_with_twin(&ours, &expected, ROUNDING)
}
