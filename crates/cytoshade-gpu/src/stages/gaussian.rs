//! Gaussian smoothing along one axis.

use std::sync::Arc;

use cytoshade_core::gaussian::Taps;
use cytoshade_shaders as shaders;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};

const WHAT: &str = "smoothing";

/// Samples per invocation.
const SAMPLES: usize = shaders::gaussian::SAMPLES as usize;
/// Maximum number of taps: a wider Gaussian could exceed a submission's time limit, and runs on the host.
const MOST: usize = 1024;

/// An axis of an array in C order (the last index varies fastest).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    /// Values of the array.
    pub(crate) count: usize,
    /// Stride between samples of the axis, in values.
    pub(crate) stride: usize,
    /// Samples along the axis.
    pub(crate) length: usize,
}

/// The pipeline of the stage.
#[derive(Debug)]
pub(crate) struct Gaussian(Arc<Kernel>);

impl Gaussian {
    pub(crate) async fn new(gpu: &Gpu) -> Result<Self, Error> {
        Ok(Self(gpu.kernel(Variant::new(&shaders::GAUSSIAN)).await?))
    }

    /// Appends a dispatch that writes the smoothed `from` to `to`.
    ///
    /// With `subtract`, it instead computes `to` times that factor minus the smoothed `from`.
    ///
    /// # Errors
    /// [`Error::Limit`] for a Gaussian with too many taps.
    pub(crate) fn add(
        &self,
        gpu: &Gpu,
        work: &mut DispatchList,
        (axis, taps): (Axis, &Taps),
        (from, to): (&wgpu::Buffer, &wgpu::Buffer),
        subtract: Option<f64>,
    ) -> Result<(), Error> {
        let Axis { count, stride, length } = axis;
        let period = taps.period(length);
        let first = taps.first.rem_euclid(period as isize) as usize;
        if taps.weights.len() > MOST {
            let (needed, allowed) = (taps.weights.len() as u64, MOST as u64);
            return Err(Error::Limit { what: WHAT, needed, limit: "taps of a Gaussian", allowed });
        }
        let mut weights: Vec<f32> = taps.weights.iter().map(|&weight| weight as f32).collect();
        weights.resize(weights.len() + SAMPLES - 1, 0.0);
        let invocations = count / length * length.div_ceil(SAMPLES);
        let lengths = [invocations, stride, length, period, first, weights.len()].map(|value| value as u32);
        let more = [u32::from(subtract.is_some()), (subtract.unwrap_or(0.0) as f32).to_bits()];
        let params = [&lengths[..], &more].concat();
        let weights = gpu.upload(WHAT, &weights)?;
        work.add(gpu.bind(&self.0, &params, &[from, &weights, to]), gpu.linear_grid(WHAT, invocations as u64)?);
        Ok(())
    }
}
