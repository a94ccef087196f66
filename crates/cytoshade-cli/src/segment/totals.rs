//! The totals of a run: the table on standard error and the last line of `--json`.

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cytoshade_formats::LabelView;
use cytoshade_safe_io::printable_path;
use serde::Serialize;

use crate::failure::Failure;
use crate::report::{print_error, print_line};

/// The totals of a run.
#[derive(Debug)]
pub(crate) struct Totals {
    start: Instant,
    /// Inputs that are complete.
    pub(super) done: usize,
    /// Inputs that were complete before the run.
    pub(super) skipped: usize,
    failed: Vec<(String, String)>,
    images: usize,
    cells: usize,
    /// The number of cells of each size: pixels, and voxels of stacks.
    sizes: BTreeMap<(u64, bool), u64>,
    network: Duration,
}

/// The last line of `--json`.
#[derive(Serialize)]
struct Line<'t> {
    summary: Summary<'t>,
}

#[derive(Serialize)]
struct Summary<'t> {
    inputs: usize,
    done: usize,
    skipped: usize,
    failed: Vec<Failed<'t>>,
    images: usize,
    cells: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    median_diameter: Option<f64>,
    seconds: f64,
    network_seconds: f64,
}

#[derive(Serialize)]
struct Failed<'t> {
    input: &'t str,
    error: &'t str,
}

impl Totals {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            done: 0,
            skipped: 0,
            failed: Vec::new(),
            images: 0,
            cells: 0,
            sizes: BTreeMap::new(),
            network: Duration::ZERO,
        }
    }

    /// Counts an image or stack with its cells, which are volumes or areas of planes.
    pub(super) fn add(&mut self, labels: LabelView<'_>, are_volumes: bool, cells: usize, network: Duration) {
        self.images += 1;
        self.cells += cells;
        self.network += network;
        if are_volumes {
            return self.add_sizes(labels.as_slice(), true);
        }
        labels.planes().for_each(|plane| self.add_sizes(plane.labels.as_slice(), false));
    }

    fn add_sizes(&mut self, labels: &[u32], are_volumes: bool) {
        let most = labels.iter().max().map_or(0, |label| *label as usize);
        let mut sizes = vec![0u64; most + 1];
        for &label in labels {
            sizes[label as usize] += 1;
        }
        for size in sizes.into_iter().skip(1).filter(|size| *size > 0) {
            *self.sizes.entry((size, are_volumes)).or_default() += 1;
        }
    }

    /// Counts an input that failed.
    pub(super) fn fail(&mut self, input: &Path, failure: &Failure) {
        self.failed.push((input.display().to_string(), failure.to_string()));
    }

    /// Adds the inputs of a later part of the run.
    pub(crate) fn merge(&mut self, other: Self) {
        self.done += other.done;
        self.skipped += other.skipped;
        self.failed.extend(other.failed);
        self.images += other.images;
        self.cells += other.cells;
        self.network += other.network;
        for (size, count) in other.sizes {
            *self.sizes.entry(size).or_default() += count;
        }
    }

    /// The end of a run over so many inputs by an interruption.
    pub(crate) fn interrupted(&self, of: usize) -> Failure {
        Failure::Interrupted { done: self.done + self.skipped, of }
    }

    /// The outcome of a run over so many inputs.
    pub(super) fn outcome(&self, of: usize) -> Result<(), Failure> {
        let failed = self.failed.len();
        if self.done + self.skipped + failed < of {
            Err(self.interrupted(of))
        } else if failed > 0 {
            Err(Failure::Some { failed, of })
        } else {
            Ok(())
        }
    }

    /// The median of the cells' diameters in pixels: of a disk of the same area, or a ball of the same volume (the
    /// reference's `utils.diameters`).
    fn median_diameter(&self) -> Option<f64> {
        let diameter = |(size, is_volume): (u64, bool)| match is_volume {
            true => (6.0 * size as f64 / PI).cbrt(),
            false => (4.0 * size as f64 / PI).sqrt(),
        };
        let mut counts: Vec<(f64, u64)> = self.sizes.iter().map(|(&size, &count)| (diameter(size), count)).collect();
        counts.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        let total: u64 = counts.iter().map(|(_, count)| count).sum();
        // The diameter at a position in the sorted list of all cells.
        let at = |position: u64| {
            let mut before = 0;
            let found = counts.iter().find(|(_, count)| {
                before += count;
                position < before
            });
            found.map(|(diameter, _)| *diameter)
        };
        crate::median::of_positions(total, at)
    }

    /// Prints the table on standard error.
    pub(super) fn print_table(&self) {
        let mut text = String::from("\n");
        let mut row = |name: &str, value: String| {
            let _ = writeln!(text, "{name:<16}{value:>12}");
        };
        row("images", self.images.to_string());
        row("cells", self.cells.to_string());
        if let Some(diameter) = self.median_diameter() {
            row("median diameter", format!("{diameter:.1} px"));
        }
        if self.skipped > 0 {
            row("inputs skipped", self.skipped.to_string());
        }
        if !self.failed.is_empty() {
            row("inputs failed", self.failed.len().to_string());
        }
        row("time", format!("{:.1} s", self.start.elapsed().as_secs_f64()));
        for (input, reason) in &self.failed {
            let _ = writeln!(text, "failed: {}", with_path(input, reason));
        }
        print_error(&text);
    }

    /// Prints the last line of `--json`.
    pub(super) fn print_json(&self) -> Result<(), Failure> {
        let round = |seconds: f64| (seconds * 1e3).round() / 1e3;
        let summary = Summary {
            inputs: self.done + self.skipped + self.failed.len(),
            done: self.done,
            skipped: self.skipped,
            failed: self.failed.iter().map(|(input, error)| Failed { input, error }).collect(),
            images: self.images,
            cells: self.cells,
            median_diameter: self.median_diameter().map(round),
            seconds: round(self.start.elapsed().as_secs_f64()),
            network_seconds: round(self.network.as_secs_f64()),
        };
        print_line(serde_json::to_string(&Line { summary }).map_err(Failure::run)?);
        Ok(())
    }
}

