//! Euler integration of 3-D flows (the reference's `dynamics.follow_flows`: `steps_interp`, which in 3-D is torch's
//! `grid_sample` on the CPU too, and `steps3D`).

use crate::parallel::*;
use cytoshade_core::Volume;

use crate::Error;

/// Where the integration leaves each voxel that takes part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndPoints {
    /// The voxels that take part, counted layer by layer, row by row; ascending.
    pub voxels: Vec<u32>,
    /// (z, y, x) in which each ends, from 0 to the length of the axis minus 1.
    pub points: Vec<[f32; 3]>,
}

/// Where `niter` steps of the flows carry every voxel whose `cellprob` is above `threshold`.
///
/// `flows` are (dZ, dY, dX) as the network gives them; a step is a fifth of the flow at the voxel's place, and 0 outside
/// of the voxels that take part. With `interp` the flow is interpolated as the reference does: its coordinates run from
/// the first voxel's center to the last one's when it moves points, but from border to border when it samples, so that
/// it samples up to half a voxel off, and takes what lies outside for 0.
///
/// # Errors
/// [`cytoshade_core::Error::StackSize`] where a side is shorter than 2, [`Error::Size`] where `flows` has not three channels or
/// `cellprob` another size.
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
    let is_active = |at: usize| cellprob[at] > threshold;
    let voxels: Vec<u32> = (0..cellprob.len()).filter(|&at| is_active(at)).map(|at| at as u32).collect();
    let step = |at: usize| [0, 1, 2].map(|axis| if is_active(at) { flows.channel(axis)[at] / 5.0 } else { 0.0 });
    let steps = (0..cellprob.len()).into_par_iter().map(step).collect();
    let field = Field { size, steps };
    let ends = voxels.par_iter().with_min_len(64);
    let points = if interp {
        let field = field.in_units_of_the_grid();
        ends.map(|&voxel| field.follow_between(voxel as usize, niter)).collect()
    } else {
        ends.map(|&voxel| field.follow(voxel as usize, niter)).collect()
    };
    Ok(EndPoints { voxels, points })
}

struct Field {
    size: [usize; 3],
    steps: Vec<[f32; 3]>,
}

impl Field {
    fn start(&self, voxel: usize) -> [f32; 3] {
        let [_, height, width] = self.size;
        [voxel / (height * width), voxel / width % height, voxel % width].map(|at| at as f32)
    }

    /// The steps for coordinates that run from -1 to 1.
    fn in_units_of_the_grid(mut self) -> Self {
        let units = self.size.map(|length| (2.0 / (length - 1) as f64) as f32);
        self.steps.par_iter_mut().for_each(|step| (0..3).for_each(|axis| step[axis] *= units[axis]));
        self
    }

    /// A step is the flow at the voxel that the point truncates to.
    fn follow(&self, voxel: usize, niter: u32) -> [f32; 3] {
        let [_, height, width] = self.size;
        let last = self.size.map(|length| (length - 1) as f32);
        let mut point = self.start(voxel);
        for _ in 0..niter {
            let [z, y, x] = point.map(|at| at as usize);
            let step = self.steps[(z * height + y) * width + x];
            // A flow that is not finite, from a damaged model, must not carry a voxel out of the stack.
            let next = std::array::from_fn(|axis| (point[axis] + step[axis]).max(0.0).min(last[axis]));
            if next == point {
                // Every further step would be the same.
                break;
            }
            point = next;
        }
        point
    }

    /// A step is interpolated between eight voxels. In f32, each operation as the reference's.
    fn follow_between(&self, voxel: usize, niter: u32) -> [f32; 3] {
        let last = self.size.map(|length| (length - 1) as f32);
        let start = self.start(voxel);
        let mut point: [f32; 3] = std::array::from_fn(|axis| start[axis] / last[axis] * 2.0 - 1.0);
        for _ in 0..niter {
            let step = self.between(point);
            let next = std::array::from_fn(|axis| (point[axis] + step[axis]).clamp(-1.0, 1.0));
            if next == point {
                break;
            }
            point = next;
        }
        std::array::from_fn(|axis| (point[axis] + 1.0) * 0.5 * last[axis])
    }

    fn between(&self, point: [f32; 3]) -> [f32; 3] {
        let [_, height, width] = self.size;
        let at: [f32; 3] = std::array::from_fn(|axis| ((point[axis] + 1.0) * self.size[axis] as f32 - 1.0) / 2.0);
        let floor = at.map(f32::floor);
        let inside = |axis: usize, offset: usize| {
            let place = floor[axis] as isize + offset as isize;
            (0..self.size[axis] as isize).contains(&place).then_some(place as usize)
        };
        let weight = |axis: usize, offset: usize| {
            if offset == 0 { (floor[axis] + 1.0) - at[axis] } else { at[axis] - floor[axis] }
        };
        let mut sum = [0.0f32; 3];
        for dz in 0..2 {
            let Some(z) = inside(0, dz) else { continue };
            for dy in 0..2 {
                let Some(y) = inside(1, dy) else { continue };
                for dx in 0..2 {
                    let Some(x) = inside(2, dx) else { continue };
                    let weight = weight(2, dx) * weight(1, dy) * weight(0, dz);
                    let step = self.steps[(z * height + y) * width + x];
                    for (sum, step) in sum.iter_mut().zip(step) {
                        *sum += step * weight;
                    }
                }
            }
        }
        sum
    }
}
