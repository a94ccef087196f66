//! The line that `segment` prints for an image.

use std::collections::BTreeMap;
use std::path::Path;

use cytoshade::{Segmentation, StackSegmentation, Timings};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Files;
use crate::report::print_line;

/// One line of `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<usize>,
    output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<usize>,
    width: usize,
    height: usize,
    cells: usize,
    device: String,
    diameter: f32,
    milliseconds: BTreeMap<&'static str, f64>,
}

impl Report {
    pub(super) fn new(input: &Path, page: Option<usize>, files: &Files, segmentation: &Segmentation) -> Self {
        Self {
            input: input.display().to_string(),
            page,
            output: files.masks().display().to_string(),
            depth: None,
            width: segmentation.labels.width(),
            height: segmentation.labels.height(),
            cells: segmentation.cells(),
            device: segmentation.device.to_string(),
            diameter: segmentation.diameter,
            milliseconds: milliseconds(&segmentation.timings),
        }
    }

    pub(super) fn from_stack(input: &Path, files: &Files, segmentation: &StackSegmentation) -> Self {
        Self {
            input: input.display().to_string(),
            page: None,
            output: files.masks().display().to_string(),
            depth: Some(segmentation.labels.depth()),
            width: segmentation.labels.width(),
            height: segmentation.labels.height(),
            cells: segmentation.cells(),
            device: segmentation.device.to_string(),
            diameter: segmentation.diameter,
            milliseconds: milliseconds(&segmentation.timings),
        }
    }

    pub(super) fn print(&self, is_json: bool) -> Result<(), Failure> {
        if is_json {
            print_line(serde_json::to_string(self).map_err(Failure::run)?);
        } else {
            let page = self.page.map_or_else(String::new, |page| format!(" page {page}"));
            print_line(format_args!("{}{page}: {} cells -> {}", self.input, self.cells, self.output));
        }
        Ok(())
    }
}

/// The time of each stage, and the `total`, rounded to a microsecond.
fn milliseconds(timings: &Timings) -> BTreeMap<&'static str, f64> {
    let round = |time: std::time::Duration| time.as_micros() as f64 / 1000.0;
    let stages = timings.iter().map(|(stage, time)| (stage.name(), round(time)));
    stages.chain([("total", round(timings.total()))]).collect()
}
