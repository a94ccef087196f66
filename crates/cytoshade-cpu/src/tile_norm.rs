//! Normalization by the percentiles of tiles (the reference's `transforms.normalize99_tile`).

use crate::parallel::*;
use cytoshade_core::tiling::Tiling;
use cytoshade_core::{Error, Params, Planes, Volume};

use crate::percentile::percentile;
use crate::{gaussian, resize};

/// Overlap of neighbouring tiles as a fraction of a tile.
const OVERLAP: f64 = 0.1;
/// A tile whose percentiles differ by less than this takes those of the nearest tile that has more contrast.
const MIN_CONTRAST: f32 = 1e-3;
/// How far the percentiles are smoothed in any case, in tiles.
const SMOOTHING: f64 = 1.0;

/// Maps every channel so that the intensity at the `low` percentile becomes 0 and that at the `high` one becomes 1, both
/// taken in tiles, smoothed, and interpolated in between.
///
/// With `norm3d` all layers share the mean of their percentiles; else each has its own (which the reference announces
/// too, but fails to do for networks of two channels).
///
/// # Errors
/// [`Error::Param`] where layers have percentiles of their own and one has too little contrast.
pub(crate) fn normalize(volume: &mut Volume, params: &Params, low: f32, high: f32) -> Result<(), Error> {
    let [depth, height, width] = volume.size();
    for channel in 0..volume.channels() {
        let tiles = Tiles::new(height, width, params.tile_norm_blocksize);
        let values = volume.channel(channel);
        let mut bounds = tiles.bounds(values, height, width, low, high);
        bounds.smooth(&tiles, depth, params);
        let share = params.norm3d || depth == 1;
        let [low, high] = [bounds.low, bounds.high].map(|values| tiles.planes(values, depth, share, height, width));
        let too_flat = low.as_slice().iter().zip(high.as_slice()).any(|(low, high)| high - low < MIN_CONTRAST);
        if !share && too_flat {
            let found = "off with tile_norm_blocksize on, and a layer has too little contrast".into();
            return Err(Error::Param { name: "norm3d", found, expected: "norm3d on, or tile_norm_blocksize 0" });
        }
        let layers = volume.channel_mut(channel).par_chunks_exact_mut(height * width);
        layers.enumerate().for_each(|(z, layer)| {
            let from = if share { 0 } else { z };
            let bounds = low.plane(from).iter().zip(high.plane(from));
            for (value, (low, high)) in layer.iter_mut().zip(bounds) {
                *value = (*value - low) / (high - low);
            }
        });
    }
    Ok(())
}

/// The tiles of a layer.
struct Tiles {
    tiling: Tiling,
    /// Tiles below each other.
    rows: usize,
    /// Tiles beside each other.
    columns: usize,
}

impl Tiles {
    fn new(height: usize, width: usize, blocksize: usize) -> Self {
        let tiling = Tiling::new(height, width, blocksize, OVERLAP);
        let columns = if width <= blocksize { 1 } else { count(width, blocksize) };
        Self { rows: tiling.tiles.len() / columns, columns, tiling }
    }

    /// The percentiles of each tile of each layer; tiles without contrast take those of their neighbours.
    fn bounds(&self, values: &[f32], height: usize, width: usize, low: f32, high: f32) -> Bounds {
        let layers = values.chunks_exact(height * width);
        let per_layer = layers.map(|layer| {
            let of_tile = |tile: &cytoshade_core::tiling::Tile| {
                let rows = layer.chunks_exact(width).skip(tile.y).take(self.tiling.height);
                let mut sample: Vec<f32> = rows.flat_map(|row| &row[tile.x..][..self.tiling.width]).copied().collect();
                (percentile(&mut sample, low), percentile(&mut sample, high))
            };
            let mut bounds: Vec<(f32, f32)> = self.tiling.tiles.par_iter().map(of_tile).collect();
            self.fill(&mut bounds);
            bounds
        });
        let (low, high) = per_layer.flatten().unzip();
        Bounds { low, high }
    }

    fn fill(&self, bounds: &mut [(f32, f32)]) {
        let place = |tile: usize| (tile / self.columns, tile % self.columns);
        let (good, flat): (Vec<usize>, Vec<usize>) = (0..bounds.len()).partition(|&tile| {
            let (low, high) = bounds[tile];
            high - low >= MIN_CONTRAST
        });
        for tile in flat {
            let (y, x) = place(tile);
            let distance = |&other: &usize| {
                let (other_y, other_x) = place(other);
                other_y.abs_diff(y).pow(2) + other_x.abs_diff(x).pow(2)
            };
            bounds[tile] =
                good.iter().min_by_key(|other| distance(other)).map_or((0.0, 1.0), |&nearest| bounds[nearest]);
        }
    }

    /// The percentiles of the tiles as planes of the layers' size: one of their mean where layers share it, else one a
    /// layer.
    fn planes(&self, values: Vec<f32>, depth: usize, share: bool, height: usize, width: usize) -> Planes {
        let count = self.rows * self.columns;
        let values = if share { mean(&values, depth, count) } else { values };
        let planes = Planes::new(values, if share { 1 } else { depth }, self.rows, self.columns);
        // The counts agree, so this never falls back.
        resize::bilinear(&planes.unwrap_or_default(), height, width)
    }
}

/// How many tiles of side `blocksize` lie along an axis.
fn count(length: usize, blocksize: usize) -> usize {
    ((1.0 + 2.0 * OVERLAP) * length as f64 / blocksize as f64).ceil() as usize
}

/// The mean over the layers, summed in their order in f32, as numpy does.
fn mean(values: &[f32], depth: usize, count: usize) -> Vec<f32> {
    let mut sums = vec![0.0f32; count];
    for layer in values.chunks_exact(count) {
        sums.iter_mut().zip(layer).for_each(|(sum, value)| *sum += value);
    }
    sums.iter_mut().for_each(|sum| *sum /= depth as f32);
    sums
}

/// Low and high percentiles, each of shape [layers, rows of tiles, columns of tiles].
struct Bounds {
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Bounds {
    /// Smooths over layers and rows of tiles. (The reference, which says that it does not smooth over layers, does; and
    /// it leaves the columns alone.)
    fn smooth(&mut self, tiles: &Tiles, depth: usize, params: &Params) {
        let shape = [depth, tiles.rows, tiles.columns];
        for values in [&mut self.low, &mut self.high] {
            gaussian::smooth(values, &shape, 0, SMOOTHING);
            gaussian::smooth(values, &shape, 1, SMOOTHING);
            if params.norm3d {
                let sigma = if params.tile_norm_smooth3d == 0.0 { 1.0 } else { params.tile_norm_smooth3d };
                gaussian::smooth(values, &shape, 1, f64::from(sigma));
            }
        }
    }
}
