//! Integrates 3-D flows by Euler's method (the reference's `dynamics.follow_flows`: `steps_interp`, which in 3-D is
//! torch's `grid_sample` on the CPU too, and `steps3D`).

use crate::parallel::*;
use cytoshade_core::Volume;

use crate::Error;
use crate::simd::{Lanes, Work, compiled};

/// Voxels that step together, so that their loads overlap.
const GROUP: usize = 8;
/// Voxels of one task.
const TASK: usize = 64 * GROUP;

/// The points at which the integration ends for each active voxel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndPoints {
    /// The active voxels, those above the cellprob threshold: z-slice by z-slice, row by row; ascending.
    pub voxels: Vec<u32>,
    /// (z, y, x) of each end point, from 0 to the length of the axis minus 1.
    pub points: Vec<[f32; 3]>,
}

/// The end points after `niter` steps of every active voxel: those with a `cellprob` above `threshold`.
///
/// `flows` are the network's (dZ, dY, dX). A step is a fifth of the flow at the current point; the flow is 0 outside of
/// the active voxels. Without `interp` it is that of the voxel to which the point truncates. With `interp` it is
/// interpolated as in the reference, which scales coordinates to -1 to 1. For the points, these are the centres of the
/// first and the last voxel; for the samples of the flows, the borders of the stack. So samples lie up to half a voxel
/// off, and are 0 outside of the stack.
///
/// # Errors
/// [`cytoshade_core::Error::StackSize`] if a side is under 2 voxels, or there are more than
/// [`MAX_VOXELS`](cytoshade_core::rescale::MAX_VOXELS); [`Error::Size`] if `flows` has fewer than three channels, or
/// `cellprob` another number of voxels.
pub fn follow_flows(
    flows: &Volume,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<EndPoints, Error> {
    let size = flows.size();
    cytoshade_core::rescale::check_stack(size)?;
    if flows.channels() < 3 || cellprob.len() != flows.voxels() {
        let [depth, height, width] = size;
        let found_height = cellprob.len() / width;
        let (height, found_width) = (depth * height, width);
        return Err(Error::Size { what: "cellprob", found_height, found_width, height, width });
    }
    let voxels: Vec<u32> =
        cellprob.iter().enumerate().filter(|&(_, &p)| p > threshold).map(|(at, _)| at as u32).collect();
    let field = Field::new(flows, cellprob, threshold, interp);
    let mut points = vec![[0.0; 3]; voxels.len()];
    voxels.par_chunks(TASK).zip(points.par_chunks_mut(TASK)).for_each(|(voxels, points)| {
        compiled(Follow { field: &field, niter, interp, voxels, points });
    });
    Ok(EndPoints { voxels, points })
}

/// One task: voxels and their end points.
struct Follow<'a> {
    field: &'a Field,
    niter: u32,
    interp: bool,
    voxels: &'a [u32],
    points: &'a mut [[f32; 3]],
}

impl Work for Follow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { field, niter, interp, voxels, points } = self;
        for (voxels, points) in voxels.chunks(GROUP).zip(points.chunks_mut(GROUP)) {
            // The last group is padded with its first voxel.
            let start = field.start(std::array::from_fn(|i| voxels.get(i).copied().unwrap_or(voxels[0])));
            let end = if interp { field.follow_between(start, niter) } else { field.follow(start, niter) };
            for (i, point) in points.iter_mut().enumerate() {
                *point = [0, 1, 2].map(|axis| end[axis][i]);
            }
        }
    }
}

/// Z, Y and X of a group of points.
type Places = [[f32; GROUP]; 3];

/// The steps: a fifth of the flow at active voxels, zero at others; with `interp` scaled to coordinates from -1 to 1.
///
/// A border of zeros surrounds the stack, so that samples outside need no branch. The fourth value of a step is
/// padding.
struct Field {
    size: [usize; 3],
    steps: Vec<[f32; 4]>,
}

impl Field {
    fn new(flows: &Volume, cellprob: &[f32], threshold: f32, interp: bool) -> Self {
        let size = flows.size();
        let [depth, height, width] = size;
        let units = size.map(|length| if interp { (2.0 / (length - 1) as f64) as f32 } else { 1.0 });
        let [stride, slice] = [width + 2, (height + 2) * (width + 2)];
        let mut steps = vec![[0.0; 4]; (depth + 2) * slice];
        steps[slice..].par_chunks_exact_mut(slice).zip(cellprob.par_chunks_exact(height * width)).enumerate().for_each(
            |(z, (steps, cellprob))| {
                let flow = [0, 1, 2].map(|axis| &flows.channel(axis)[z * height * width..][..height * width]);
                for (at, _) in cellprob.iter().enumerate().filter(|&(_, &p)| p > threshold) {
                    let step = &mut steps[(at / width + 1) * stride + at % width + 1];
                    (0..3).for_each(|axis| step[axis] = flow[axis][at] / 5.0 * units[axis]);
                }
            },
        );
        Self { size, steps }
    }

