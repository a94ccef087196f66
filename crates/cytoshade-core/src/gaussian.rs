//! Gaussian kernels along one axis, and the samples that they read, also beyond its ends.

/// Standard deviations at which scipy truncates its kernel.
const TRUNCATE: f64 = 4.0;
/// Taps below this fraction of the largest do not change a sum in f32.
const NEGLIGIBLE: f64 = 1e-10;

/// A Gaussian kernel along one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Taps {
    /// Offset of the first tap from the smoothed sample; the others follow one by one.
    pub first: isize,
    /// The weights; their sum is 1 to rounding in f32.
    pub weights: Vec<f64>,
    /// The weight of the smoothed sample itself.
    pub middle: f64,
    /// Whether the axis is mirrored at its ends (d c b a | a b c d | d c b a) or periodic (a b c d | a b c d | a b c
    /// d).
    pub mirrored: bool,
}

impl Taps {
    /// scipy's `gaussian_filter1d` with its defaults: mirrored, truncated at four standard deviations of `sigma` samples.
    pub fn truncated(sigma: f64) -> Self {
        let radius = (TRUNCATE * sigma + 0.5) as isize;
        let weight = |x: isize| (-0.5 / (sigma * sigma) * (x * x) as f64).exp();
        let half: Vec<f64> = (0..=radius).map(weight).collect();
        let sum = 2.0 * half.iter().sum::<f64>() - half[0];
        let weights = (-radius..=radius).map(|x| half[x.unsigned_abs()] / sum).collect();
        Self { first: -radius, weights, middle: half[0] / sum, mirrored: true }
    }

    /// One axis of `length` samples of the reference's `gaussian_kernel`, whose coordinates run from `-span / 2` to
    /// `span / 2 + 1`; periodic, as the reference's Fourier transforms are.
    pub fn cyclic(sigma: f64, span: usize, length: usize) -> Self {
        let step = if length > 1 { (span + 1) as f64 / (length - 1) as f64 } else { 0.0 };
        let weight = |at: usize| {
            let coordinate = -(span as f64) / 2.0 + at as f64 * step;
            (-coordinate * coordinate / (2.0 * sigma * sigma)).exp()
        };
        let weights: Vec<f64> = (0..length).map(weight).collect();
        let (sum, largest) = (weights.iter().sum::<f64>(), weights.iter().fold(0.0f64, |m, &w| m.max(w)));
        // The weights rise to the largest and then fall, so the taps that matter are contiguous.
        let counts = |weight: &f64| *weight > NEGLIGIBLE * largest;
        let first = weights.iter().position(counts).unwrap_or(0);
        let middle = length / 2;
        Self {
            first: first as isize - middle as isize,
            weights: weights.iter().copied().filter(counts).map(|weight| weight / sum).collect(),
            middle: weights.get(middle).map_or(0.0, |weight| weight / sum),
            mirrored: false,
        }
    }

    /// The period, in samples, of an axis of `length` samples.
    pub fn period(&self, length: usize) -> usize {
        if self.mirrored { 2 * length } else { length }
    }

    /// The taps for sample `at` of an axis of `length` samples, at least 1: (index of a sample, its weight).
    pub fn at(&self, at: usize, length: usize) -> impl Iterator<Item = (usize, f64)> {
        let period = self.period(length);
        let start = (at as isize + self.first).rem_euclid(period as isize) as usize;
        let sample = move |at: usize| at.min(2 * length - 1 - at);
        let places = (start..period).chain((0..period).cycle());
        places.zip(&self.weights).map(move |(place, &weight)| (sample(place), weight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_make_one_and_are_largest_in_the_middle() {
        for taps in [Taps::truncated(1.0), Taps::truncated(2.7), Taps::cyclic(3.0, 40, 41), Taps::cyclic(6.0, 31, 70)] {
            assert!((taps.weights.iter().sum::<f64>() - 1.0).abs() < 1e-8);
            let largest = taps.weights.iter().fold(0.0f64, |m, &w| m.max(w));
            assert!(largest / taps.middle < 1.1, "{taps:?}");
            assert!(taps.first < 0);
        }
    }

    #[test]
    fn ends_are_mirrored_or_repeated() {
        let places = |taps: &Taps, at| taps.at(at, 3).map(|(place, _)| place).collect::<Vec<_>>();
        let mirrored = Taps { first: -4, weights: vec![0.1; 9], middle: 0.1, mirrored: true };
        assert_eq!(places(&mirrored, 0), [2, 2, 1, 0, 0, 1, 2, 2, 1]);
        let cyclic = Taps { first: -2, weights: vec![0.2; 5], middle: 0.2, mirrored: false };
        assert_eq!(places(&cyclic, 1), [2, 0, 1, 2, 0]);
    }
}
