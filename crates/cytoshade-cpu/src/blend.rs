//! Averaging the network's outputs where tiles overlap (the reference's `transforms.average_tiles` and
//! `unaugment_tiles`).

use crate::parallel::*;
use cytoshade_core::Planes;
use cytoshade_core::tiling::{Cutting, Tile, taper};

use crate::simd::{Lanes, Work, compiled};

/// Fewest rows of one task.
const ROWS: usize = 32;

/// Output planes that are being put together from tiles.
#[derive(Clone, Debug)]
pub struct Blend {
    cutting: Cutting,
    height: usize,
    width: usize,
    canvas: Planes,
    weight: Vec<f64>,
    taper_y: Vec<f64>,
    taper_x: Vec<f64>,
}

impl Blend {
    /// An empty canvas for `nout` planes of `height` x `width` pixels, cut as `cutting` says.
    pub fn new(cutting: Cutting, nout: usize, height: usize, width: usize) -> Self {
        let side =
            |length: usize, pad: cytoshade_core::tiling::Pad, tile: usize| (length + pad.before + pad.after).max(tile);
        let padded_height = side(height, cutting.pad_y, cutting.tiling.height);
        let padded_width = side(width, cutting.pad_x, cutting.tiling.width);
        let (taper_y, taper_x) = taper(cutting.tiling.height, cutting.tiling.width);
        Self {
            canvas: Planes::zeros(nout, padded_height, padded_width),
            weight: vec![0.0; padded_height * padded_width],
            cutting,
            height,
            width,
            taper_y,
            taper_x,
        }
    }

    /// Adds the network's output of one tile: [nout, tile height, tile width]. Flipped tiles are turned back, with the
    /// sign of the flow along the flipped axis.
    pub fn add(&mut self, tile: &Tile, output: &[f32]) {
        let (height, width) = (self.cutting.tiling.height, self.cutting.tiling.width);
        let (stride, taper_y, taper_x) = (self.canvas.width(), &self.taper_y, &self.taper_x);
        for (channel, plane) in output.chunks_exact((height * width).max(1)).enumerate().take(self.canvas.channels()) {
            let turned = (channel == 0 && tile.flip_y) || (channel == 1 && tile.flip_x);
            let sign = if turned { -1.0 } else { 1.0 };
            let rows = self.canvas.plane_mut(channel).par_chunks_exact_mut(stride).skip(tile.y).zip(taper_y);
            rows.enumerate().with_min_len(ROWS).for_each(|(y, (out, &weight_y))| {
                let from = if tile.flip_y { height - 1 - y } else { y };
                let row = &plane[from * width..][..width];
                let out = &mut out[tile.x..][..width];
                compiled(AddRow { out, row, flip: tile.flip_x, sign, weight_y, weight_x: taper_x });
            });
        }
        for (y, &weight_y) in self.taper_y.iter().enumerate() {
            let out = &mut self.weight[(tile.y + y) * stride + tile.x..][..width];
            for (sum, &weight_x) in out.iter_mut().zip(&self.taper_x) {
                *sum += weight_x * weight_y;
            }
        }
    }

    /// The averaged planes, without the padding.
    pub fn finish(self) -> Planes {
        let (top, left) = (self.cutting.pad_y.before, self.cutting.pad_x.before);
        let stride = self.canvas.width();
        let mut planes = Planes::zeros(self.canvas.channels(), self.height, self.width);
        for channel in 0..planes.channels() {
            let canvas = self.canvas.plane(channel);
            let rows = planes.plane_mut(channel).par_chunks_exact_mut(self.width.max(1));
            rows.enumerate().with_min_len(ROWS).for_each(|(y, out)| {
                let at = (y + top) * stride + left;
                for ((value, &sum), &weight) in out.iter_mut().zip(&canvas[at..]).zip(&self.weight[at..]) {
                    *value = (f64::from(sum) / weight) as f32;
                }
            });
        }
        planes
    }
}

/// One row of a tile on its way onto the canvas.
struct AddRow<'a> {
    out: &'a mut [f32],
    row: &'a [f32],
    flip: bool,
    sign: f32,
    weight_y: f64,
    weight_x: &'a [f64],
}

impl Work for AddRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { out, row, flip, sign, weight_y, weight_x } = self;
        let blend = |(out, (&value, &weight_x)): (&mut f32, (&f32, &f64))| {
            *out = (f64::from(*out) + f64::from(sign * value) * (weight_x * weight_y)) as f32;
        };
        if flip {
            out.iter_mut().zip(row.iter().rev().zip(weight_x)).for_each(blend);
        } else {
            out.iter_mut().zip(row.iter().zip(weight_x)).for_each(blend);
        }
    }
}
