//! Euler integration of the flows (the reference's `dynamics.follow_flows` on its CPU path).

use cytoshade_core::EndPoints;
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::{Variant, plane_grid};
use crate::planes::GpuPlanes;
use crate::stages::histogram::bins;

/// Steps of one submission. Drivers stop what runs for seconds, so long integrations come in pieces.
pub(crate) const STEPS: u32 = 50;

const WHAT: &str = "the flow dynamics";

/// Where the Euler integration leaves the pixels of a plane of [height, width], on the device: [`EndPoints`], as the
/// stages there see them.
#[derive(Clone, Debug)]
pub struct GpuEndPoints {
    /// [pixel]: (y, x), negative where the pixel takes no part.
    pub(crate) positions: wgpu::Buffer,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl GpuEndPoints {
    /// Brings end points of a plane of `height` x `width` to the device.
    ///
    /// # Errors
    /// [`Error::Length`] where `y` or `x` is not as long as `pixels`, or a pixel not within the plane, [`Error::Limit`]
    /// where the plane is too large, and whatever the device says.
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

    /// Reads them back.
    ///
    /// # Errors
    /// Whatever the device says.
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

/// Refuses planes that the stages from here on cannot take, before anything is allocated.
pub(crate) fn check_plane(gpu: &Gpu, height: usize, width: usize) -> Result<(), Error> {
    let (pixels, bins) = ((height * width) as u64, bins(height, width) as u64);
    gpu.check_binding(WHAT, (8 * pixels).max(4 * bins))?;
    plane_grid(gpu, WHAT, height, width).map(|_| ())
}

/// Where `niter` steps of the flows carry every pixel whose cell probability is above `threshold`.
///
/// `planes` are (dY, dX, cellprob, ...) as the network gives them, flows being 5 times unit length; a step is a fifth of
/// the flow at the pixel's place, interpolated bilinearly where `interp`, and 0 outside of the pixels that take part.
///
/// # Errors
/// [`Error::Length`] where there are not three planes, [`Error::Limit`] where they are too large for the device's
/// `maxStorageBufferBindingSize` (8 bytes a pixel, 4 a bin of the histogram) or longer than 65,535 pixels, and whatever
/// the device says.
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
    let euler = Variant::new(shaders::FOLLOW_FLOWS).with(shaders::INTERP, interp);
    let [prepare, euler] = gpu.kernels_of([Variant::new(shaders::FLOW_FIELD), euler]).await?;
    let (positions, submissions) = gpu
        .with_error_scopes(WHAT, || {
            let grid = plane_grid(gpu, WHAT, height, width)?;
            let [width, height] = [width as u32, height as u32];
            let field = gpu.storage(WHAT, 8 * pixels as u64)?;
            let positions = gpu.storage(WHAT, 8 * pixels as u64)?;
            let params = [width, height, 0, threshold.to_bits()];
            let prepare = prepare.bind(gpu, &params, &[&planes.buffer, &field, &positions]);
            let steps = |count: u32| euler.bind(gpu, &[width, height, count], &[&field, &positions]);

            // The first piece makes the odd steps; all others are alike.
            let (first, others) = pieces(niter);
            let (first, other) = (steps(first), steps(STEPS));
            let mut submissions = vec![gpu.submit(WHAT, &[(&prepare, grid), (&first, grid)])];
            submissions.extend((0..others).map(|_| gpu.submit(WHAT, &[(&other, grid)])));
            Ok((positions, submissions))
        })
        .await?;
    // Each in turn, so that each has the whole time limit to itself.
    for submission in submissions {
        gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
    }
    Ok(GpuEndPoints { positions, height, width })
}

/// The steps of the first submission, fewer than [`STEPS`], and how many submissions of [`STEPS`] follow.
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
