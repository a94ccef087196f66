//! What comes out.

use cytoshade_core::{Labels, Planes, Timings};

use crate::DeviceInfo;

/// The cells of one image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Segmentation {
    /// The label image, of the image's size: 0 is background, 1 to n are the cells. `into_array` gives an ndarray.
    pub labels: Labels,
    /// The flows (dY, dX), of shape [2, height, width], at the image's size, or at the network's where `resample` is
    /// off. About 5 times unit length inside cells. On request.
    pub flows: Option<Planes>,
    /// The cell probability as a logit, of shape [1, height, width], sized as `flows`. On request.
    pub cellprob: Option<Planes>,
    /// The style vector of the whole image, of unit length. On request.
    pub style: Option<Vec<f32>>,
    /// The diameter that was used, in pixels of the image.
    pub diameter: f32,
    /// Steps of the Euler integration that were taken.
    pub niter: u32,
    /// What it ran on.
    pub device: DeviceInfo,
    /// Time spent in each stage.
    pub timings: Timings,
}

impl Segmentation {
    /// How many cells there are.
    pub fn cells(&self) -> usize {
        self.labels.max() as usize
    }
}
