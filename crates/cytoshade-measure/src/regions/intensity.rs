//! The intensities of a cell in one channel.

use std::ops::Range;

use cytoshade_core::Samples;

/// The intensities of a cell in one channel, in the image's units. NaN if a sample is NaN.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intensity {
    /// scikit-image's `intensity_mean`.
    pub mean: f64,
    /// scikit-image's `intensity_min`.
    pub min: f64,
    /// scikit-image's `intensity_max`.
    pub max: f64,
    /// The sum of the samples.
    pub sum: f64,
    /// scikit-image's `intensity_std`: the standard deviation over n, not over n - 1.
    pub std: f64,
}

/// Sums of samples from which the first sample is subtracted, so that the variance of large samples with a small spread
/// is not lost to rounding.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct IntensitySums {
    count: u64,
    origin: f64,
    sum: f64,
    squares: f64,
    min: f64,
    max: f64,
}

impl IntensitySums {
    pub(super) fn add_run(&mut self, samples: &Samples, run: Range<usize>) {
        macro_rules! add {
            ($($variant:ident)*) => {
                match samples {
                    $(Samples::$variant(values) => {
                        self.add(values.get(run).unwrap_or_default().iter().map(|&value| value as f64));
                    })*
                    _ => {}
                }
            };
        }
        add!(U8 I8 U16 I16 U32 I32 U64 I64 F32 F64);
    }

    fn add(&mut self, values: impl ExactSizeIterator<Item = f64> + Clone) {
        if self.count == 0
            && let Some(first) = values.clone().next()
        {
            *self = Self { origin: first, min: first, max: first, ..Self::default() };
        }
        self.count += values.len() as u64;
        let (origin, mut sum, mut squares, mut min, mut max) = (self.origin, 0.0, 0.0, self.min, self.max);
        for value in values {
            let shifted = value - origin;
            sum += shifted;
            squares += shifted * shifted;
            min = min.min(value);
            max = max.max(value);
        }
        *self = Self { sum: self.sum + sum, squares: self.squares + squares, min, max, ..*self };
    }

    pub(super) fn intensity(&self) -> Intensity {
        let count = self.count as f64;
        let shifted = self.sum / count;
        let mean = self.origin + shifted;
        let std = (self.squares / count - shifted * shifted).max(0.0).sqrt();
        let or_nan = |value: f64| if mean.is_nan() { f64::NAN } else { value };
        Intensity {
            mean,
            min: or_nan(self.min),
            max: or_nan(self.max),
            sum: self.origin * count + self.sum,
            std: or_nan(std),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_samples_of_a_small_spread_keep_their_deviation() {
        let mut sums = IntensitySums::default();
        sums.add_run(&Samples::F64(vec![0.0, 1e15, 1e15 + 1.0, 1e15 + 2.0]), 1..4);
        let found = sums.intensity();
        assert_eq!((found.mean, found.min, found.max), (1e15 + 1.0, 1e15, 1e15 + 2.0));
        assert!((found.std - (2.0f64 / 3.0).sqrt()).abs() < 1e-12, "{}", found.std);
    }

    #[test]
    fn a_sample_that_is_no_number_is_not_hidden() {
        let mut sums = IntensitySums::default();
        sums.add_run(&Samples::F32(vec![1.0, f32::NAN, 3.0]), 0..3);
        let Intensity { mean, min, max, sum, std } = sums.intensity();
        assert!([mean, min, max, sum, std].iter().all(|value| value.is_nan()));
    }
}
