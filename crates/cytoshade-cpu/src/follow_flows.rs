//! Integrates the flows by Euler's method (the reference's `dynamics.follow_flows` on its CPU path: `steps_interp` with
//! `map_coordinates`, and `steps2D`).

use std::borrow::Cow;

use crate::parallel::*;
use cytoshade_core::{EndPoints, Planes};

use crate::Error;
use crate::simd::{Lanes, Work, compiled};

/// Pixels that step together, so that their arithmetic uses vectors and their loads overlap.
const GROUP: usize = 16;
/// Pixels of one task.
const TASK: usize = 64 * GROUP;

/// The end points after `niter` steps of every active pixel: those with a `cellprob` above `threshold`.
///
/// `flows` are the network's (dY, dX), 5 times unit length. A step is a fifth of the flow at the current point; the
/// flow is 0 outside of the active pixels. With `interp` it is interpolated bilinearly, otherwise it is that of the
/// pixel to which the point truncates.
///
/// # Errors
/// [`Error::Size`] if `flows` has fewer than two planes, or `cellprob` another number of pixels.
pub fn follow_flows(
    flows: &Planes,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<EndPoints, Error> {
    let steps = Steps::new(flows, cellprob, threshold)?;
    Ok(steps.follow(taking_part(cellprob, threshold), niter, interp))
}

/// The active pixels, those with a `cellprob` above `threshold`: row * width + column, ascending.
pub fn taking_part(cellprob: &[f32], threshold: f32) -> Vec<u32> {
    cellprob.iter().enumerate().filter(|&(_, &p)| p > threshold).map(|(at, _)| at as u32).collect()
}

/// One task: pixels and their end points.
struct Follow<'a> {
    steps: &'a Steps<'a>,
    niter: u32,
    interp: bool,
    pixels: &'a [u32],
    y: &'a mut [f32],
    x: &'a mut [f32],
}

impl Work for Follow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { steps, niter, interp, pixels, y, x } = self;
        let last = steps.height.saturating_sub(1);
        let ends = y.chunks_mut(GROUP).zip(x.chunks_mut(GROUP));
        for (pixels, (end_y, end_x)) in pixels.chunks(GROUP).zip(ends) {
            // The last group is padded with its first pixel.
            let pixel: [u32; GROUP] = std::array::from_fn(|i| pixels.get(i).copied().unwrap_or(pixels[0]));
            let start = Places {
                y: pixel.map(|pixel| (pixel as usize / steps.width).min(last) as f32),
                x: pixel.map(|pixel| (pixel as usize % steps.width) as f32),
            };
            let end = if interp {
                steps.integrate(start, niter, Steps::interpolate)
            } else {
                steps.integrate(start, niter, Steps::at)
            };
            end_y.copy_from_slice(&end.y[..pixels.len()]);
            end_x.copy_from_slice(&end.x[..pixels.len()]);
        }
    }
}

/// The current points of a group.
#[derive(Clone, Copy, PartialEq)]
struct Places {
    y: [f32; GROUP],
    x: [f32; GROUP],
}

/// The step (dY, dX) at each pixel: a fifth of the flow at active pixels, zero elsewhere.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    height: usize,
    width: usize,
    steps: Cow<'a, [[f32; 2]]>,
}

impl<'a> Steps<'a> {
    /// The steps of flows; see [`follow_flows`].
    ///
    /// # Errors
    /// As [`follow_flows`].
    pub fn new(flows: &Planes, cellprob: &[f32], threshold: f32) -> Result<Self, Error> {
        let (height, width) = (flows.height(), flows.width());
        if flows.channels() < 2 || cellprob.len() != flows.pixels() {
            let found_height = cellprob.len() / width.max(1);
            return Err(Error::Size { what: "cellprob", found_height, found_width: width, height, width });
        }
        let steps = flows
            .plane(0)
            .par_iter()
            .zip(flows.plane(1))
            .zip(cellprob)
            .map(|((&dy, &dx), &p)| if p > threshold { [dy / 5.0, dx / 5.0] } else { [0.0; 2] })
            .collect();
        Ok(Self { height, width, steps: Cow::Owned(steps) })
    }

    /// Steps from their [`values`](Steps::values).
    ///
    /// # Errors
    /// [`Error::Size`] if there are not `2 * height * width` values.
    pub fn from_values(values: &'a [f32], height: usize, width: usize) -> Result<Self, Error> {
        let (steps, rest) = values.as_chunks();
        if height.checked_mul(width) != Some(steps.len()) || !rest.is_empty() {
            let found_height = steps.len() / width.max(1);
            return Err(Error::Size { what: "the field of steps", found_height, found_width: width, height, width });
        }
        Ok(Self { height, width, steps: Cow::Borrowed(steps) })
    }

