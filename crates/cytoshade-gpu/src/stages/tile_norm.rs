//! Normalizes by percentiles of tiles (the reference's `transforms.normalize99_tile`).

use cytoshade_core::Params;
use cytoshade_core::resample::lerp_indices;
use cytoshade_core::tile_norm::Tiles;
use cytoshade_shaders as shaders;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::percentile::{Percentiles, Regions, together};
use crate::stages::slices::Slices;

const WHAT: &str = "normalization by tiles";

/// Maps every channel so that the `low` percentile becomes 0 and the `high` percentile 1.
///
/// Both percentiles are computed per tile, smoothed, and interpolated between tiles. The z-slices share one
/// normalization.
///
/// Waits for the percentiles: the host fills in missing ones and smooths them, a table of 16 bytes per tile.
pub(crate) async fn normalize(gpu: &Gpu, slices: &Slices, params: &Params, ends: (f32, f32)) -> Result<(), Error> {
    let &Slices { ref planes, depth, height } = slices;
    let (width, pixels) = (planes.width, height * planes.width);
    let tiles = Tiles::new(height, width, params.tile_norm_blocksize);
    let firsts: Vec<u32> = (0..planes.channels * depth)
        .flat_map(|slice| tiles.tiling.tiles.iter().map(move |tile| (slice * pixels + tile.y * width + tile.x) as u32))
        .collect();
    let selection = Percentiles::new(gpu).await?;
    let mut bounds = Vec::with_capacity(firsts.len());
    for firsts in firsts.chunks(together(gpu)) {
        let regions = Regions::tiles(firsts.to_vec(), tiles.tiling.height, tiles.tiling.width);
        bounds.extend(selection.read(gpu, planes, &regions, ends).await?);
    }

    let mut tables: Vec<[f32; 2]> = Vec::new();
    for bounds in bounds.chunks(depth * tiles.tiling.tiles.len()) {
        let table = tiles.tables(bounds.to_vec(), depth, params);
        tables.extend(table.low.into_iter().zip(table.high).map(|(low, high)| [low, high]));
    }
    // The host computes the positions in f64, as in the CPU backend.
    let places = [lerp_indices(tiles.rows, height), lerp_indices(tiles.columns, width)].concat();
    let places: Vec<_> = places.iter().map(|place| [place.first as u32, place.weight.to_bits()]).collect();
    let kernel = gpu.kernel(Variant::new(&shaders::NORMALIZE_TILES)).await?;
    gpu.with_error_scopes(WHAT, || {
        let (tables, places) = (gpu.upload(WHAT, &tables)?, gpu.upload(WHAT, &places)?);
        let count = planes.channels * depth * pixels;
        let params = [width, height, tiles.rows, tiles.columns, depth * pixels, count].map(|value| value as u32);
        let mut work = DispatchList::default();
        work.add(gpu.bind(&kernel, &params, &[&tables, &places, &planes.buffer]), gpu.linear_grid(WHAT, count as u64)?);
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}
