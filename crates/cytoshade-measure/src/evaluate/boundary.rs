//! The agreement of the outlines of two segmentations.

use cytoshade_core::Labels;
use cytoshade_core::contours::Contours;

use crate::Error;

/// Precision and recall of the pixels near an outline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BoundaryScores {
    /// The distance that counts as near, over the median diameter of the ground truth's cells.
    pub scale: f64,
    /// The fraction of the pixels near an outline of the segmentation that are near one of the ground truth.
    pub precision: f64,
    /// The fraction of the pixels near an outline of the ground truth that are near one of the segmentation.
    pub recall: f64,
    /// The harmonic mean of both.
    pub f_score: f64,
}

/// The agreement of the outlines at several scales (`cellpose.metrics.boundary_scores`).
///
/// A pixel is near an outline within `scale` times the median diameter of the ground truth's cells, and at least within
/// a pixel. A score without pixels is NaN. The reference counts the outline's pixels near a pixel in 8 bits, so that it
/// takes multiples of 256 for none; this function does not.
///
/// # Errors
/// [`Error::SizesDiffer`]; [`Error::Scale`] for scales outside of 0 to 100.
pub fn boundary_scores(truth: &Labels, predicted: &Labels, scales: &[f64]) -> Result<Vec<BoundaryScores>, Error> {
    let size = |labels: &Labels| [labels.height(), labels.width()];
    if size(truth) != size(predicted) {
        return Err(Error::SizesDiffer { truth: size(truth), predicted: size(predicted) });
    }
    if let Some(&found) = scales.iter().find(|scale| !(0.0..=100.0).contains(*scale)) {
        return Err(Error::Scale { found });
    }
    if scales.is_empty() {
        return Ok(Vec::new());
    }
    let diameter = truth.diameter().unwrap_or(0.0);
    let [truth, predicted] = [truth, predicted].map(outline);
    let scores = |&scale: &f64| {
        let radius = (scale * diameter).max(1.0);
        let [truth, predicted] = [&truth, &predicted].map(|outline| outline.dilated(radius));
        let count = |wanted: (bool, bool)| truth.iter().zip(&predicted).filter(|&(&t, &p)| (t, p) == wanted).count();
        let (both, extra, missed) = (count((true, true)) as f64, count((false, true)), count((true, false)));
        let precision = both / (both + extra as f64);
        let recall = both / (both + missed as f64);
        let f_score = 2.0 * precision * recall / (precision + recall);
        BoundaryScores { scale, precision, recall, f_score }
    };
    Ok(scales.iter().map(scores).collect())
}

/// The pixels of the cells' outlines, as [x, y].
struct Outline {
    points: Vec<[u32; 2]>,
    height: usize,
    width: usize,
}

fn outline(labels: &Labels) -> Outline {
    let (height, width) = (labels.height(), labels.width());
    let mut points = Vec::new();
    Contours::new(labels.as_slice(), [height, width], vec![0; height * width])
        .each(|_, contour| points.extend(contour));
    Outline { points, height, width }
}

impl Outline {
    /// True for each pixel within `radius` of the outline.
    fn dilated(&self, radius: f64) -> Vec<bool> {
        // Each row of a disk adds 1 at its first pixel and -1 after its last one; sums along the rows restore the disk.
        let mut steps = vec![0i32; self.height * (self.width + 1)];
        let half_widths = half_widths(radius, self.height);
        for &[x, y] in &self.points {
            let (x, y) = (i64::from(x), y as usize);
            let reach = half_widths.len();
            for row in (y + 1).saturating_sub(reach)..(y + reach).min(self.height) {
                let half = half_widths[row.abs_diff(y)];
                let first = (x - half).max(0) as usize;
                let end = ((x + half + 1) as usize).min(self.width);
                steps[row * (self.width + 1) + first] += 1;
                steps[row * (self.width + 1) + end] -= 1;
            }
        }
        let mut near = Vec::with_capacity(self.height * self.width);
        for row in steps.chunks_exact(self.width + 1) {
            let mut disks = 0;
            near.extend(row.iter().take(self.width).map(|step| {
                disks += step;
                disks > 0
            }));
        }
        near
    }
}

/// Half the width of each row of a disk from its center on, in an image of `height` rows.
fn half_widths(radius: f64, height: usize) -> Vec<i64> {
    // A scale of 100 makes disks of far more rows than the image has.
    let rows = (radius as usize).saturating_add(1).min(height);
    (0..rows as i64).map(|dy| half_width(radius, dy)).collect()
}

/// The largest dx for which (dx, dy) is within the radius, by the reference's comparison of rounded lengths.
fn half_width(radius: f64, dy: i64) -> i64 {
    let is_within = |dx: i64| ((dx * dx + dy * dy) as f64).sqrt() <= radius;
    let mut half = ((radius * radius - (dy * dy) as f64).max(0.0)).sqrt() as i64;
    while is_within(half + 1) {
        half += 1;
    }
    while half > 0 && !is_within(half) {
        half -= 1;
    }
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_has_the_pixels_within_its_radius() {
        let (height, width) = (5, 9);
        let outline = Outline { points: vec![[2, 1], [8, 4]], height, width };
        let mut counts = Vec::new();
        for radius in [1.0, 1.5, 2.0, 3.7, 6.0, 40.0] {
            let is_near = |at: usize| {
                let square = |a: usize, b: u32| (a as f64 - f64::from(b)).powi(2);
                let distance = |&[x, y]: &[u32; 2]| (square(at % width, x) + square(at / width, y)).sqrt();
                outline.points.iter().any(|point| distance(point) <= radius)
            };
            let expected: Vec<bool> = (0..height * width).map(is_near).collect();
            assert_eq!(outline.dilated(radius), expected, "{radius}");
            counts.push(expected.iter().filter(|near| **near).count());
        }
        assert!(counts.is_sorted() && counts[0] == 8 && counts[5] == 45, "{counts:?}");
        assert_eq!(half_widths(1e9, height).len(), height, "no rows outside of the image");
        assert_eq!(half_widths(2.0, height), [2, 1, 0]);
    }
}
