//! Euler integration of the flows (the reference's `dynamics.follow_flows` on its CPU path).

use cytoshade_core::EndPoints;
use cytoshade_shaders::{self as shaders, overrides};

use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::planes::GpuPlanes;
use crate::stages::plane_limits::check_plane;

/// Steps per submission. Drivers stop work that runs for seconds, so long integrations are split.
pub(crate) const STEPS: u32 = 50;

const WHAT: &str = "the flow dynamics";

/// The end points of the pixels of a plane, on the device: the counterpart of [`EndPoints`].
#[derive(Clone, Debug)]
pub struct GpuEndPoints {
    /// Per pixel: (y, x), negative for a pixel that is not followed.
    pub(crate) positions: wgpu::Buffer,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl GpuEndPoints {
    /// Uploads end points of a plane of `height` x `width`.
    ///
    /// # Errors
    /// [`Error::Length`] if `y` or `x` differs in length from `pixels` or a pixel is outside the plane,
    /// [`Error::Limit`] if the plane is too large, and errors of the device.
    pub async fn upload(gpu: &Gpu, ends: &EndPoints, height: usize, width: usize) -> Result<Self, Error> {
        check_plane(gpu, height, width)?;
        let expected = ends.pixels.len();
        for (what, found) in [("y", ends.y.len()), ("x", ends.x.len())] {
            if found != expected {
                return Err(Error::Length { what, found, expected });
            }
        }
        let mut all = vec![[-1.0f32; 2]; height * width];
        for ((&pixel, &y), &x) in ends.pixels.iter().zip(&ends.y).zip(&ends.x) {
            let expected = all.len();
            let place = all.get_mut(pixel as usize);
            *place.ok_or(Error::Length { what: "the plane of a pixel", found: pixel as usize, expected })? = [y, x];
        }
        let positions = gpu.with_error_scopes(WHAT, || gpu.upload(WHAT, &all)).await?;
        Ok(Self { positions, height, width })
    }

    /// Reads the end points back.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<EndPoints, Error> {
        let bytes = 8 * (self.height * self.width) as u64;
        let all = gpu.fetch(WHAT, &[(&self.positions, 0..bytes)]).await?.values::<[f32; 2]>(0..bytes);
        let mut ends = EndPoints::default();
        for (pixel, [y, x]) in (0..).zip(all).filter(|(_, [y, _])| !y.is_sign_negative()) {
            ends.pixels.push(pixel);
            ends.y.push(y);
            ends.x.push(x);
        }
        Ok(ends)
    }
}

/// Follows the flows for `niter` steps, from every pixel with a cellprob above `threshold`.
///
/// `planes` are (dY, dX, cellprob, ...), the network's outputs; its flows are 5 times unit length. A step is a fifth of
/// the flow at the point, interpolated bilinearly if `interp` is set, and 0 outside the followed pixels.
///
/// # Errors
/// [`Error::Length`] for fewer than three planes, [`Error::Limit`] if they are too large for the device's
/// `maxStorageBufferBindingSize` (8 bytes a pixel, 4 a bin of the histogram) or longer than 65,535 pixels, and errors of
/// the device.
pub async fn follow_flows(
    gpu: &Gpu,
    planes: &GpuPlanes,
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<GpuEndPoints, Error> {
    let (height, width) = (planes.height(), planes.width());
    let pixels = height * width;
    if planes.channels() < 3 {
        return Err(Error::Length { what: "planes", found: planes.channels() * pixels, expected: 3 * pixels });
    }
    check_plane(gpu, height, width)?;
    let euler = Variant::new(&shaders::FOLLOW_FLOWS).with(overrides::INTERP, interp);
    let [prepare, euler] = gpu.kernels_of([Variant::new(&shaders::FLOW_FIELD), euler]).await?;
    let (positions, submissions) = gpu
        .with_error_scopes(WHAT, || {
            let grid = gpu.plane_grid(WHAT, height, width)?;
            let [width, height] = [width as u32, height as u32];
            let field = gpu.storage(WHAT, 8 * pixels as u64)?;
            let positions = gpu.storage(WHAT, 8 * pixels as u64)?;
            let params = [width, height, 0, threshold.to_bits()];
            let prepare = gpu.bind(&prepare, &params, &[&planes.buffer, &field, &positions]);
            let steps = |count: u32| gpu.bind(&euler, &[width, height, count], &[&field, &positions]);

            // The first submission has the remainder of the steps; all others are equal.
            let (first, others) = pieces(niter);
            let (first, other) = (steps(first), steps(STEPS));
            let mut submissions = vec![gpu.submit(WHAT, &[(&prepare, grid), (&first, grid)])];
            submissions.extend((0..others).map(|_| gpu.submit(WHAT, &[(&other, grid)])));
            Ok((positions, submissions))
        })
        .await?;
    // One at a time, so that each has the full time limit.
    for submission in submissions {
        gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
    }
    Ok(GpuEndPoints { positions, height, width })
}

/// The steps of the first submission, and the number of submissions of [`STEPS`] after it.
pub(crate) fn pieces(niter: u32) -> (u32, u32) {
    (niter % STEPS, niter / STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up() {
        for niter in [0, 1, 49, 50, 51, 200, 1000, 1001, u32::MAX] {
            let (first, others) = pieces(niter);
            assert_eq!(first + others * STEPS, niter);
            assert!(first < STEPS);
        }
    }
}
