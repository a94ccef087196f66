//! The overlap of a segmentation with a ground truth, and the scores that follow from it.

use cytoshade_core::LabelOverlap;

use super::assignment::{Edge, largest_assignment};
use crate::Error;

/// The overlaps of the cells of a ground truth with those of a segmentation, of an image or a stack.
///
/// The numbers of the cells do not matter, and there may be gaps between them. `cellpose.metrics` takes the highest label
/// for the number of cells, and so counts gaps as missing or extra cells; without gaps the scores are equal.
#[derive(Clone, Debug)]
pub struct Overlap {
    truth: Vec<u32>,
    predicted: Vec<u32>,
    /// For each cell of the ground truth, the cells of the segmentation that overlap it.
    overlaps: Vec<Vec<Shared>>,
    /// Pixels in a cell of either.
    union: usize,
}

/// The pixels that two cells share.
#[derive(Clone, Copy, Debug)]
struct Shared {
    /// The index of the cell of the segmentation.
    predicted: usize,
    pixels: usize,
    iou: f64,
}

/// The scores at a threshold of the intersection over union.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// The intersection over union from which two cells match.
    pub threshold: f64,
    /// Pairs of cells that match, at most one pair for each cell.
    pub true_positives: usize,
    /// Cells of the segmentation without a match.
    pub false_positives: usize,
    /// Cells of the ground truth without a match.
    pub false_negatives: usize,
}

/// A cell of the ground truth and its best partner in the segmentation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Match {
    /// The label in the ground truth.
    pub truth: u32,
    /// The label in the segmentation; `None` without an overlapping cell.
    pub predicted: Option<u32>,
    /// Intersection over union, 0 to 1; 0 without a partner.
    pub iou: f64,
}

impl Scores {
    /// TP / (TP + FP + FN), as `cellpose.metrics.average_precision`; NaN if neither image has a cell.
    pub fn average_precision(&self) -> f64 {
        self.true_positives as f64 / (self.true_positives + self.false_positives + self.false_negatives) as f64
    }

    /// TP / (TP + FP): the fraction of the segmentation's cells that match; NaN without a cell.
    pub fn precision(&self) -> f64 {
        self.true_positives as f64 / (self.true_positives + self.false_positives) as f64
    }

    /// TP / (TP + FN): the fraction of the ground truth's cells that match; NaN without a cell.
    pub fn recall(&self) -> f64 {
        self.true_positives as f64 / (self.true_positives + self.false_negatives) as f64
    }

    /// 2 TP / (2 TP + FP + FN); NaN if neither image has a cell.
    pub fn f1(&self) -> f64 {
        let twice = 2 * self.true_positives;
        twice as f64 / (twice + self.false_positives + self.false_negatives) as f64
    }
}

impl Overlap {
    /// The overlaps of labels with one label per pixel, in the same order.
    ///
    /// # Errors
    /// [`Error::CountsDiffer`].
    pub fn new(truth: &[u32], predicted: &[u32]) -> Result<Self, Error> {
        let overlap = LabelOverlap::new(truth, predicted)
            .ok_or(Error::CountsDiffer { truth: truth.len(), predicted: predicted.len() })?;
        let cells = |areas: &[(u32, usize)]| -> Vec<u32> {
            areas.iter().map(|area| area.0).filter(|&label| label != 0).collect()
        };
        let (truth_cells, predicted_cells) = (cells(overlap.areas_a()), cells(overlap.areas_b()));
        let mut overlaps = vec![Vec::new(); truth_cells.len()];
        let mut union = truth.len();
        for &pair in overlap.pairs() {
            match (truth_cells.binary_search(&pair.a), predicted_cells.binary_search(&pair.b)) {
                (Ok(at), Ok(predicted)) => {
                    let (pixels, iou) = (pair.pixels, overlap.iou(pair));
                    overlaps[at].push(Shared { predicted, pixels, iou });
                }
                // The background of both.
                (Err(_), Err(_)) => union -= pair.pixels,
                _ => {}
            }
        }
        Ok(Self { truth: truth_cells, predicted: predicted_cells, overlaps, union })
    }

    /// The labels of the ground truth, ascending.
    pub fn truth(&self) -> &[u32] {
        &self.truth
    }

    /// The labels of the segmentation, ascending.
    pub fn predicted(&self) -> &[u32] {
        &self.predicted
    }

    /// The scores at a threshold, above 0 and at most 1, as `cellpose.metrics.average_precision`.
    ///
    /// # Errors
    /// [`Error::Threshold`].
    pub fn scores(&self, threshold: f64) -> Result<Scores, Error> {
        let true_positives = self.matches(threshold)?.len();
        Ok(Scores {
            threshold,
            true_positives,
            false_positives: self.predicted.len() - true_positives,
            false_negatives: self.truth.len() - true_positives,
        })
    }

    /// The pairs of labels (of the ground truth, of the segmentation) that match at a threshold, above 0 and at most 1.
    ///
    /// As many pairs as possible, and among these the ones of the largest intersections over unions.
    ///
    /// # Errors
    /// [`Error::Threshold`].
    pub fn matches(&self, threshold: f64) -> Result<Vec<(u32, u32)>, Error> {
        if !(threshold > 0.0 && threshold <= 1.0) {
            return Err(Error::Threshold { found: threshold });
        }
        let partners = self.partners(threshold);
        let matches = self.truth.iter().zip(partners).filter_map(|(&truth, shared)| {
            let shared = shared.filter(|shared| shared.iou >= threshold)?;
            Some((truth, self.predicted[shared.predicted]))
        });
        Ok(matches.collect())
    }

    /// The best partner of each cell of the ground truth, as `cellpose.metrics.mask_ious`.
    ///
    /// The reference also pairs cells that do not overlap, with an intersection over union of 0; here they have no
    /// partner.
    pub fn mask_ious(&self) -> Vec<Match> {
        let matched = |(&truth, shared): (&u32, Option<Shared>)| Match {
            truth,
            predicted: shared.map(|shared| self.predicted[shared.predicted]),
            iou: shared.map_or(0.0, |shared| shared.iou),
        };
        self.truth.iter().zip(self.partners(0.5)).map(matched).collect()
    }

    /// Shared pixels of all partners over the pixels in a cell of either image; NaN if neither image has a cell.
    ///
    /// `cellpose.metrics.aggregated_jaccard_index`.
    pub fn aggregated_jaccard_index(&self) -> f64 {
        let shared: usize = self.partners(0.5).into_iter().flatten().map(|shared| shared.pixels).sum();
        shared as f64 / self.union as f64
    }

    /// The partner of each cell of the ground truth: as many as possible at a threshold, and then the largest sum of
    /// intersections over unions.
    fn partners(&self, threshold: f64) -> Vec<Option<Shared>> {
        let scale = 2.0 * self.truth.len().min(self.predicted.len()) as f64;
        let edge = |shared: &Shared| -> Edge {
            let weight = if shared.iou >= threshold { 1.0 } else { 0.0 };
            (shared.predicted, weight + shared.iou / scale)
        };
        let rows: Vec<Vec<Edge>> = self.overlaps.iter().map(|shared| shared.iter().map(edge).collect()).collect();
        let assigned = largest_assignment(&rows, self.predicted.len());
        let partner = |(shared, column): (&Vec<Shared>, Option<usize>)| {
            shared.iter().find(|shared| Some(shared.predicted) == column).copied()
        };
        self.overlaps.iter().zip(assigned).map(partner).collect()
    }
}
