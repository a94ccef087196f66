//! The blending weights of tiles, and the tiles over each pixel, for the shader `blend`.
//!
//! The CPU divides each weight by the mean of all weights. Here each is divided by their sum, axis by axis; the results
//! differ in the last bit.

use cytoshade_core::tiling::{Pad, Tile, TileLayout, Tiling, taper};

/// The blending weights of a grid of tiles.
///
/// A tile's weight at a pixel is its row weight times its column weight. Both are normalized, so that the weights of
/// all tiles over a pixel add up to 1.
#[derive(Debug)]
pub(crate) struct Weights {
    pub(crate) values: Vec<f32>,
    /// Each first row, and each first column, of a tile, ascending, with the index of its weights.
    rows: Vec<(usize, u32)>,
    columns: Vec<(usize, u32)>,
}

impl Weights {
    pub(crate) fn new(tiling: &Tiling) -> Self {
        let (taper_y, taper_x) = taper(tiling.height, tiling.width);
        let mut values = Vec::new();
        // Each axis is divided by a sum over all tiles instead of over one row or column of them. Together this divides
        // once too often by the number of tiles.
        let rows = axis(&mut values, tiling.tiles.iter().map(|tile| tile.y), &taper_y, tiling.tiles.len() as f64);
        let columns = axis(&mut values, tiling.tiles.iter().map(|tile| tile.x), &taper_x, 1.0);
        Self { values, rows, columns }
    }

    /// The index of the weights of the rows of a tile that begins at row `y`.
    pub(crate) fn row(&self, y: usize) -> u32 {
        index(&self.rows, y)
    }

    /// The index of the weights of the columns of a tile that begins at column `x`.
    pub(crate) fn column(&self, x: usize) -> u32 {
        index(&self.columns, x)
    }
}

fn index(starts: &[(usize, u32)], start: usize) -> u32 {
    let found = starts.binary_search_by_key(&start, |(start, _)| *start);
    found.map_or(0, |place| starts[place].1)
}

/// Appends the weights of tiles that begin at `starts`, times `factor`.
///
/// Returns each start, ascending, with the index of its weights.
fn axis(values: &mut Vec<f32>, starts: impl Iterator<Item = usize>, taper: &[f64], factor: f64) -> Vec<(usize, u32)> {
    let mut tiles: Vec<(usize, u32)> = Vec::new();
    for start in starts {
        match tiles.binary_search_by_key(&start, |(start, _)| *start) {
            Ok(place) => tiles[place].1 += 1,
            Err(place) => tiles.insert(place, (start, 1)),
        }
    }
    let end = tiles.last().map_or(0, |(start, _)| start + taper.len());
    let mut sums = vec![0.0; end];
    for &(start, count) in &tiles {
        sums[start..].iter_mut().zip(taper).for_each(|(sum, weight)| *sum += f64::from(count) * weight);
    }
    for (start, first) in &mut tiles {
        *first = values.len() as u32;
        values.extend(taper.iter().zip(&sums[*start..]).map(|(weight, sum)| (factor * weight / sum) as f32));
    }
    tiles
}

/// The tiles over each row and each column of a plane, so that a pixel need not visit all tiles.
#[derive(Debug)]
pub(crate) struct Spans {
    /// For each row, then each column of the plane: the first tiles over it and the end of them.
    pub(crate) values: Vec<[u32; 2]>,
    /// Tiles per row of the grid.
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

/// Tiles per row of their grid: x decreases where the next row begins.
///
/// If all have one x, each is a row.
fn across(tiles: &[Tile]) -> usize {
    let falls = tiles.windows(2).position(|pair| pair[1].x < pair[0].x);
    let one = tiles.first().map(|tile| tile.x) == tiles.last().map(|tile| tile.x);
    falls.map_or(if one { 1 } else { tiles.len() }, |last| last + 1)
}

/// For each of `length` pixels, the first tile that contains it and the end of these tiles.
///
/// The pixels follow the padding; tiles of a side begin at ascending `starts`.
fn spans(starts: &[usize], side: usize, pad: &Pad, length: usize) -> Vec<[u32; 2]> {
    let over = |at: usize| {
        let [first, end] =
            [at.saturating_sub(side - 1), at + 1].map(|from| starts.partition_point(|&start| start < from));
        [first as u32, end as u32]
    };
    (pad.before..pad.before + length).map(over).collect()
}