/// A reason that begins with the path of its input.
fn with_path(input: &str, reason: &str) -> String {
    let path = printable_path(input).to_string();
    if reason.starts_with(&path) { reason.to_owned() } else { format!("{path}: {reason}") }
}

#[cfg(test)]
mod tests {
    use cytoshade::Labels;

    use super::*;

    #[test]
    fn the_median_is_that_of_all_cells() {
        let mut totals = Totals::new();
        assert_eq!(totals.median_diameter(), None);
        // Cells of 1, 2 and 3 pixels, then one of 4.
        let first = Labels::new(vec![1, 2, 2, 3, 3, 3, 0, 0], 2, 4).unwrap();
        totals.add((&first).into(), false, 3, Duration::from_secs(1));
        let diameter = |pixels: f64| (4.0 * pixels / PI).sqrt();
        assert_eq!(totals.median_diameter(), Some(diameter(2.0)));
        let second = Labels::new(vec![1, 1, 1, 1], 2, 2).unwrap();
        let mut later = Totals::new();
        later.add((&second).into(), false, 1, Duration::from_secs(2));
        totals.merge(later);
        assert_eq!(totals.median_diameter(), Some((diameter(2.0) + diameter(3.0)) / 2.0));
        assert_eq!((totals.images, totals.cells, totals.network), (2, 4, Duration::from_secs(3)));
    }

    #[test]
    fn the_outcome_tells_failures_from_an_interruption() {
        let mut totals = Totals::new();
        (totals.done, totals.skipped) = (1, 1);
        assert!(totals.outcome(2).is_ok());
        assert!(matches!(totals.outcome(3), Err(Failure::Interrupted { done: 2, of: 3 })));
        totals.fail(Path::new("a.tif"), &Failure::run("a.tif: damaged"));
        assert!(matches!(totals.outcome(3), Err(Failure::Some { failed: 1, of: 3 })));
    }
}
