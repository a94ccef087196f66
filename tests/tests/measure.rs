//! Measurements and scores of cells, against scikit-image and the reference.

mod measure {
    pub(crate) mod evaluate;
    pub(crate) mod flow_picture;
    pub(crate) mod regions;
}

use cytoshade_formats::{ReadOptions, read_file, read_labels};
use cytoshade_tests::fixtures::Case;
use libtest_mimic::{Arguments, Failed, Trial};

/// Labels with the lengths of their axes.
pub(crate) struct Labels {
    pub(crate) data: Vec<u32>,
    pub(crate) shape: Vec<usize>,
}

/// The labels of an input: an array of a fixture, or a file of the larger data.
pub(crate) fn labels(case: &Case, name: &str) -> Result<Labels, Failed> {
    let options = ReadOptions::default();
    let path = case.input_path(name).ok_or("no labels")?;
    let labels = read_labels(&read_file(&path, &options.limits)?, &options)?;
    let view = labels.view();
    Ok(Labels { data: view.as_slice().to_vec(), shape: view.shape() })
}

/// Fails unless `found` is `expected` within a tolerance, relative above 1 and absolute below; both may be NaN.
pub(crate) fn close(name: &str, found: f64, expected: f64, tolerance: f64) -> Result<(), String> {
    let is_close = (found - expected).abs() <= tolerance * expected.abs().max(1.0);
    if is_close || found.is_nan() && expected.is_nan() {
        return Ok(());
    }
    Err(format!("{name} is {found}, expected {expected}"))
}

fn main() {
    let tests: Vec<Trial> =
        [regions::tests(), evaluate::tests(), flow_picture::tests()].into_iter().flatten().collect();
    libtest_mimic::run(&Arguments::from_args(), tests).exit()
}

use measure::{evaluate, flow_picture, regions};
