//! Euler integration of the flows (the reference's `dynamics.follow_flows` on its CPU path: `steps_interp` with
//! `map_coordinates`, and `steps2D`).

use std::borrow::Cow;

use crate::parallel::*;
use cytoshade_core::{EndPoints, Planes};

use crate::Error;
use crate::simd::{Lanes, Work, compiled};

/// Pixels that take their steps together, so that their arithmetic is done in vectors and one's loads are waited for while
/// another's are under way.
const GROUP: usize = 16;
/// Pixels of one task.
const TASK: usize = 64 * GROUP;

/// Where `niter` steps of the flows carry every pixel whose `cellprob` is above `threshold`.
///
/// `flows` are (dY, dX) as the network gives them, 5 times unit length; a step is a fifth of the flow at the pixel's
/// place, interpolated bilinearly where `interp`, and 0 outside of the pixels that take part.
///
/// # Errors
/// [`Error::Size`] where `flows` has not two planes or `cellprob` another size.
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

/// The pixels whose `cellprob` is above `threshold`: row * width + column, ascending.
pub fn taking_part(cellprob: &[f32], threshold: f32) -> Vec<u32> {
    cellprob.iter().enumerate().filter(|&(_, &p)| p > threshold).map(|(at, _)| at as u32).collect()
}

/// One task: pixels, and where they end.
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
            // A last group that is not full is filled up with its first pixel.
            let pixel: [u32; GROUP] = std::array::from_fn(|i| pixels.get(i).copied().unwrap_or(pixels[0]));
            let start = Places {
                y: pixel.map(|pixel| (pixel as usize / steps.width).min(last) as f32),
                x: pixel.map(|pixel| (pixel as usize % steps.width) as f32),
            };
            let end =
                if interp { steps.walk(start, niter, Steps::interpolate) } else { steps.walk(start, niter, Steps::at) };
            end_y.copy_from_slice(&end.y[..pixels.len()]);
            end_x.copy_from_slice(&end.x[..pixels.len()]);
        }
    }
}

/// Where the pixels of a group are.
#[derive(Clone, Copy, PartialEq)]
struct Places {
    y: [f32; GROUP],
    x: [f32; GROUP],
}

/// The step (dY, dX) at each pixel: a fifth of the flow where the pixel takes part, else zero.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    height: usize,
    width: usize,
    steps: Cow<'a, [[f32; 2]]>,
}

impl<'a> Steps<'a> {
    /// The steps of flows, as [`follow_flows`] takes them.
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

    /// The steps whose [`values`](Steps::values) are these.
    ///
    /// # Errors
    /// [`Error::Size`] where they are not `2 * height * width`.
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

    /// Where `niter` steps carry each of `pixels`, which are row * width + column, ascending. What would lie
    /// below the last row counts as in it.
    pub fn follow(&self, pixels: Vec<u32>, niter: u32, interp: bool) -> EndPoints {
        let (mut y, mut x) = (vec![0.0; pixels.len()], vec![0.0; pixels.len()]);
        pixels.par_chunks(TASK).zip(y.par_chunks_mut(TASK)).zip(x.par_chunks_mut(TASK)).for_each(|((pixels, y), x)| {
            compiled(Follow { steps: self, niter, interp, pixels, y, x });
        });
        EndPoints { pixels, y, x }
    }

    /// Takes `niter` steps. Near a sink the steps, being rounded, soon lead round in a small circle: where a place of
    /// before is met again, whole circles need not be walked (Brent's search for a cycle).
    #[inline(always)]
    fn walk(&self, start: Places, niter: u32, step: impl Fn(&Self, Places) -> Places) -> Places {
        let (last_y, last_x) = ((self.height - 1) as f32, (self.width - 1) as f32);
        let mut places = start;
        let (mut remembered, mut at) = (start, 0);
        let (mut done, mut end) = (0, niter);
        while done < end {
            let steps = step(self, places);
            for i in 0..GROUP {
                // A flow that is not finite, from a damaged model, must not carry a pixel out of the plane.
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

    /// The step at the pixel that each place truncates to.
    #[inline(always)]
    fn at(&self, places: Places) -> Places {
        let mut steps = Places { y: [0.0; GROUP], x: [0.0; GROUP] };
        for i in 0..GROUP {
            let [dy, dx] = self.steps[places.y[i] as usize * self.width + places.x[i] as usize];
            (steps.y[i], steps.x[i]) = (dy, dx);
        }
        steps
    }

    /// The step between the four pixels around each place, in f64 as the reference computes it.
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
            // Processors that work ahead load for one pixel while they compute the next one's places.
            if cfg!(not(target_family = "wasm")) {
                load(i, &ats);
            }
        }
        // WebAssembly computes all places in vectors first, a third quicker than number by number.
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
