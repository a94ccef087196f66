//! The agreement of two label images.

use std::collections::HashMap;

use crate::Labels;

/// Intersection over union from which two cells are partners. Above 0.5 no cell has two partners.
const SAME_CELL: f64 = 0.9;

/// Fraction of the pixels that must be in the same cell.
const SAME_PIXELS: f64 = 0.999;

/// The agreement of label images with others. The numbers of the cells do not matter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MaskAgreement {
    /// Cells of the others with a partner: an intersection over union of 0.9 or more.
    pub matched: usize,
    /// Cells of the others without a partner.
    pub missing: usize,
    /// Own cells without a partner.
    pub extra: usize,
    /// Fraction of the pixels, 0 to 1, that are in partners or in the background of both.
    pub pixels: f64,
}

impl MaskAgreement {
    /// The agreement of `labels` with `others`. `None` if they differ in size.
    pub fn new(labels: &Labels, others: &Labels) -> Option<Self> {
        if (labels.height(), labels.width()) != (others.height(), others.width()) {
            return None;
        }
        let pairs = || labels.as_slice().iter().copied().zip(others.as_slice().iter().copied());
        let (mut ours, mut theirs) = (vec![0usize; labels.max() as usize + 1], vec![0usize; others.max() as usize + 1]);
        let mut both: HashMap<(u32, u32), usize> = HashMap::new();
        for (a, b) in pairs() {
            ours[a as usize] += 1;
            theirs[b as usize] += 1;
            *both.entry((a, b)).or_default() += 1;
        }
        let partners = |(&(a, b), &both): (&(u32, u32), &usize)| {
            let union = ours[a as usize] + theirs[b as usize] - both;
            a > 0 && b > 0 && both as f64 >= SAME_CELL * union as f64
        };
        let matched: usize = both.iter().filter(|&pair| partners(pair)).count();
        let same: usize = both.iter().filter(|&pair| *pair.0 == (0, 0) || partners(pair)).map(|(_, &both)| both).sum();
        let cells = |sizes: &[usize]| sizes.iter().skip(1).filter(|&&size| size > 0).count();
        Some(Self {
            matched,
            missing: cells(&theirs) - matched,
            extra: cells(&ours) - matched,
            pixels: same as f64 / labels.as_slice().len().max(1) as f64,
        })
    }

    /// Whether the labels agree to the measure of the project: every cell has a partner, and at least 99.9 % of the pixels
    /// are in the same cell.
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
