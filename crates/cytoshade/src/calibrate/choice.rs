//! The format in which a GPU stores activations.

use cytoshade_gpu::Precision;

/// The format in which a GPU stores the network's activations and weights. The CPU uses f32 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum PrecisionChoice {
    /// 4 bytes per value.
    #[default]
    F32,
    /// 2 bytes per value; sums stay in f32. An error if the GPU does not offer it.
    F16,
    /// f16 if the GPU offers it and a trial on a synthetic image agrees with f32, else f32.
    ///
    /// In browsers f32.
    ///
    /// For segmentation, the trial agrees if every cell has a match with an intersection over union of at least 0.9, no
    /// cell is added, and at least 99.9 % of the pixels belong to the same cell. For restoration, it agrees if the
    /// relative L2 error of the image is at most 1e-3.
    Auto,
}

impl From<Precision> for PrecisionChoice {
    fn from(precision: Precision) -> Self {
        match precision {
            Precision::F32 => PrecisionChoice::F32,
            Precision::F16 => PrecisionChoice::F16,
        }
    }
}
