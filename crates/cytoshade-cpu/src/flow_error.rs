//! Checks each mask against the flows (the reference's `metrics.flow_error`, `dynamics.masks_to_flows_cpu` and
//! `dynamics.remove_bad_flow_masks`).
//!
//! Heat diffuses from a mask's centre over the mask; its gradient, of unit length, is the flow of a mask of this shape.
//! A mask is dropped if the mean squared difference between this flow and a fifth of the network's is too large.

use crate::parallel::*;
use cytoshade_core::{Labels, Planes};

use crate::Error;
use crate::simd::{Lanes, Work, compiled};

/// The smallest rectangle around a label: rows `top..bottom`, columns `left..right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) top: usize,
    pub(crate) bottom: usize,
    pub(crate) left: usize,
    pub(crate) right: usize,
}

/// The bounds of labels 1, 2, ...; `None` for labels without pixels.
pub(crate) fn bounds(labels: &Labels) -> Vec<Option<Bounds>> {
    let mut all: Vec<Option<Bounds>> = vec![None; labels.max() as usize];
    for (y, row) in labels.as_slice().chunks_exact(labels.width().max(1)).enumerate() {
        for (x, &label) in row.iter().enumerate().filter(|&(_, &label)| label > 0) {
            let bounds = all[label as usize - 1].get_or_insert(Bounds { top: y, bottom: y + 1, left: x, right: x + 1 });
            bounds.bottom = y + 1;
            bounds.left = bounds.left.min(x);
            bounds.right = bounds.right.max(x + 1);
        }
    }
    all
}

/// The pixels of a mask and the flow of a mask of its shape, of unit length.
#[derive(Clone, Debug, PartialEq)]
pub struct MaskFlow {
    /// The mask's pixels: row * width + column, ascending.
    pub pixels: Vec<usize>,
    /// (dY, dX) at each pixel.
    pub flows: Vec<[f64; 2]>,
}

/// The flow of a mask. Heat diffuses from the pixel nearest to the mean of the mask's pixels, for `2 * (height +
/// width)` rounds; the sides are those of the mask's bounds and a border of one pixel.
pub(crate) fn mask_flow(labels: &Labels, label: u32, bounds: Bounds) -> MaskFlow {
    let Bounds { top, bottom, left, right } = bounds;
    // A border of one pixel on each side stays cold.
    let (height, width) = (bottom - top + 2, right - left + 2);
    let mut cells = Vec::new();
    let mut pixels = Vec::new();
    for y in top..bottom {
        let row = y * labels.width();
        for x in left..right {
            if labels.as_slice()[row + x] == label {
                cells.push((y - top + 1) * width + x - left + 1);
                pixels.push(row + x);
            }
        }
    }
    let heat = diffuse(&cells, center(&cells, width), height, width);
    let flows = cells
        .iter()
        .map(|&at| {
            let dy = heat[at + width] - heat[at - width];
            let dx = heat[at + 1] - heat[at - 1];
            let length = 1e-60 + (dy * dy + dx * dx).sqrt();
            [dy / length, dx / length]
        })
        .collect();
    MaskFlow { pixels, flows }
}

/// The index in `cells` of the cell of the grid that is nearest to the mean of all of them; the first of several.
fn center(cells: &[usize], width: usize) -> usize {
    let count = cells.len() as f64;
    let mean_y = cells.iter().map(|at| (at / width) as f64).sum::<f64>() / count;
    let mean_x = cells.iter().map(|at| (at % width) as f64).sum::<f64>() / count;
    let distance = |&at: &usize| ((at % width) as f64 - mean_x).powi(2) + ((at / width) as f64 - mean_y).powi(2);
    let mut best = (0, f64::INFINITY);
    for (index, cell) in cells.iter().enumerate() {
        let distance = distance(cell);
        if distance < best.1 {
            best = (index, distance);
        }
    }
    best.0
}

/// Heat on a grid of `height` x `width` after `2 * (height + width)` rounds. In a round the centre gains one unit, then
/// each cell takes the mean of its 3 x 3 neighbourhood; cells outside of the mask stay 0.
fn diffuse(cells: &[usize], center: usize, height: usize, width: usize) -> Vec<f64> {
    let mut heat = vec![0.0; height * width];
    let Some(&center) = cells.get(center) else { return heat };
    // Whole rows of the grid, with a factor of 0 outside of the mask, take less time than single cells.
    let mut inside = heat.clone();
    for &at in cells {
        inside[at] = 1.0;
    }
    let mut next = heat.clone();
    for _ in 0..2 * (height + width) {
        heat[center] += 1.0;
        compiled(Spread { heat: &heat, inside: &inside, width, next: &mut next });
        std::mem::swap(&mut heat, &mut next);
    }
    heat
}

