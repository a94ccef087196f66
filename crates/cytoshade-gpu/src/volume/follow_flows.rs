//! Euler integration of 3-D flows (the reference's `dynamics.follow_flows`).

use cytoshade_shaders::{self as shaders, overrides};

use super::{GpuVolume, grid, params};
use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::follow_flows::{STEPS, pieces};

const WHAT: &str = "the flow dynamics in 3-D";

/// The end points of the voxels of a stack, on the device.
#[derive(Clone, Debug)]
pub struct GpuEndPoints {
    /// Per voxel: (z, y, x), and 1 if the voxel is followed.
    pub(super) positions: wgpu::Buffer,
    /// Depth, height and width.
    pub(super) size: [usize; 3],
}

impl GpuEndPoints {
    /// Uploads end points of a stack of `size` [depth, height, width].
    ///
    /// They are voxel indices, z-slice by z-slice, row by row, and the end point (z, y, x) of each.
    ///
    /// # Errors
    /// [`Error::Length`] if the numbers of points and voxels differ or a voxel is outside the stack, [`Error::Limit`]
    /// if the stack is too large, and errors of the device.
    pub async fn upload(gpu: &Gpu, voxels: &[u32], points: &[[f32; 3]], size: [usize; 3]) -> Result<Self, Error> {
        if voxels.len() != points.len() {
            return Err(Error::Length { what: "points", found: points.len(), expected: voxels.len() });
        }
        let mut all = vec![[0.0f32; 4]; check(gpu, size)?];
        for (&voxel, &[z, y, x]) in voxels.iter().zip(points) {
            let expected = all.len();
            let place = all.get_mut(voxel as usize);
            *place.ok_or(Error::Length { what: "the stack of a voxel", found: voxel as usize, expected })? =
                [z, y, x, 1.0];
        }
        let positions = gpu.with_error_scopes(WHAT, || gpu.upload(WHAT, &all)).await?;
        Ok(Self { positions, size })
    }

    /// Reads the end points back: the followed voxels, ascending, and the point (z, y, x) of each.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<(Vec<u32>, Vec<[f32; 3]>), Error> {
        let bytes = 16 * self.size.iter().product::<usize>() as u64;
        let all = gpu.fetch(WHAT, &[(&self.positions, 0..bytes)]).await?.values::<[f32; 4]>(0..bytes);
        Ok((0..).zip(all).filter(|(_, end)| end[3] > 0.0).map(|(voxel, [z, y, x, _])| (voxel, [z, y, x])).unzip())
    }
}

/// Fails if a stack is too large for the stages. Returns the number of voxels.
fn check(gpu: &Gpu, size: [usize; 3]) -> Result<usize, Error> {
    let voxels = size.iter().map(|&side| side as u64).product::<u64>();
    gpu.check_binding(WHAT, voxels.saturating_mul(16))?;
    grid(gpu, WHAT, size)?;
    Ok(voxels as usize)
}

/// Follows the flows for `niter` steps, from every voxel with a cellprob above `threshold`.
///
/// `sums` are (dZ, dY, dX) and cellprob, the network's outputs summed over the orientations. A step is a fifth of the
/// flow at the point, and 0 outside the followed voxels. With `interp` the flow is interpolated trilinearly as in the
/// reference: sampled up to half a voxel off, and 0 outside the stack.
///
/// # Errors
/// [`Error::Length`] unless `sums` has four channels and each side of the stack at least two voxels, [`Error::Limit`]
/// if the stack is too large for the device's `maxStorageBufferBindingSize` (16 bytes per voxel) or has a side over
/// 65,535 voxels, and errors of the device.
pub async fn follow_flows(
    gpu: &Gpu,
    sums: &GpuVolume,
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<GpuEndPoints, Error> {
    let size = sums.size();
    let voxels = check(gpu, size)?;
    if sums.channels() != 4 {
        return Err(Error::Length { what: "flows and cellprob", found: sums.channels(), expected: 4 });
    }
    if let Some(&found) = size.iter().find(|&&side| side < 2) {
        return Err(Error::Length { what: "a side of the stack", found, expected: 2 });
    }
    let variant = |shader| Variant::new(shader).with(overrides::INTERP, interp);
    let kernels = [&shaders::VOLUME_FLOW_FIELD, &shaders::VOLUME_FOLLOW_FLOWS].map(variant);
    let [prepare, euler] = gpu.kernels_of(kernels).await?;
    let (positions, submissions) = gpu
        .with_error_scopes(WHAT, || {
            let (grid, [width, height, depth]) = (grid(gpu, WHAT, size)?, params(size));
            let field = gpu.storage(WHAT, 16 * voxels as u64)?;
            let positions = gpu.storage(WHAT, 16 * voxels as u64)?;
            let [z, y, x] = size.map(|length| if interp { (2.0 / (length - 1) as f64) as f32 } else { 1.0 });
            let start = [width, height, depth, threshold.to_bits(), z.to_bits(), y.to_bits(), x.to_bits()];
            let prepare = gpu.bind(&prepare, &start, &[&sums.planes.buffer, &field, &positions]);
            let steps = |count: u32, last: bool| {
                gpu.bind(&euler, &[width, height, depth, count, u32::from(last)], &[&field, &positions])
            };

            let (first, others) = pieces(niter);
            let (first, other, last) = (steps(first, others == 0), steps(STEPS, false), steps(STEPS, true));
            let mut submissions = vec![gpu.submit(WHAT, &[(&prepare, grid), (&first, grid)])];
            let piece = |left: u32| gpu.submit(WHAT, &[(if left == 0 { &last } else { &other }, grid)]);
            submissions.extend((0..others).rev().map(piece));
            Ok((positions, submissions))
        })
        .await?;
    // One at a time, so that each has the full time limit.
    for submission in submissions {
        gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
    }
    Ok(GpuEndPoints { positions, size })
}
