//! Euler integration of the flows (the reference's `dynamics.follow_flows` on its CPU path: `steps_interp` with
//! `map_coordinates`, and `steps2D`).

use cytoshade_core::{EndPoints, Planes};
use rayon::prelude::*;

use crate::Error;

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
    let (height, width) = (flows.height(), flows.width());
    if flows.channels() < 2 || cellprob.len() != flows.pixels() {
        let found_height = cellprob.len() / width.max(1);
        return Err(Error::Size { what: "cellprob", found_height, found_width: width, height, width });
    }
    let field = Field::new(flows, cellprob, threshold);
    let pixels: Vec<u32> =
        cellprob.iter().enumerate().filter(|&(_, &p)| p > threshold).map(|(at, _)| at as u32).collect();
    let (y, x) = pixels
        .par_iter()
        .with_min_len(256)
        .map(|&pixel| {
            let start = ((pixel as usize / width) as f32, (pixel as usize % width) as f32);
            if interp { field.follow(start, niter, Field::interpolate) } else { field.follow(start, niter, Field::at) }
        })
        .unzip();
    Ok(EndPoints { pixels, y, x })
}

/// The steps: flows over 5 where a pixel takes part, else zero.
struct Field {
    height: usize,
    width: usize,
    steps: Vec<[f32; 2]>,
}

impl Field {
    fn new(flows: &Planes, cellprob: &[f32], threshold: f32) -> Self {
        let steps = flows
            .plane(0)
            .par_iter()
            .zip(flows.plane(1))
            .zip(cellprob)
            .map(|((&dy, &dx), &p)| if p > threshold { [dy / 5.0, dx / 5.0] } else { [0.0; 2] })
            .collect();
        Self { height: flows.height(), width: flows.width(), steps }
    }

    fn follow(&self, start: (f32, f32), niter: u32, step: impl Fn(&Self, f32, f32) -> [f32; 2]) -> (f32, f32) {
        let (last_y, last_x) = ((self.height - 1) as f32, (self.width - 1) as f32);
        let (mut y, mut x) = start;
        for _ in 0..niter {
            let [dy, dx] = step(self, y, x);
            // A flow that is not finite, from a damaged model, must not carry a pixel out of the plane.
            let next_y = (y + dy).max(0.0).min(last_y);
            let next_x = (x + dx).max(0.0).min(last_x);
            if next_y == y && next_x == x {
                // Every further step would be the same.
                break;
            }
            (y, x) = (next_y, next_x);
        }
        (y, x)
    }

    /// The step at the pixel that (y, x) truncates to.
    fn at(&self, y: f32, x: f32) -> [f32; 2] {
        self.steps[y as usize * self.width + x as usize]
    }

    /// The step between the four pixels around (y, x), in f64 as the reference computes it.
    fn interpolate(&self, y: f32, x: f32) -> [f32; 2] {
        let (y0, x0) = (y as usize, x as usize);
        let (y1, x1) = ((y0 + 1).min(self.height - 1), (x0 + 1).min(self.width - 1));
        let (fy, fx) = (f64::from(y) - y0 as f64, f64::from(x) - x0 as f64);
        let (top, bottom) = (y0 * self.width, y1 * self.width);
        let [a, b] = [self.steps[top + x0], self.steps[top + x1]];
        let [c, d] = [self.steps[bottom + x0], self.steps[bottom + x1]];
        std::array::from_fn(|axis| {
            (f64::from(a[axis]) * (1.0 - fy) * (1.0 - fx)
                + f64::from(b[axis]) * (1.0 - fy) * fx
                + f64::from(c[axis]) * fy * (1.0 - fx)
                + f64::from(d[axis]) * fy * fx) as f32
        })
    }
}
