//! Whole images through the library against the reference's fixtures, on the CPU and on a GPU or software adapter.

use cytoshade::Device;
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::{agree, both_ways, eval};
use libtest_mimic::{Arguments, Failed};

/// Allowed for the outputs of a whole pipeline in f32 against the reference's f32: rounding of every stage before.
const OUTPUTS: f64 = 1e-5;

/// Allowed for an estimated diameter: a pixel more or less in the cell of median size.
const DIAMETER: f64 = 1e-3;

fn main() {
    let cases = ["pipeline", "classes", "diameter"].into_iter().flat_map(|stage| cases(stage, "cases.json"));
    let trials = cases.flat_map(|case| eval::trials(&case, run)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn run(case: &Case, device: Device) -> Result<(), Failed> {
    let segmenter = eval::segmenter(case, device)?;
    let segmentation = segmenter.segment(&eval::image(case)?, &eval::params(case))?;

    if case.name().ends_with("constant") {
        // The reference shows the network a constant channel as it is; here it becomes zero. Neither finds a cell.
        let nothing = segmentation.cells() == 0 && case.expected_json("cells") == 0;
        return if nothing { Ok(()) } else { Err("cells in a constant image".into()) };
    }
    if let Some(expected) = case.expected("style") {
        let style = segmentation.style.clone().ok_or("no style")?;
        both_ways(&style, |s| s[0] += 0.01, |s| agree::l2_within(s, &expected.f32(), OUTPUTS))?;
    }
    for (name, ours) in [("flows", &segmentation.flows), ("cellprob", &segmentation.cellprob)] {
        if let Some(expected) = case.expected(name) {
            let ours = ours.as_ref().ok_or("not given")?.as_slice().to_vec();
            let perturb = |values: &mut Vec<f32>| values.iter_mut().for_each(|value| *value *= 1.001);
            both_ways(&ours, perturb, |o| agree::l2_within(o, &expected.f32(), OUTPUTS))
                .map_err(|failed| Failed::from(format!("{name}: {}", failed.message().unwrap_or_default())))?;
        }
    }
    let expected = case.expected("labels").ok_or("no labels")?.u32();
    if let Some(diameter) = case.expected_json("diameter").as_f64() {
        let near = |found: &f32| match f64::from(*found) / diameter - 1.0 {
            off if off.abs() <= DIAMETER => Ok(()),
            off => Err(format!("diameter {found}, expected {diameter}, off by {off:.1e}")),
        };
        both_ways(&segmentation.diameter, |found| *found *= 1.01, near)?;
    }
    let cells = case.cells()?;
    if segmentation.cells() != cells {
        return Err(format!("{} cells, expected {cells}", segmentation.cells()).into());
    }
    let labels = segmentation.labels.into_vec();
    if cells == 0 {
        return Ok(agree::masks(&labels, &expected)?);
    }
    both_ways(
        &labels,
        |l| l.iter_mut().for_each(|v| *v = (*v == 1).into()),
        |l| {
            // Where there is one cell, the perturbation must change something else.
            agree::masks(l, &expected)
        },
    )
    .or_else(|failed| if cells == 1 { Ok(agree::masks(&labels, &expected)?) } else { Err(failed) })
}
