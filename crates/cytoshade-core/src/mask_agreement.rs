//! The agreement of two label images.

use crate::{LabelPair, Labels, Overlap};

/// Intersection over union from which two cells are partners. Above 0.5 no cell has two partners.
const SAME_CELL: f64 = 0.9;

/// Fraction of the pixels that must be in partners or in the background of both.
const SAME_PIXELS: f64 = 0.999;

/// The agreement of a label image with another one. The numbers of the cells do not matter.
///
/// Two cells are partners if their intersection over union is 0.9 or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskAgreement {
    /// Number of cells with a partner.
    pub matched: usize,
    /// Number of cells of the other image without a partner.
    pub missing: usize,
    /// Number of cells of this image without a partner.
    pub extra: usize,
    /// Fraction of the pixels, 0 to 1, that are in partners or in the background of both.
    pub pixels: f64,
}

impl MaskAgreement {
    /// The agreement of `labels` (this image) with `others` (the other image). `None` if they differ in size.
    pub fn new(labels: &Labels, others: &Labels) -> Option<Self> {
        if (labels.height(), labels.width()) != (others.height(), others.width()) {
            return None;
        }
        let overlap = Overlap::new(labels.as_slice(), others.as_slice())?;
        let is_cells = |pair: LabelPair| pair.a > 0 && pair.b > 0;
        let is_partners =
            |pair: LabelPair| is_cells(pair) && pair.pixels as f64 >= SAME_CELL * overlap.union(pair) as f64;
        let is_same = |pair: LabelPair| (pair.a, pair.b) == (0, 0) || is_partners(pair);
        let pairs = || overlap.pairs().iter().copied();
        let matched = pairs().filter(|&pair| is_partners(pair)).count();
        let same: usize = pairs().filter(|&pair| is_same(pair)).map(|pair| pair.pixels).sum();
        let cells = |areas: &[(u32, usize)]| areas.iter().filter(|area| area.0 != 0).count();
        Some(Self {
            matched,
            missing: cells(overlap.areas_b()) - matched,
            extra: cells(overlap.areas_a()) - matched,
            pixels: same as f64 / labels.as_slice().len().max(1) as f64,
        })
    }

    /// Whether the labels agree: every cell has a partner, and [`MaskAgreement::pixels`] is at least 0.999.
    pub fn is_same(&self) -> bool {
        self.missing == 0 && self.extra == 0 && self.pixels >= SAME_PIXELS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows of 100 pixels, the first `count` of them in a cell.
    fn rows(counts: &[(u32, usize)]) -> Labels {
        let row = |&(label, count): &(u32, usize)| (0..100).map(move |x| if x < count { label } else { 0 });
        Labels::new(counts.iter().flat_map(row).collect(), counts.len(), 100).unwrap()
    }

    #[test]
    fn cells_are_partners_by_their_overlap_whatever_their_numbers() {
        let reference = rows(&[(1, 100), (2, 50), (0, 0), (0, 0)]);
        let told = |labels: &[(u32, usize)]| {
            let agreement = MaskAgreement::new(&rows(labels), &reference).unwrap();
            let MaskAgreement { matched, missing, extra, pixels } = agreement;
            ((matched, missing, extra), (pixels * 400.0).round() as usize, agreement.is_same())
        };
        assert_eq!(told(&[(7, 100), (1, 50), (0, 0), (0, 0)]), ((2, 0, 0), 400, true), "numbers do not matter");
        assert_eq!(told(&[(1, 90), (2, 50), (0, 0), (0, 0)]), ((2, 0, 0), 390, false), "too few pixels");
        assert_eq!(told(&[(1, 89), (2, 50), (0, 0), (0, 0)]), ((1, 1, 1), 300, false), "too little overlap");
        assert_eq!(told(&[(1, 100), (1, 50), (0, 0), (0, 0)]), ((0, 2, 1), 250, false), "merged");
        assert_eq!(told(&[(1, 100), (2, 50), (3, 1), (0, 0)]), ((2, 0, 1), 399, false), "extra");
        assert_eq!(told(&[(1, 100), (0, 0), (0, 0), (0, 0)]), ((1, 1, 0), 350, false), "missing");
        assert_eq!(MaskAgreement::new(&rows(&[(1, 1)]), &reference), None);
    }
}
