//! The pixels that the cells of two label images share.

use std::collections::{BTreeMap, HashMap};

/// The pixels that each two labels of two images share. Background (0) is a label too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelOverlap {
    pairs: Vec<LabelPair>,
    areas_a: Vec<(u32, usize)>,
    areas_b: Vec<(u32, usize)>,
}

/// A label of the first image and one of the second that share pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct LabelPair {
    /// The label in the first image.
    pub a: u32,
    /// The label in the second image.
    pub b: u32,
    /// Number of pixels with both labels.
    pub pixels: usize,
}

impl LabelOverlap {
    /// The overlaps of two label images of one size. `None` if they differ in their number of pixels.
    pub fn new(a: &[u32], b: &[u32]) -> Option<Self> {
        if a.len() != b.len() {
            return None;
        }
        let mut counts: HashMap<(u32, u32), usize> = HashMap::new();
        let mut rest = (a, b);
        // A look-up for each run of equal pairs instead of each pixel.
        while let (Some(&first), Some(&second)) = (rest.0.first(), rest.1.first()) {
            let run = rest.0.iter().zip(rest.1).take_while(|&pair| pair == (&first, &second)).count();
            *counts.entry((first, second)).or_default() += run;
            rest = (&rest.0[run..], &rest.1[run..]);
        }
        let mut pairs: Vec<_> = counts.into_iter().map(|((a, b), pixels)| LabelPair { a, b, pixels }).collect();
        pairs.sort_unstable();
        let areas = |label: fn(&LabelPair) -> u32| {
            let mut areas: BTreeMap<u32, usize> = BTreeMap::new();
            pairs.iter().for_each(|pair| *areas.entry(label(pair)).or_default() += pair.pixels);
            areas.into_iter().collect()
        };
        let (areas_a, areas_b) = (areas(|pair| pair.a), areas(|pair| pair.b));
        Some(Self { pairs, areas_a, areas_b })
    }

    /// All pairs that share a pixel, by ascending labels.
    pub fn pairs(&self) -> &[LabelPair] {
        &self.pairs
    }

    /// The labels of the first image and their number of pixels, ascending.
    pub fn areas_a(&self) -> &[(u32, usize)] {
        &self.areas_a
    }

    /// The labels of the second image and their number of pixels, ascending.
    pub fn areas_b(&self) -> &[(u32, usize)] {
        &self.areas_b
    }

    /// The pixels of a label of either image.
    fn area(areas: &[(u32, usize)], label: u32) -> usize {
        let found = areas.binary_search_by_key(&label, |area| area.0);
        found.ok().and_then(|at| areas.get(at)).map_or(0, |area| area.1)
    }

    /// Number of pixels with either label of a pair of [`LabelOverlap::pairs`].
    pub fn union(&self, pair: LabelPair) -> usize {
        // Saturates, since a pair of other images can share more pixels than its labels have here.
        (Self::area(&self.areas_a, pair.a) + Self::area(&self.areas_b, pair.b)).saturating_sub(pair.pixels)
    }

    /// Intersection over union of a pair of [`LabelOverlap::pairs`], 0 to 1.
    pub fn iou(&self, pair: LabelPair) -> f64 {
        pair.pixels as f64 / self.union(pair) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_counts_once() {
        let overlap = LabelOverlap::new(&[0, 0, 7, 7, 7, 0], &[0, 2, 2, 2, 9, 0]).unwrap();
        let pair = |a, b, pixels| LabelPair { a, b, pixels };
        assert_eq!(overlap.pairs(), [pair(0, 0, 2), pair(0, 2, 1), pair(7, 2, 2), pair(7, 9, 1)]);
        assert_eq!((overlap.areas_a(), overlap.areas_b()), (&[(0, 3), (7, 3)][..], &[(0, 2), (2, 3), (9, 1)][..]));
        assert_eq!((overlap.union(pair(7, 2, 2)), overlap.iou(pair(7, 2, 2))), (4, 0.5));
        assert_eq!(LabelOverlap::new(&[1], &[1, 1]), None);
        assert_eq!(LabelOverlap::new(&[], &[]).unwrap().pairs(), []);
    }

    #[test]
    fn a_pair_of_other_images_has_no_union() {
        let (other, small) = (LabelOverlap::new(&[4; 9], &[5; 9]).unwrap(), LabelOverlap::new(&[4], &[6]).unwrap());
        assert_eq!((other.union(other.pairs()[0]), small.union(other.pairs()[0])), (9, 0));
    }
}
