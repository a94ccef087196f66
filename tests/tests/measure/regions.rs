//! `Measurer` against scikit-image's `regionprops_table`.

use std::collections::BTreeMap;

use cytoshade_core::{Image, Samples};
use cytoshade_formats::{Pages, ReadOptions, read};
use cytoshade_measure::{COLUMNS, LabelImage, Measurer, Regions, Values};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::{Perturbation, each_way, trial};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::{Labels, close, labels};

/// Relative above 1, absolute below: scikit-image's own rounding of an eccentricity near 0 is 1e-8.
const TOLERANCE: f64 = 1e-6;

/// Columns by name; `None` is a value that does not apply.
type Table = BTreeMap<String, Vec<Option<f64>>>;

pub(crate) fn tests() -> Vec<Trial> {
    let test = |case: Case| trial(format!("regions::{}", case.name()), case.missing(), move || run(&case));
    let documented = trial("regions::columns_are_documented", None, columns_are_documented);
    cases("measure", "cases.json").into_iter().map(test).chain([documented]).collect()
}

fn run(case: &Case) -> Result<(), Failed> {
    let Labels { data, shape } = labels(case, "labels")?;
    let (slices, size) = match shape[..] {
        [height, width] => (None, [height, width]),
        [depth, height, width] => (Some(depth), [height, width]),
        _ => return Err(format!("labels of shape {shape:?}").into()),
    };
    let images = images(case, slices.unwrap_or(1), size)?;
    let measurer = Measurer::new(LabelImage::new(&data, slices, size)?).images(&images);
    compare(&measurer.measure()?, case.expected_json("table"), "")?;
    let sizes: Vec<f64> = case.param("pixel_size").as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    match sizes[..] {
        [] => Ok(()),
        [y, x] => compare(&measurer.pixel_size([1.0, y, x]).measure()?, case.expected_json("physical"), "_um"),
        [z, y, x] => compare(&measurer.pixel_size([z, y, x]).measure()?, case.expected_json("physical"), "_um"),
        _ => Err(format!("pixel sizes {sizes:?}").into()),
    }
}

/// An image for each z-slice.
fn images(case: &Case, depth: usize, [height, width]: [usize; 2]) -> Result<Vec<Image>, Failed> {
    let path = case.input_path("image").ok_or("no image")?;
    if path.extension().is_some_and(|extension| extension != "npy") {
        return Ok(read(path, &if depth > 1 { ReadOptions::pages(Pages::Stack) } else { ReadOptions::default() })?);
    }
    let values = case.input("image").values;
    let (pixels, channels) = (height * width, values.len() / (depth * height * width));
    let slice = |z: usize| {
        let planes = (0..channels).flat_map(|channel| &values[(channel * depth + z) * pixels..][..pixels]).copied();
        let samples = match case.param("dtype").as_str() {
            Some("uint8") => Samples::U8(planes.map(|value| value as u8).collect()),
            Some("uint16") => Samples::U16(planes.map(|value| value as u16).collect()),
            _ => Samples::F64(planes.collect()),
        };
        Ok(Image::from_samples(samples, channels, height, width)?)
    };
    (0..depth).map(slice).collect()
}

/// Compares the columns without a unit with a table of scikit-image, or those with the ending `_um` if `unit` is it.
fn compare(regions: &Regions, expected: &Value, unit: &str) -> Result<(), Failed> {
    let expected: Table = serde_json::from_value(expected.clone())?;
    let columns = regions.columns().into_iter().map(|column| {
        let values = match column.values {
            Values::Integers(values) => values.into_iter().map(|value| Some(value as f64)).collect(),
            Values::Numbers(values) => values,
            Values::Booleans(values) => values.into_iter().map(|value| Some(f64::from(u8::from(value)))).collect(),
        };
        (column.name, values)
    });
    let found: Table = columns.collect();
    let perturb = |table: &mut Table, name: &str, factor: f64| {
        for value in table.get_mut(name).into_iter().flatten().flatten() {
            *value *= factor;
        }
    };
    let (major, mean) = (format!("axis_major_length{unit}"), "extent");
    let shift_major = |table: &mut Table| perturb(table, &major, 1.0 + 1e-5);
    let shift_extent = |table: &mut Table| perturb(table, mean, 0.999);
    let lose_row = |table: &mut Table| {
        table.values_mut().for_each(|column| {
            column.pop();
        });
    };
    let mut perturbations: Vec<Perturbation<'_, Table>> =
        vec![("axes that are longer", &shift_major), ("a cell less", &lose_row)];
    if unit.is_empty() {
        perturbations.push(("another extent", &shift_extent));
    }
    each_way(&found, |found| same(found, &expected, unit), &perturbations)
}

fn same(found: &Table, expected: &Table, unit: &str) -> Result<(), String> {
    for (name, expected_column) in expected {
        let Some(ours) = name_of(name, unit, expected.contains_key("centroid-2")) else { continue };
        let column = found.get(&ours).ok_or_else(|| format!("no column {ours}"))?;
        if column.len() != expected_column.len() {
            return Err(format!("{} cells, expected {}", column.len(), expected_column.len()));
        }
        for (at, (found_value, expected_value)) in column.iter().zip(expected_column).enumerate() {
            // A round cell has no direction, so that rounding decides its orientation.
            if name == "orientation" && expected["eccentricity"][at].is_none_or(|value| value < 1e-6) {
                continue;
            }
            match (found_value, expected_value) {
                (None, None) => {}
                // A direction of -pi/2 is that of pi/2.
                (Some(found), Some(expected)) if name == "orientation" => {
                    close(&format!("{ours} of cell {at}"), (found - expected).sin(), 0.0, TOLERANCE)?;
                }
                (Some(found), Some(expected)) => {
                    close(&format!("{ours} of cell {at}"), *found, *expected, TOLERANCE)?;
                }
                _ => return Err(format!("{ours} of cell {at} is {found_value:?}, expected {expected_value:?}")),
            }
        }
    }
    Ok(())
}

/// The name of a column here; `None` for a column without a physical unit if those with one are compared.
fn name_of(name: &str, unit: &str, is_stack: bool) -> Option<String> {
    let has_unit = ["perimeter", "equivalent_diameter_area", "axis_major_length", "axis_minor_length"];
    match name {
        _ if unit.is_empty() => Some(name.to_owned()),
        "area" => Some(if is_stack { "volume_um3" } else { "area_um2" }.to_owned()),
        name if has_unit.contains(&name) => Some(format!("{name}{unit}")),
        _ => None,
    }
}

/// The page of the book lists every column, in order.
fn columns_are_documented() -> Result<(), Failed> {
    let page = include_str!("../../../docs/src/measurements.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> = rows.map(|name| name.split('-').next().unwrap_or(name)).collect();
    let expected = std::iter::once("frame").chain(COLUMNS.iter().map(|column| column.0));
    if expected.eq(documented.iter().copied()) {
        return Ok(());
    }
    Err(format!("docs/src/measurements.md lists {documented:?}").into())
}
