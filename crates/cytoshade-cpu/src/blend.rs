//! Averages the network's outputs in the overlaps of tiles (the reference's `transforms.average_tiles` and
//! `unaugment_tiles`).

use crate::parallel::*;
use cytoshade_core::Planes;
use cytoshade_core::tiling::{Tile, TileLayout, taper};

use crate::simd::{Lanes, Work, compiled};

/// Fewest rows of one task.
const ROWS: usize = 32;

/// Output planes, averaged from tiles.
///
/// The reference sums weighted tiles, sums the weights, and divides. The weight of a pixel is the product of its row's
/// and its column's weight, and tiles lie on a grid. So the mean of the weights is the product of the rows' and the
/// columns' means. These are known beforehand, so every tile is divided as it is added.
#[derive(Clone, Debug)]
pub struct Blend {
    tile_layout: TileLayout,
    planes: Planes,
    rows: Axis,
    columns: Axis,
}

impl Blend {
    /// `nout` planes of `height` x `width` pixels, zero at first. They are complete once every tile of `tile_layout` is
    /// added.
    pub fn new(tile_layout: TileLayout, nout: usize, height: usize, width: usize) -> Self {
        let (taper_y, taper_x) = taper(tile_layout.tiling.height, tile_layout.tiling.width);
        let tiles = &tile_layout.tiling.tiles;
        let rows = Axis::new(taper_y, tiles.iter().map(|tile| tile.y), tile_layout.pad_y.before, height);
        let columns = Axis::new(taper_x, tiles.iter().map(|tile| tile.x), tile_layout.pad_x.before, width);
        Self { planes: Planes::zeros(nout, height, width), rows, columns, tile_layout }
    }

    /// Adds the network's output of one tile, [nout, tile height, tile width].
    ///
    /// Flips a flipped tile back, and the sign of its flow along that axis. The first two outputs must be dY and dX.
    pub fn add(&mut self, tile: &Tile, output: &[f32]) {
        let (height, width) = (self.tile_layout.tiling.height, self.tile_layout.tiling.width);
        let (stride, pixels) = (self.planes.width(), self.planes.pixels());
        let (rows, columns) = (self.rows.meets(tile.y), self.columns.meets(tile.x));
        let tiles = self.tile_layout.tiling.tiles.len() as f64;
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let shares: Vec<f32> = columns.clone().map(|x| (self.columns.share(tile.x, x) / tiles) as f32).collect();
        let from = columns.start + self.columns.before - tile.x;
        let planes =
            self.planes.as_mut_slice().par_chunks_exact_mut(pixels).zip(output.par_chunks_exact(height * width));
        planes.enumerate().for_each(|(channel, (plane, output))| {
            let turned = (channel == 0 && tile.flip_y) || (channel == 1 && tile.flip_x);
            let sign = if turned { -1.0 } else { 1.0 };
            let plane = &mut plane[rows.start * stride..rows.end * stride];
            plane.par_chunks_exact_mut(stride).enumerate().with_min_len(ROWS).for_each(|(y, out)| {
                let y = rows.start + y;
                let in_tile = y + self.rows.before - tile.y;
                let row = if tile.flip_y { height - 1 - in_tile } else { in_tile };
                let row = &output[row * width..][..width];
                let (out, share) = (&mut out[columns.clone()], sign * self.rows.share(tile.y, y) as f32);
                compiled(AddRow { out, row, from, flip: tile.flip_x, share, shares: &shares });
            });
        });
    }

    /// The averaged planes.
    pub fn finish(self) -> Planes {
        self.planes
    }
}

/// The weights along one axis.
#[derive(Clone, Debug)]
struct Axis {
    /// The weight of each pixel of a tile.
    taper: Vec<f64>,
    /// Zeros before the plane.
    before: usize,
    /// The mean weight of each pixel of the plane over all tiles; tiles without the pixel count as 0.
    means: Vec<f64>,
}

impl Axis {
    /// An axis of `length` pixels, with tiles that begin at `starts` in the padded plane.
    fn new(taper: Vec<f64>, starts: impl ExactSizeIterator<Item = usize>, before: usize, length: usize) -> Self {
        let tiles = starts.len() as f64;
        let mut axis = Self { taper, before, means: vec![0.0; length] };
        for start in starts {
            for at in axis.meets(start) {
                axis.means[at] += axis.taper[at + before - start] / tiles;
            }
        }
        axis
    }

    /// The pixels of the plane that lie in the tile that begins at `start`; none if the tile lies in the padding.
    fn meets(&self, start: usize) -> std::ops::Range<usize> {
        let end = (start + self.taper.len()).saturating_sub(self.before).min(self.means.len());
        start.saturating_sub(self.before).min(end)..end
    }

    /// The weight of a tile in the plane's pixel `at`, divided by the mean weight.
    fn share(&self, start: usize, at: usize) -> f64 {
        self.taper[at + self.before - start] / self.means[at]
    }
}

/// Adds one row of a tile to a plane.
struct AddRow<'a> {
    out: &'a mut [f32],
    row: &'a [f32],
    /// The pixel of the tile for the first pixel of `out`.
    from: usize,
    flip: bool,
    share: f32,
    shares: &'a [f32],
}

impl Work for AddRow<'_> {
    type Output = ();

    #[inline(always)]
    fn run<L: Lanes>(self, _: L) {
        let Self { out, row, from, flip, share, shares } = self;
        let blend = |(out, (&value, &across)): (&mut f32, (&f32, &f32))| *out += value * (share * across);
        if flip {
            out.iter_mut().zip(row.iter().rev().skip(from).zip(shares)).for_each(blend);
        } else {
            out.iter_mut().zip(row[from..].iter().zip(shares)).for_each(blend);
        }
    }
}
