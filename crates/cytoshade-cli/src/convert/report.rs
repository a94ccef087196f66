//! The report on a converted file. Keys and `filename` are untrusted text.

use std::path::Path;

use cytoshade_formats::{LabelView, Seg};
use cytoshade_safe_io::printable_path;
use serde::Serialize;

use crate::failure::Failure;
use crate::report::print_line;

/// One line of `--json`.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    input: String,
    bytes: usize,
    planes: usize,
    height: usize,
    width: usize,
    cells: usize,
    #[serde(flatten)]
    seg: Option<SegReport>,
    outputs: Vec<String>,
}

/// The contents of a `_seg.npy` beside its masks.
#[derive(Debug, Serialize)]
struct SegReport {
    #[serde(skip_serializing_if = "Option::is_none")]
    diameter: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<String>,
    known: Vec<String>,
    unknown: Vec<String>,
    /// Keys whose values are not plain data.
    left_out: Vec<String>,
}

impl Report {
    pub(super) fn new(input: &Path, bytes: usize, labels: LabelView<'_>, outputs: Vec<String>) -> Self {
        Self {
            input: input.display().to_string(),
            bytes,
            planes: labels.planes().len(),
            height: labels.height(),
            width: labels.width(),
            cells: labels.cells(),
            seg: None,
            outputs,
        }
    }

    pub(super) fn with_seg(self, seg: &Seg<'_>) -> Self {
        let report = SegReport {
            diameter: seg.diameter(),
            filename: seg.filename().map(Into::into),
            known: seg.known(),
            unknown: seg.unknown(),
            left_out: seg.left_out(),
        };
        Self { seg: Some(report), ..self }
    }

    pub(super) fn print(&self, is_json: bool) -> Result<(), Failure> {
        if is_json {
            print_line(serde_json::to_string(self).map_err(Failure::run)?);
        } else {
            print_line(self.text());
        }
        Ok(())
    }

    fn text(&self) -> String {
        let Self { bytes, planes, height, width, cells, .. } = self;
        let input = printable_path(&self.input);
        let planes = if *planes > 1 { format!("{planes} planes of ") } else { String::new() };
        let mut text =
            format!("{input}: {bytes} bytes, {planes}{height} x {width} pixels (height x width), {cells} cells");
        if let Some(SegReport { known, unknown, left_out, .. }) = &self.seg {
            text += &format!("\n  keys: {}", listed(known));
            if !unknown.is_empty() {
                text += &format!("\n  keys that Cellpose does not write: {}", listed(unknown));
            }
            if !left_out.is_empty() {
                text += &format!("\n  skipped, since they are not plain data: {}", listed(left_out));
            }
        }
        self.outputs.iter().for_each(|output| text += &format!("\n  -> {}", printable_path(output)));
        text
    }
}

/// The first words of a list, joined by commas. The words must be printable.
fn listed(words: &[String]) -> String {
    const MOST: usize = 40;
    let mut shown: Vec<String> = words.iter().take(MOST).cloned().collect();
    if words.len() > MOST {
        shown.push(format!("and {} more", words.len() - MOST));
    }
    shown.join(", ")
}