    /// Height and width.
    pub fn size(&self) -> [usize; 2] {
        [self.height, self.width]
    }

    /// The values, of shape [height, width, 2].
    pub fn values(&self) -> &[f32] {
        self.steps.as_flattened()
    }

    /// The end points after `niter` steps of `pixels`: row * width + column, ascending. A pixel beyond the last row
    /// starts in the last row of its column.
    ///
    /// # Panics
    /// If `pixels` is not empty, but the plane is.
    pub fn follow(&self, pixels: Vec<u32>, niter: u32, interp: bool) -> EndPoints {
        let (mut y, mut x) = (vec![0.0; pixels.len()], vec![0.0; pixels.len()]);
        pixels.par_chunks(TASK).zip(y.par_chunks_mut(TASK)).zip(x.par_chunks_mut(TASK)).for_each(|((pixels, y), x)| {
            compiled(Follow { steps: self, niter, interp, pixels, y, x });
        });
        EndPoints { pixels, y, x }
    }

    /// Takes `niter` steps.
    ///
    /// Near a sink the rounded steps soon repeat in a cycle. Once an earlier point recurs, whole cycles are skipped (Brent's
    /// algorithm).
    #[inline(always)]
    fn integrate(&self, start: Places, niter: u32, step: impl Fn(&Self, Places) -> Places) -> Places {
        let (last_y, last_x) = ((self.height - 1) as f32, (self.width - 1) as f32);
        let mut places = start;
        let (mut remembered, mut at) = (start, 0);
        let (mut done, mut end) = (0, niter);
        while done < end {
            let steps = step(self, places);
            for i in 0..GROUP {
                // In this order a flow that is not finite cannot move a pixel out of the plane.
                places.y[i] = (places.y[i] + steps.y[i]).max(0.0).min(last_y);
                places.x[i] = (places.x[i] + steps.x[i]).max(0.0).min(last_x);
            }
            done += 1;
            if places == remembered {
                end = done + (end - done) % (done - at);
            } else if done >= 2 * at {
                (remembered, at) = (places, done);
            }
        }
        places
    }

    /// The step at the pixel to which each point truncates.
    #[inline(always)]
    fn at(&self, places: Places) -> Places {
        let mut steps = Places { y: [0.0; GROUP], x: [0.0; GROUP] };
        for i in 0..GROUP {
            let [dy, dx] = self.steps[places.y[i] as usize * self.width + places.x[i] as usize];
            (steps.y[i], steps.x[i]) = (dy, dx);
        }
        steps
    }

    /// The step interpolated between the four pixels around each point, in f64 as in the reference.
    #[inline(always)]
    fn interpolate(&self, places: Places) -> Places {
        let mut corners = [[[0.0f32; GROUP]; 4]; 2];
        let (mut fy, mut fx) = ([0.0f64; GROUP], [0.0f64; GROUP]);
        let mut ats = [[0; GROUP]; 4];
        let mut load = |i: usize, ats: &[[usize; GROUP]; 4]| {
            for (corner, ats) in ats.iter().enumerate() {
                let [dy, dx] = self.steps[ats[i]];
                (corners[0][corner][i], corners[1][corner][i]) = (dy, dx);
            }
        };
        for i in 0..GROUP {
            let (y, x) = (places.y[i], places.x[i]);
            let (y0, x0) = (y as i32, x as i32);
            (fy[i], fx[i]) = (f64::from(y) - f64::from(y0), f64::from(x) - f64::from(x0));
            let (y0, x0) = (y0 as usize, x0 as usize);
            let (y1, x1) = ((y0 + 1).min(self.height - 1), (x0 + 1).min(self.width - 1));
            let (top, bottom) = (y0 * self.width, y1 * self.width);
            for (ats, at) in ats.iter_mut().zip([top + x0, top + x1, bottom + x0, bottom + x1]) {
                ats[i] = at;
            }
            // An out-of-order processor loads the values of one pixel while it computes the indices of the next.
            if cfg!(not(target_family = "wasm")) {
                load(i, &ats);
            }
        }
        // In WebAssembly computing all indices in vectors first is a third faster.
        if cfg!(target_family = "wasm") {
            (0..GROUP).for_each(|i| load(i, &ats));
        }
        let axis = |[a, b, c, d]: &[[f32; GROUP]; 4]| {
            std::array::from_fn(|i| {
                let (fy, fx) = (fy[i], fx[i]);
                (f64::from(a[i]) * (1.0 - fy) * (1.0 - fx)
                    + f64::from(b[i]) * (1.0 - fy) * fx
                    + f64::from(c[i]) * fy * (1.0 - fx)
                    + f64::from(d[i]) * fy * fx) as f32
            })
        };
        Places { y: axis(&corners[0]), x: axis(&corners[1]) }
    }
}
