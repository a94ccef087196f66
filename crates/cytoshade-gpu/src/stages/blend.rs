//! Averaging the network's outputs where tiles overlap (the reference's `transforms.average_tiles` and
//! `unaugment_tiles`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use cytoshade_core::tiling::{Pad, Tile, TileLayout, Tiling, taper};
use cytoshade_shaders::{self as shaders, Precision};

use crate::device::Gpu;
use crate::device::dispatch_list::DispatchList;
use crate::error::Error;
use crate::pipeline::{Kernel, Variant, box_grid};
use crate::stages::tile::{Activations, TiledPlanes};

const WHAT: &str = "blended tiles";

/// The blending weights of a grid of tiles. A tile's weight at a pixel is its row's times its column's; they are
/// divided by their sums beforehand, so that the weights of all tiles over a pixel make 1.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) values: Vec<f32>,
    /// Where the weights of the rows of tiles that begin at a row, and of the columns, begin.
    rows: BTreeMap<usize, u32>,
    columns: BTreeMap<usize, u32>,
}

impl Weights {
    pub(crate) fn new(tiling: &Tiling) -> Self {
        let (taper_y, taper_x) = taper(tiling.height, tiling.width);
        let mut values = Vec::new();
        // Each axis is divided by a sum over all tiles, though it takes one over a row or a column of them: together
        // that is once too often.
        let rows = axis(&mut values, tiling.tiles.iter().map(|tile| tile.y), &taper_y, tiling.tiles.len() as f64);
        let columns = axis(&mut values, tiling.tiles.iter().map(|tile| tile.x), &taper_x, 1.0);
        Self { values, rows, columns }
    }

    pub(crate) fn row(&self, y: usize) -> u32 {
        self.rows.get(&y).copied().unwrap_or_default()
    }

    pub(crate) fn column(&self, x: usize) -> u32 {
        self.columns.get(&x).copied().unwrap_or_default()
    }
}

/// Appends the weights of tiles that begin at `starts`, times `factor`. Returns where those of each start begin.
fn axis(
    values: &mut Vec<f32>,
    starts: impl Iterator<Item = usize>,
    taper: &[f64],
    factor: f64,
) -> BTreeMap<usize, u32> {
    let mut tiles: BTreeMap<usize, u32> = BTreeMap::new();
    starts.for_each(|start| *tiles.entry(start).or_default() += 1);
    let end = tiles.last_key_value().map_or(0, |(start, _)| start + taper.len());
    let mut sums = vec![0.0; end];
    for (&start, &count) in &tiles {
        sums[start..].iter_mut().zip(taper).for_each(|(sum, weight)| *sum += f64::from(count) * weight);
    }
    for (&start, first) in &mut tiles {
        *first = values.len() as u32;
        values.extend(taper.iter().zip(&sums[start..]).map(|(weight, sum)| (factor * weight / sum) as f32));
    }
    tiles
}

/// Which tiles of the grid lie over each row and each column of a plane, so that no pixel has to look at all of them.
#[derive(Debug)]
pub(crate) struct Spans {
    /// The first row of tiles over each row of the plane, and the end of them; then the same for the columns.
    pub(crate) values: Vec<[u32; 2]>,
    /// Tiles of a row of the grid.
    pub(crate) across: usize,
}

impl Spans {
    pub(crate) fn new(tile_layout: &TileLayout, height: usize, width: usize) -> Self {
        let TileLayout { pad_y, pad_x, tiling: Tiling { tiles, .. } } = tile_layout;
        let across = across(tiles);
        let rows: Vec<usize> = tiles.iter().step_by(across).map(|tile| tile.y).collect();
        let columns: Vec<usize> = tiles.iter().take(across).map(|tile| tile.x).collect();
        let mut values = spans(&rows, tile_layout.tiling.height, pad_y, height);
        values.append(&mut spans(&columns, tile_layout.tiling.width, pad_x, width));
        Self { values, across }
    }
}

/// Tiles of a row of their grid: x falls back where the next row begins. Where all have one x, each is a row.
fn across(tiles: &[Tile]) -> usize {
    let falls = tiles.windows(2).position(|pair| pair[1].x < pair[0].x);
    let one = tiles.first().map(|tile| tile.x) == tiles.last().map(|tile| tile.x);
    falls.map_or(if one { 1 } else { tiles.len() }, |last| last + 1)
}

/// For each of the `length` pixels behind the padding, those of the tiles of a side that begin at rising `starts` in which
/// it lies.
fn spans(starts: &[usize], side: usize, pad: &Pad, length: usize) -> Vec<[u32; 2]> {
    let over = |at: usize| {
        let [first, end] =
            [at.saturating_sub(side - 1), at + 1].map(|from| starts.partition_point(|&start| start < from));
        [first as u32, end as u32]
    };
    (pad.before..pad.before + length).map(over).collect()
}

impl TiledPlanes {
    /// Adds tiles to the outputs, the first of them being the `at`th tile of the activations.
    pub(crate) fn blend(
        &self,
        gpu: &Gpu,
        kernel: &Arc<Kernel>,
        work: &mut DispatchList,
        tiles: &Range<usize>,
        at: usize,
        activations: &wgpu::Buffer,
    ) -> Result<(), Error> {
        let TiledPlanes { outputs, tile_layout: TileLayout { pad_y, pad_x, tiling }, .. } = self;
        let now = &tiling.tiles[tiles.clone()];
        let rows = covered(now.iter().map(|tile| tile.y), tiling.height, pad_y, outputs.height);
        let columns = covered(now.iter().map(|tile| tile.x), tiling.width, pad_x, outputs.width);
        let params = [
            outputs.width,
            outputs.height,
            outputs.channels,
            tiling.width,
            tiling.height,
            self.across,
            tiles.start,
            tiles.len(),
            at * self.quads(outputs.channels),
            rows.start,
            columns.start,
            rows.end,
            columns.end,
        ];
        let grid = box_grid(gpu, WHAT, [outputs.channels.div_ceil(4), rows.len(), columns.len()])?;
        let storage = [activations, &self.records, &self.weights, &self.spans, &outputs.buffer];
        work.add(kernel.bind(gpu, &params.map(|value| value as u32), &storage), grid);
        Ok(())
    }
}

/// The pixels of an axis of `length` that lie between the first and the last of some tiles, in the plane without padding.
fn covered(starts: impl Iterator<Item = usize> + Clone, side: usize, pad: &Pad, length: usize) -> Range<usize> {
    let end = (starts.clone().max().unwrap_or(0) + side).saturating_sub(pad.before).min(length);
    starts.min().unwrap_or(0).saturating_sub(pad.before).min(end)..end
}

/// Adds tiles that the network made, those of `tiles`, to the outputs. Nothing waits.
///
/// # Errors
/// [`Error::Length`] where there are not as many tiles, and whatever the device says.
pub async fn blend(gpu: &Gpu, tiled: &TiledPlanes, tiles: Range<usize>, made: &Activations) -> Result<(), Error> {
    let expected = 16 * (tiles.len() * tiled.quads(tiled.outputs.channels)) as u64;
    if made.buffer.size() < expected || tiles.end > tiled.tiles() {
        return Err(Error::Length { what: "tiles", found: made.buffer.size() as usize, expected: expected as usize });
    }
    let kernel = gpu.kernel(Variant::new(shaders::BLEND).with_precision(Precision::F32)).await?;
    gpu.with_error_scopes(WHAT, || {
        let mut work = DispatchList::default();
        tiled.blend(gpu, &kernel, &mut work, &tiles, 0, &made.buffer)?;
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}
