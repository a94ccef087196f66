//! `flow_picture` against the reference's `plot.dx_to_circ`.

use cytoshade_core::Planes;
use cytoshade_formats::{FlowView, flow_picture};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::{must_fail_when_perturbed, trial};
use libtest_mimic::{Failed, Trial};

pub(crate) fn tests() -> Vec<Trial> {
    let test = |case: Case| trial(format!("flow_picture::{}", case.name()), case.missing(), move || run(&case));
    cases("measure", "flow_cases.json").into_iter().map(test).collect()
}

fn run(case: &Case) -> Result<(), Failed> {
    let flows = case.input("flows").planes();
    let cellprob = Planes::zeros(1, flows.height(), flows.width());
    let picture = flow_picture(&FlowView::image(&flows, &cellprob)?)?;
    let expected = case.require("rgb")?.values;
    let found: Vec<f64> = picture.pixels().as_flattened().iter().map(|&value| f64::from(value)).collect();
    let compare = |found: &Vec<f64>| -> Result<(), String> {
        let far = found.iter().zip(&expected).filter(|(found, expected)| (*found - *expected).abs() > 1.0).count();
        if far > 0 || found.len() != expected.len() {
            Err(format!("{far} values differ by more than a level"))
        } else {
            Ok(())
        }
    };
    must_fail_when_perturbed(&found, |found| found[0] = expected[0] + 2.0, compare)
}