    fn start(&self, voxels: [u32; GROUP]) -> Places {
        let [_, height, width] = self.size;
        let places = voxels.map(|voxel| {
            let voxel = voxel as usize;
            [voxel / (height * width), voxel / width % height, voxel % width]
        });
        std::array::from_fn(|axis| places.map(|place| place[axis] as f32))
    }

    /// Distances between neighbours along each axis, in elements of `steps`.
    fn strides(&self) -> [usize; 3] {
        let [_, height, width] = self.size;
        [(height + 2) * (width + 2), width + 2, 1]
    }

    /// The end points by the flow at the voxel to which each point truncates.
    #[inline(always)]
    fn follow(&self, start: Places, niter: u32) -> Places {
        let last = self.size.map(|length| (length - 1) as f32);
        let [slice, row, _] = self.strides();
        integrate(start, niter, |points| {
            let [zs, ys, xs] = points;
            for ((z, y), x) in zs.iter_mut().zip(ys).zip(xs) {
                let [z_at, y_at, x_at] = [*z, *y, *x].map(|at| at as usize + 1);
                let step = self.steps[z_at * slice + y_at * row + x_at];
                for (axis, at) in [z, y, x].into_iter().enumerate() {
                    // In this order a flow that is not finite cannot move a voxel out of the stack.
                    *at = (*at + step[axis]).max(0.0).min(last[axis]);
                }
            }
        })
    }

    /// The end points by the flow interpolated between eight voxels, in f32, operation by operation as in the
    /// reference.
    #[inline(always)]
    fn follow_between(&self, mut start: Places, niter: u32) -> Places {
        let last = self.size.map(|length| (length - 1) as f32);
        for axis in 0..3 {
            start[axis].iter_mut().for_each(|at| *at = *at / last[axis] * 2.0 - 1.0);
        }
        let mut end = integrate(start, niter, |points| {
            let steps = self.lerp_indices(points);
            for axis in 0..3 {
                for i in 0..GROUP {
                    points[axis][i] = (points[axis][i] + steps[i][axis]).clamp(-1.0, 1.0);
                }
            }
        });
        for axis in 0..3 {
            end[axis].iter_mut().for_each(|at| *at = (*at + 1.0) * 0.5 * last[axis]);
        }
        end
    }

    #[inline(always)]
    fn lerp_indices(&self, points: &Places) -> [[f32; 4]; GROUP] {
        let [slice, row, _] = self.strides();
        // For each axis the weights of the lower and the upper neighbour, and the index of the lower one, border included.
        let (mut weights, mut lower) = ([[[0.0f32; GROUP]; 2]; 3], [[0u32; GROUP]; 3]);
        for axis in 0..3 {
            let length = self.size[axis] as f32;
            for i in 0..GROUP {
                let at = ((points[axis][i] + 1.0) * length - 1.0) / 2.0;
                let floor = at.floor();
                weights[axis][0][i] = (floor + 1.0) - at;
                weights[axis][1][i] = at - floor;
                lower[axis][i] = (floor + 1.0) as u32;
            }
        }
        let mut sums = [[0.0f32; 4]; GROUP];
        for (i, sum) in sums.iter_mut().enumerate() {
            let corner = lower[0][i] as usize * slice + lower[1][i] as usize * row + lower[2][i] as usize;
            for dz in 0..2 {
                for dy in 0..2 {
                    let pair = &self.steps[corner + dz * slice + dy * row..][..2];
                    for (dx, step) in pair.iter().enumerate() {
                        let weight = weights[2][dx][i] * weights[1][dy][i] * weights[0][dz][i];
                        (0..4).for_each(|axis| sum[axis] += step[axis] * weight);
                    }
                }
            }
        }
        sums
    }
}

/// Takes `niter` steps.
///
/// Near a sink the rounded steps soon repeat in a cycle. Once earlier points recur, whole cycles are skipped (Brent's
/// algorithm).
#[inline(always)]
fn integrate(start: Places, niter: u32, step: impl Fn(&mut Places)) -> Places {
    let mut places = start;
    let (mut remembered, mut at) = (start, 0);
    let (mut done, mut end) = (0, niter);
    while done < end {
        step(&mut places);
        done += 1;
        if places == remembered {
            end = done + (end - done) % (done - at);
        } else if done >= 2 * at {
            (remembered, at) = (places, done);
        }
    }
    places
}
