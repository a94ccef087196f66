//! Normalization by the percentiles of tiles (the reference's `transforms.normalize99_tile`).

use crate::parallel::*;
use cytoshade_core::tile_norm::{MIN_CONTRAST, Tiles, is_shared};
use cytoshade_core::tiling::Tile;
use cytoshade_core::{Error, Params, Planes, Volume};

use crate::percentile::percentile;
use crate::resize;

/// Maps the `low` percentile of every channel to 0 and the `high` percentile to 1. Both are those of tiles, smoothed
/// and interpolated between the tiles.
///
/// With `norm3d` all z-slices share the mean of their percentiles, otherwise each has its own.
///
/// # Errors
/// [`Error::Param`] if z-slices have their own percentiles and one has too little contrast.
pub(crate) fn normalize(volume: &mut Volume, params: &Params, low: f32, high: f32) -> Result<(), Error> {
    let [depth, height, width] = volume.size();
    let share = is_shared(depth, params);
    let tiles = Tiles::new(height, width, params.tile_norm_blocksize);
    for channel in 0..volume.channels() {
        let slices = volume.channel(channel).chunks_exact(height * width);
        let bounds = slices.flat_map(|slice| bounds(&tiles, slice, width, low, high)).collect();
        let tables = tiles.tables(bounds, depth, params);
        let [low, high] = [tables.low, tables.high].map(|values| {
            let planes = Planes::new(values, if share { 1 } else { depth }, tiles.rows, tiles.columns);
            // The counts agree, so the default is never taken.
            resize::bilinear(&planes.unwrap_or_default(), height, width)
        });
        let too_flat = low.as_slice().iter().zip(high.as_slice()).any(|(low, high)| high - low < MIN_CONTRAST);
        if !share && too_flat {
            let found = "off with tile_norm_blocksize on, and a z-slice has too little contrast".into();
            return Err(Error::Param { name: "norm3d", found, expected: "norm3d on, or tile_norm_blocksize 0" });
        }
        let slices = volume.channel_mut(channel).par_chunks_exact_mut(height * width);
        slices.enumerate().for_each(|(z, slice)| {
            let from = if share { 0 } else { z };
            let bounds = low.plane(from).iter().zip(high.plane(from));
            for (value, (low, high)) in slice.iter_mut().zip(bounds) {
                *value = (*value - low) / (high - low);
            }
        });
    }
    Ok(())
}

/// The percentiles of each tile of a z-slice.
fn bounds(tiles: &Tiles, slice: &[f32], width: usize, low: f32, high: f32) -> Vec<(f32, f32)> {
    let of_tile = |tile: &Tile| {
        let rows = slice.chunks_exact(width).skip(tile.y).take(tiles.tiling.height);
        let mut sample: Vec<f32> = rows.flat_map(|row| &row[tile.x..][..tiles.tiling.width]).copied().collect();
        (percentile(&mut sample, low), percentile(&mut sample, high))
    };
    tiles.tiling.tiles.par_iter().map(of_tile).collect()
}
