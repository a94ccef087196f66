//! Cuts tiles out of planes (the reference's `transforms.make_tiles` after `np.pad`).

use std::ops::Range;

use cytoshade_core::tiling::{TileLayout, Tiling};
use cytoshade_shaders::{self as shaders, Precision};

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};
use crate::planes::GpuPlanes;
use crate::stages::blend_weights::{Spans, Weights};

const WHAT: &str = "tiles";

/// Planes on the device with the positions of their tiles, and the planes for the network's outputs.
#[derive(Clone, Debug)]
pub struct TiledPlanes {
    pub(crate) tile_layout: TileLayout,
    pub(crate) source: GpuPlanes,
    pub(crate) outputs: GpuPlanes,
    /// Tiles per row of their grid.
    pub(crate) across: usize,
    pub(crate) records: wgpu::Buffer,
    pub(crate) weights: wgpu::Buffer,
    pub(crate) spans: wgpu::Buffer,
}

impl TiledPlanes {
    /// Planes with the tiles of `tile_layout`, and zeroed outputs of `nout` channels and the same size.
    ///
    /// The tiles must form a grid, as with [`Tiling`]'s constructors.
    ///
    /// # Errors
    /// [`Error::Limit`] if the outputs are too large for one binding, and errors of the device.
    pub async fn new(gpu: &Gpu, source: GpuPlanes, tile_layout: &TileLayout, nout: usize) -> Result<Self, Error> {
        let TileLayout { pad_y, pad_x, tiling } = tile_layout;
        let (weights, spans) = (Weights::new(tiling), Spans::new(tile_layout, source.height, source.width));
        let place = |at: usize, pad: usize| (at as i32 - pad as i32) as u32;
        let record = |tile: &cytoshade_core::tiling::Tile| {
            let (y, x) = (place(tile.y, pad_y.before), place(tile.x, pad_x.before));
            [y, x, tile.flip_y.into(), tile.flip_x.into(), weights.row(tile.y), weights.column(tile.x)]
        };
        let records: Vec<[u32; 6]> = tiling.tiles.iter().map(record).collect();
        gpu.with_error_scopes(WHAT, || {
            let outputs = GpuPlanes::zeros(gpu, "the network's outputs", nout, source.height, source.width)?;
            let (records, weights) = (gpu.upload(WHAT, &records)?, gpu.upload(WHAT, &weights.values)?);
            let (across, spans) = (spans.across, gpu.upload(WHAT, &spans.values)?);
            Ok(Self { tile_layout: tile_layout.clone(), source, outputs, across, records, weights, spans })
        })
        .await
    }

    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.tile_layout.tiling.tiles.len()
    }

    /// The blended outputs, of shape [nout, height, width]; complete after all tiles.
    pub fn outputs(&self) -> &GpuPlanes {
        &self.outputs
    }

    /// vec4s per tile for a number of channels.
    pub(crate) fn quads(&self, channels: usize) -> usize {
        self.tile_layout.tiling.height * self.tile_layout.tiling.width * channels.div_ceil(4)
    }

    /// Appends a dispatch that cuts tiles into activations, from tile `at` there on.
    pub(crate) fn cut(
        &self,
        gpu: &Gpu,
        kernel: &std::sync::Arc<Kernel>,
        work: &mut DispatchList,
        tiles: &Range<usize>,
        at: usize,
        activations: &wgpu::Buffer,
    ) -> Result<(), Error> {
        let GpuPlanes { buffer, channels, height, width } = &self.source;
        let tiling = &self.tile_layout.tiling;
        let start = at * self.quads(*channels);
        let params = [*width, *height, *channels, tiling.width, tiling.height, tiles.start, start];
        let bound = gpu.bind(kernel, &params.map(|value| value as u32), &[buffer, &self.records, activations]);
        let depth = tiles.len() * channels.div_ceil(4);
        work.add(bound, gpu.box_grid(WHAT, [depth, tiling.height, tiling.width])?);
        Ok(())
    }
}

/// Tiles of f32 on the device in the layout of the network's layers: channels last, padded to 4.
///
/// The network's own activations stay inside its batches.
#[derive(Clone, Debug)]
pub struct Activations {
    pub(crate) buffer: wgpu::Buffer,
    tiles: usize,
    channels: usize,
    height: usize,
    width: usize,
}

impl Activations {
    /// Uploads tiles of shape [tiles, channels, height, width].
    ///
    /// # Errors
    /// [`Error::Length`] for a wrong shape, [`Error::Limit`] if they are too large for one binding, and errors of the
    /// device.
    pub async fn upload(
        gpu: &Gpu,
        values: &[f32],
        [tiles, channels, height, width]: [usize; 4],
    ) -> Result<Self, Error> {
        let expected = tiles * channels * height * width;
        if values.len() != expected {
            return Err(Error::Length { what: WHAT, found: values.len(), expected });
        }
        let pack = gpu.kernel(Variant::new(&shaders::PACK).with_precision(Precision::F32)).await?;
        let quads = tiles * height * width * channels.div_ceil(4);
        let buffer = gpu
            .with_error_scopes(WHAT, || {
                let (planes, buffer) = (gpu.upload(WHAT, values)?, gpu.storage(WHAT, 16 * quads as u64)?);
                let params = [height * width, channels, quads].map(|value| value as u32);
                let mut work = DispatchList::default();
                work.add(gpu.bind(&pack, &params, &[&planes, &buffer]), gpu.linear_grid(WHAT, quads as u64)?);
                work.submit(gpu, WHAT);
                Ok(buffer)
            })
            .await?;
        Ok(Self { buffer, tiles, channels, height, width })
    }

    /// Reads the tiles back, of shape [tiles, channels, height, width].
    ///
    /// # Errors
    /// [`Error::Limit`] if they are too large for one binding, and errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<Vec<f32>, Error> {
        let &Self { ref buffer, tiles, channels, height, width } = self;
        let unpack = gpu.kernel(Variant::new(&shaders::UNPACK).with_precision(Precision::F32)).await?;
        let planes = gpu
            .with_error_scopes(WHAT, || {
                let planes = GpuPlanes::zeros(gpu, WHAT, tiles * channels, height, width)?;
                let count = tiles * channels * height * width;
                let params = [height * width, channels, count].map(|value| value as u32);
                let mut work = DispatchList::default();
                work.add(gpu.bind(&unpack, &params, &[buffer, &planes.buffer]), gpu.linear_grid(WHAT, count as u64)?);
                work.submit(gpu, WHAT);
                Ok(planes)
            })
            .await?;
        Ok(planes.read(gpu).await?.into_vec())
    }
}

/// Cuts tiles out of planes. Does not wait.
///
/// # Errors
/// [`Error::Limit`] if they are too large for one binding, and errors of the device.
pub async fn cut(gpu: &Gpu, tiled: &TiledPlanes, tiles: Range<usize>) -> Result<Activations, Error> {
    let kernel = gpu.kernel(Variant::new(&shaders::TILE).with_precision(Precision::F32)).await?;
    let Tiling { height, width, .. } = tiled.tile_layout.tiling;
    let channels = tiled.source.channels;
    let buffer = gpu
        .with_error_scopes(WHAT, || {
            let mut work = DispatchList::default();
            let buffer = gpu.storage(WHAT, (16 * tiles.len() * tiled.quads(channels)) as u64)?;
            tiled.cut(gpu, &kernel, &mut work, &tiles, 0, &buffer)?;
            work.submit(gpu, WHAT);
            Ok(buffer)
        })
        .await?;
    Ok(Activations { buffer, tiles: tiles.len(), channels, height, width })
}
