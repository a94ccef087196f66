//! Combinations of options, every two values of two options met, on crops of the larger data, against the reference's
//! masks.

use cytoshade::{Device, Image};
use cytoshade_tests::fixtures::{Case, NEEDS_TEST_DATA, cases, numbers};
use cytoshade_tests::{agree, both_ways, eval, trial};
use libtest_mimic::{Arguments, Failed};

fn main() {
    let mut trials = Vec::new();
    for case in cases("grid", "cases.json") {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let name = case.name();
        trials.push(trial(name, missing, move || plane(&case)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Rows `crop[0]..crop[1]` and columns `crop[2]..crop[3]` of an image.
fn crop(image: &Image, crop: &[usize]) -> Result<Image, Failed> {
    let &[y0, y1, x0, x1] = crop else { return Err(format!("no crop: {crop:?}").into()) };
    let mut values = Vec::new();
    for channel in 0..image.channels() {
        let plane = image.to_planes(channel)?;
        for row in plane.as_slice().chunks_exact(image.width()).take(y1).skip(y0) {
            values.extend_from_slice(&row[x0..x1]);
        }
    }
    Ok(Image::new(values, image.channels(), y1 - y0, x1 - x0)?)
}

fn plane(case: &Case) -> Result<(), Failed> {
    let image = crop(&eval::image(case)?, &numbers(case.extra("crop")))?;
    let found = eval::segmenter(case, Device::Cpu)?.segment(&image, &eval::params(case))?;
    compare(case, found.cells(), found.labels.into_vec())
}

fn compare(case: &Case, cells: usize, labels: Vec<u32>) -> Result<(), Failed> {
    if cells != case.cells()? {
        return Err(format!("{cells} cells, expected {}", case.cells()?).into());
    }
    let expected = case.expected("labels").ok_or("no labels")?.u32();
    if cells == 0 {
        return Ok(agree::masks(&labels, &expected)?);
    }
    both_ways(&labels, |labels| labels.fill(0), |labels| agree::masks(labels, &expected))
}
