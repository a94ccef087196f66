//! The line that `segment` prints for each image.

use std::collections::BTreeMap;
use std::path::Path;

use cytoshade::Timings;
use cytoshade_formats::{Item, PixelSize};
use cytoshade_safe_io::printable_path;
use serde::Serialize;

use super::segmented::Segmented;
use crate::failure::Failure;
use crate::inputs::Facts;
use crate::report::print_line;

/// One line of `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    input: String,
    /// The series, if the file has several.
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<usize>,
    /// The position in a list of images, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<usize>,
    /// The time point, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<usize>,
    output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<usize>,
    width: usize,
    height: usize,
    cells: usize,
    device: String,
    diameter: f32,
    /// In micrometres.
    #[serde(skip_serializing_if = "Option::is_none")]
    pixel_size: Option<BTreeMap<&'static str, f64>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    channel_names: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    milliseconds: BTreeMap<&'static str, f64>,
}

impl Report {
    pub(super) fn new(path: &Path, item: &Item, facts: &Facts, masks: &Path, segmented: &Segmented) -> Self {
        let (series, labels) = (facts.series(item), segmented.labels());
        Self {
            input: path.display().to_string(),
            series: item.is_of_several.then_some(item.series),
            page: item.list.map(|list| list + 1),
            time: item.time,
            output: masks.display().to_string(),
            depth: labels.slices(),
            width: labels.width(),
            height: labels.height(),
            cells: segmented.cells(),
            device: segmented.device().to_string(),
            diameter: segmented.diameter(),
            pixel_size: series.map(|series| sizes(&series.pixel_size)).filter(|sizes| !sizes.is_empty()),
            channel_names: series.map(|series| series.channel_names.clone()).unwrap_or_default(),
            warnings: facts.warnings().to_vec(),
            milliseconds: milliseconds(segmented.timings()),
        }
    }

    /// Prints the line of `--json`.
    pub(super) fn print_json(&self) -> Result<(), Failure> {
        print_line(serde_json::to_string(self).map_err(Failure::run)?);
        Ok(())
    }

    /// Prints the line for people.
    pub(super) fn print(&self) {
        let part = |name: &str, number: Option<usize>| number.map_or_else(String::new, |n| format!(" {name} {n}"));
        let part = part("series", self.series) + &part("page", self.page) + &part("time", self.time);
        let (input, output) = (printable_path(&self.input), printable_path(&self.output));
        print_line(format_args!("{input}{part}: {} cells -> {output}", self.cells));
    }
}

/// The known sizes of a pixel by axis.
pub(crate) fn sizes(size: &PixelSize) -> BTreeMap<&'static str, f64> {
    [("x", size.x), ("y", size.y), ("z", size.z)].into_iter().filter_map(|(axis, size)| Some((axis, size?))).collect()
}

/// The time of each stage and the `total` in milliseconds, rounded to a microsecond.
fn milliseconds(timings: &Timings) -> BTreeMap<&'static str, f64> {
    let round = |time: std::time::Duration| time.as_micros() as f64 / 1000.0;
    let stages = timings.iter().map(|(stage, time)| (stage.name(), round(time)));
    stages.chain([("total", round(timings.total()))]).collect()
}
