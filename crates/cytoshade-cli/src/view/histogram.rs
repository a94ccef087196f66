//! A histogram of the cells' diameters, as SVG.

use std::fmt::Write;

use super::results::count;
use crate::median::of_sorted;

const BINS: usize = 20;
const WIDTH: f64 = 240.0;
const HEIGHT: f64 = 72.0;
const BASE: f64 = 52.0;

/// Bars from 0 to `end` pixels, the same for all images of a sheet; larger cells are in the last bar.
pub(super) fn svg(diameters: &[f64], end: f64) -> String {
    let mut counts = [0usize; BINS];
    for diameter in diameters {
        let bin = (diameter / end * BINS as f64) as usize;
        if let Some(count) = counts.get_mut(bin.min(BINS - 1)) {
            *count += 1;
        }
    }
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let summary = match (diameters.first(), of_sorted(diameters), diameters.last()) {
        (Some(first), Some(median), Some(last)) => {
            let cells = count(diameters.len(), "cell");
            format!("Diameters of {cells}: {first:.1} to {last:.1} pixels, median {median:.1}")
        }
        _ => "No cells".to_owned(),
    };
    let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{summary}\">");
    let step = WIDTH / BINS as f64;
    for (bin, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let height = count as f64 / highest as f64 * (BASE - 4.0);
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\" class=\"bar\"/>",
            bin as f64 * step + 0.5,
            BASE - height,
            step - 1.0
        );
    }
    let _ = write!(
        svg,
        concat!(
            "<path d=\"M0 {base}H{width}\" class=\"axis\"/>",
            "<text x=\"0\" y=\"{text}\">0</text>",
            "<text x=\"{middle}\" y=\"{text}\" text-anchor=\"middle\">diameter in pixels</text>",
            "<text x=\"{width}\" y=\"{text}\" text-anchor=\"end\">{end:.0}</text></svg>"
        ),
        base = BASE,
        width = WIDTH,
        text = HEIGHT - 4.0,
        middle = WIDTH / 2.0,
        end = end
    );
    svg
}

/// The end of the axis: the 99th percentile of all diameters, rounded up to a multiple of 5 pixels.
pub(super) fn end(diameters: impl Iterator<Item = f64>) -> f64 {
    let mut all: Vec<f64> = diameters.collect();
    all.sort_by(f64::total_cmp);
    let high = all.get((all.len() * 99 / 100).min(all.len().saturating_sub(1))).copied().unwrap_or(0.0);
    ((high / 5.0).floor() + 1.0) * 5.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_is_in_a_bar() {
        let svg = svg(&[1.0, 1.2, 9.0, 300.0], 20.0);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains("Diameters of 4 cells: 1.0 to 300.0 pixels, median 5.1"), "{svg}");
        assert!(super::svg(&[], 20.0).contains("No cells"));
        assert_eq!((end([4.0, 11.0].into_iter()), end(std::iter::empty())), (15.0, 5.0));
    }
}