/// One round of diffusion.
struct Spread<'a> {
    heat: &'a [f64],
    inside: &'a [f64],
    width: usize,
    next: &'a mut [f64],
}

impl Work for Spread<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { heat, inside, width, next } = self;
        let inner = width - 2;
        let rows = heat.chunks_exact(width);
        let around = rows.clone().zip(rows.clone().skip(1)).zip(rows.skip(2));
        let targets = next.chunks_exact_mut(width).zip(inside.chunks_exact(width)).skip(1);
        for (((up, row), down), (next, inside)) in around.zip(targets) {
            let (next, inside) = (&mut next[1..][..inner], &inside[1..][..inner]);
            let (up_0, up_1, up_2) = (&up[..inner], &up[1..][..inner], &up[2..][..inner]);
            let (row_0, row_1, row_2) = (&row[..inner], &row[1..][..inner], &row[2..][..inner]);
            let (down_0, down_1, down_2) = (&down[..inner], &down[1..][..inner], &down[2..][..inner]);
            for x in 0..inner {
                let sum =
                    row_1[x] + up_1[x] + down_1[x] + row_0[x] + row_2[x] + up_0[x] + up_2[x] + down_0[x] + down_2[x];
                next[x] = 1.0 / 9.0 * sum * inside[x];
            }
        }
    }
}

/// The flows of masks of these shapes: (dY, dX) of unit length, of shape [2, height, width], zero outside of masks.
pub fn masks_to_flows(labels: &Labels) -> Planes {
    let mut planes = Planes::zeros(2, labels.height(), labels.width());
    let flows: Vec<MaskFlow> = every_mask(labels, |label, bounds| mask_flow(labels, label, bounds));
    for mask in flows {
        for (pixel, flow) in mask.pixels.iter().zip(mask.flows) {
            planes.plane_mut(0)[*pixel] = flow[0] as f32;
            planes.plane_mut(1)[*pixel] = flow[1] as f32;
        }
    }
    planes
}

fn every_mask<T: Send>(labels: &Labels, work: impl Fn(u32, Bounds) -> T + Sync) -> Vec<T> {
    bounds(labels)
        .into_par_iter()
        .enumerate()
        .filter_map(|(index, bounds)| bounds.map(|bounds| work(index as u32 + 1, bounds)))
        .collect()
}

/// The flow error of each label 1, 2, ...: the mean squared difference between its flow and a fifth of the network's,
/// the sum of those of dY and dX. Labels must have no gaps; `flows` holds the network's dY and dX.
///
/// # Errors
/// [`Error::Size`] if `flows` has another size than `labels`, or fewer than two planes.
pub fn flow_errors(labels: &Labels, flows: &Planes) -> Result<Vec<f64>, Error> {
    let (height, width) = (flows.height(), flows.width());
    if (labels.height(), labels.width()) != (height, width) || flows.channels() < 2 {
        let (found_height, found_width) = (labels.height(), labels.width());
        return Err(Error::Size { what: "the label image", found_height, found_width, height, width });
    }
    let (flow_y, flow_x) = (flows.plane(0), flows.plane(1));
    Ok(every_mask(labels, |label, bounds| {
        let mask = mask_flow(labels, label, bounds);
        let mut sums = [0.0; 2];
        for (&pixel, own) in mask.pixels.iter().zip(&mask.flows) {
            for ((sum, own), network) in sums.iter_mut().zip(own).zip([flow_y[pixel], flow_x[pixel]]) {
                *sum += (own - f64::from(network / 5.0)).powi(2);
            }
        }
        let count = mask.pixels.len() as f64;
        sums[0] / count + sums[1] / count
    }))
}

/// Drops masks with a flow error above `threshold`; the others keep their labels. A threshold of 0 or less keeps all.
/// Labels must have no gaps; `flows` holds the network's dY and dX.
///
/// # Errors
/// [`Error::Size`] if `flows` has another size than `labels`, or fewer than two planes.
pub fn remove_bad(labels: &mut Labels, flows: &Planes, threshold: f64) -> Result<(), Error> {
    if threshold <= 0.0 {
        return Ok(());
    }
    let errors = flow_errors(labels, flows)?;
    labels.as_mut_slice().par_iter_mut().for_each(|label| {
        let bad = label.checked_sub(1).and_then(|index| errors.get(index as usize)).is_some_and(|&e| e > threshold);
        if bad {
            *label = 0;
        }
    });
    Ok(())
}
