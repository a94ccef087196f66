//! The results of segmentations.

use cytoshade_core::{LabelVolume, Labels, Planes, Timings, Volume};

use crate::DeviceInfo;

/// The cells of one image.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Segmentation {
    /// The labels, of the image's size: 0 is background, 1 to n are the cells.
    pub labels: Labels,
    /// The flows (dY, dX), of shape [2, height, width], about 5 times unit length inside cells. On request.
    ///
    /// At the image's size, or at the network's if `resample` is off.
    pub flows: Option<Planes>,
    /// The cell probability as a logit, of shape [1, height, width], sized as `flows`. On request.
    pub cellprob: Option<Planes>,
    /// The style vector of the whole image, of unit length. On request; `None` if the network has no style.
    pub style: Option<Vec<f32>>,
    /// Further outputs of the network, of shape [outputs - 3, height, width], sized as `flows`. On request.
    ///
    /// They follow dY, dX and cell probability; the masks do not depend on them.
    pub classes: Option<Planes>,
    /// The diameter that was used, in pixels of the image.
    pub diameter: f32,
    /// Steps of the Euler integration that were taken.
    pub niter: u32,
    /// The device that ran the network.
    pub device: DeviceInfo,
    /// Time spent in each stage.
    pub timings: Timings,
}

impl Segmentation {
    /// The number of cells.
    pub fn cells(&self) -> usize {
        self.labels.max() as usize
    }
}

/// The cells of one stack.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StackSegmentation {
    /// The labels [depth, height, width], of the stack's size: 0 is background, 1 to n are the cells.
    ///
    /// Without 3-D and without stitching, each z-slice is numbered separately from 1.
    pub labels: LabelVolume,
    /// The flows, at the stack's size, or at the network's if `resample` is off. On request.
    ///
    /// In 3-D (dZ, dY, dX) of shape [3, depth, height, width], each the sum of two orientations, else (dY, dX) of shape
    /// [2, depth, height, width].
    pub flows: Option<Volume>,
    /// The cell probability as a logit, of shape [1, depth, height, width]. On request.
    ///
    /// Sized as `flows`; in 3-D the sum of three orientations.
    pub cellprob: Option<Volume>,
    /// The style vectors, of unit length. On request; `None` if the network has no style.
    ///
    /// One for each z-slice; in 3-D one for each plane along X, the last orientation that the network runs on (as in
    /// the reference).
    pub styles: Option<Vec<Vec<f32>>>,
    /// The diameter that was used, in pixels of the stack.
    pub diameter: f32,
    /// Steps of the Euler integration that were taken.
    pub niter: u32,
    /// The device that ran the network.
    pub device: DeviceInfo,
    /// Time spent in each stage.
    pub timings: Timings,
}

impl StackSegmentation {
    /// The number of cells. Without 3-D and stitching, the largest number in any z-slice.
    pub fn cells(&self) -> usize {
        self.labels.max() as usize
    }
}
