//! Averages the network's outputs over overlapping tiles.
//!
//! Source: the reference's `transforms.average_tiles` and `unaugment_tiles`.

use std::ops::Range;
use std::sync::Arc;

use cytoshade_core::tiling::{Pad, TileLayout};
use cytoshade_shaders::{self as shaders, Precision};

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};
use crate::stages::tile::{Activations, TiledPlanes};

const WHAT: &str = "blended tiles";

impl TiledPlanes {
    /// Appends a dispatch that adds tiles to the outputs, from tile `at` of the activations on.
    ///
    /// Sets the first u32 of `not_finite` to 1 if a sum is not finite.
    pub(crate) fn blend(
        &self,
        gpu: &Gpu,
        kernel: &Arc<Kernel>,
        work: &mut DispatchList,
        tiles: &Range<usize>,
        at: usize,
        [activations, not_finite]: [&wgpu::Buffer; 2],
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
        let grid = gpu.box_grid(WHAT, [outputs.channels.div_ceil(4), rows.len(), columns.len()])?;
        let storage = [activations, &self.records, &self.weights, &self.spans, &outputs.buffer, not_finite];
        work.add(gpu.bind(kernel, &params.map(|value| value as u32), &storage), grid);
        Ok(())
    }
}

/// The pixels of one axis covered by some tiles, in the plane without padding.
fn covered(starts: impl Iterator<Item = usize> + Clone, side: usize, pad: &Pad, length: usize) -> Range<usize> {
    let end = (starts.clone().max().unwrap_or(0) + side).saturating_sub(pad.before).min(length);
    starts.min().unwrap_or(0).saturating_sub(pad.before).min(end)..end
}

/// Adds the network's outputs for the tiles `tiles` to the output planes. Does not wait.
///
/// # Errors
/// [`Error::Length`] for another number of tiles, and errors of the device.
pub async fn blend(gpu: &Gpu, tiled: &TiledPlanes, tiles: Range<usize>, outputs: &Activations) -> Result<(), Error> {
    let expected = 16 * (tiles.len() * tiled.quads(tiled.outputs.channels)) as u64;
    if outputs.buffer.size() < expected || tiles.end > tiled.tiles() {
        return Err(Error::Length {
            what: "tiles",
            found: outputs.buffer.size() as usize,
            expected: expected as usize,
        });
    }
    let kernel = gpu.kernel(Variant::new(&shaders::BLEND).with_precision(Precision::F32)).await?;
    gpu.with_error_scopes(WHAT, || {
        let mut work = DispatchList::default();
        let not_finite = gpu.storage(WHAT, 4)?;
        tiled.blend(gpu, &kernel, &mut work, &tiles, 0, [&outputs.buffer, &not_finite])?;
        work.submit(gpu, WHAT);
        Ok(())
    })
    .await
}
