//! The percentiles of tiles before their interpolation (the reference's `transforms.normalize99_tile`).

use crate::Params;
use crate::gaussian::Taps;
use crate::tiling::Tiling;

/// Minimum overlap of neighbouring tiles as a fraction of a tile.
const OVERLAP: f64 = 0.1;
/// A tile whose percentiles differ by less than this takes those of the nearest other tile.
pub const MIN_CONTRAST: f32 = 1e-3;
/// Standard deviation, in tiles, of the Gaussian that always smooths the percentiles.
const SMOOTHING: f64 = 1.0;

/// The tiles of a z-slice.
#[derive(Clone, Debug)]
pub struct Tiles {
    /// Positions of the tiles.
    pub tiling: Tiling,
    /// Number of rows of tiles.
    pub rows: usize,
    /// Number of columns of tiles.
    pub columns: usize,
}

/// Low and high percentiles of the tiles of one channel, each of shape [z-slices, rows of tiles, columns of tiles].
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// Intensities that become 0.
    pub low: Vec<f32>,
    /// Intensities that become 1.
    pub high: Vec<f32>,
}

impl Tiles {
    /// The tiles of a z-slice of `height` x `width` pixels, of side `blocksize` or less.
    pub fn new(height: usize, width: usize, blocksize: usize) -> Self {
        let tiling = Tiling::new(height, width, blocksize, OVERLAP);
        let columns = tiling.tiles.iter().take_while(|tile| tile.y == 0).count();
        Self { rows: tiling.tiles.len() / columns.max(1), columns, tiling }
    }

    /// The tables to interpolate, from the low and high percentile of every tile of every z-slice: `bounds` of shape
    /// [depth, tiles].
    ///
    /// A tile without contrast takes the percentiles of the nearest tile with contrast, or 0 and 1 if its z-slice has
    /// none. All are then smoothed over z-slices and rows of tiles, not over columns; a comment in the reference
    /// excludes z-slices, but its code smooths over them. If the z-slices share one normalization, the tables hold the
    /// mean over all z-slices.
    pub fn tables(&self, mut bounds: Vec<(f32, f32)>, depth: usize, params: &Params) -> Tables {
        bounds.chunks_exact_mut(self.count().max(1)).for_each(|slice| self.fill(slice));
        let [low, high] = [0, 1].map(|end| {
            let mut values: Vec<f32> = bounds.iter().map(|&(low, high)| [low, high][end]).collect();
            smooth(&mut values, depth, self.count(), SMOOTHING);
            smooth(&mut values, self.rows, self.columns, SMOOTHING);
            if params.norm3d {
                let sigma = if params.tile_norm_smooth3d == 0.0 { 1.0 } else { params.tile_norm_smooth3d };
                smooth(&mut values, self.rows, self.columns, f64::from(sigma));
            }
            if is_shared(depth, params) { mean(&values, depth, self.count()) } else { values }
        });
        Tables { low, high }
    }

    fn count(&self) -> usize {
        self.rows * self.columns
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
}

/// Whether all z-slices of a stack share one normalization: with `norm3d`, or if there is only one z-slice. Otherwise
/// each has its own; the reference then fails for two channels.
pub fn is_shared(depth: usize, params: &Params) -> bool {
    params.norm3d || depth == 1
}

/// Smooths along the second axis of [_, `length`, `stride`].
fn smooth(values: &mut Vec<f32>, length: usize, stride: usize, sigma: f64) {
    let taps = Taps::truncated(sigma);
    let smoothed = |at: usize| {
        let (line, column) = (at / stride / length * length, at % stride);
        let read = |(sample, weight): (usize, f64)| weight * f64::from(values[(line + sample) * stride + column]);
        taps.at(at / stride % length, length).map(read).sum::<f64>() as f32
    };
    *values = (0..values.len()).map(smoothed).collect();
}

/// The mean over the z-slices, summed in their order in f32 as numpy does.
fn mean(values: &[f32], depth: usize, count: usize) -> Vec<f32> {
    let mut sums = vec![0.0f32; count];
    for slice in values.chunks_exact(count.max(1)) {
        sums.iter_mut().zip(slice).for_each(|(sum, value)| *sum += value);
    }
    sums.iter_mut().for_each(|sum| *sum /= depth as f32);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_columns_of_tiles_are_counted() {
        for (height, width, blocksize, rows, columns) in
            [(45, 58, 16, 4, 5), (45, 58, 500, 1, 1), (10, 200, 20, 1, 12), (200, 10, 20, 12, 1), (20, 20, 20, 1, 1)]
        {
            let tiles = Tiles::new(height, width, blocksize);
            assert_eq!((tiles.rows, tiles.columns), (rows, columns), "{height} x {width}, {blocksize}");
            assert_eq!(tiles.tiling.tiles.len(), rows * columns);
        }
    }

    #[test]
    fn tiles_without_contrast_take_their_neighbours_percentiles() {
        let tiles = Tiles { tiling: Tiling::new(20, 20, 10, OVERLAP), rows: 1, columns: 3 };
        let mut bounds = [(5.0, 5.0), (7.0, 9.0), (1.0, 1.0)];
        tiles.fill(&mut bounds);
        assert_eq!(bounds, [(7.0, 9.0); 3]);
        let mut bounds = [(5.0, 5.0); 3];
        tiles.fill(&mut bounds);
        assert_eq!(bounds, [(0.0, 1.0); 3]);
    }
}
