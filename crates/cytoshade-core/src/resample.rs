//! Coordinates of resampled pixels, as in `cv2.resize`.

/// The two input samples between which an output sample lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LerpIndex {
    /// Index of the first sample.
    pub first: usize,
    /// Index of the second sample; beyond the ends that of the first.
    pub second: usize,
    /// Weight of the second sample, 0 to 1.
    pub weight: f32,
}

/// The input samples and weights of `to` samples that are interpolated from `from` samples, as in OpenCV's
/// INTER_LINEAR: pixel centres are aligned, and positions beyond the ends take the last sample. `from` is at least 1.
pub fn lerp_indices(from: usize, to: usize) -> Vec<LerpIndex> {
    let scale = from as f64 / to as f64;
    (0..to)
        .map(|at| {
            let position = ((at as f64 + 0.5) * scale - 0.5) as f32;
            let floor = position.floor();
            if floor < 0.0 {
                return LerpIndex { first: 0, second: 0, weight: 0.0 };
            }
            let first = floor as usize;
            if first + 1 >= from {
                return LerpIndex { first: from - 1, second: from - 1, weight: 0.0 };
            }
            LerpIndex { first, second: first + 1, weight: position - floor }
        })
        .collect()
}
