//! Stage `blend` on the GPU.

use cytoshade_core::Planes;
use cytoshade_core::tiling::{Pad, TileLayout, Tiling};
use cytoshade_cpu::blend::Blend;
use cytoshade_gpu::{Activations, Gpu, TiledPlanes};
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::blend::cpu::positions;
use crate::normalize::gpu::upload;
use crate::tile::gpu::LAYOUTS;

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random tiles", random_layouts);
    group.fixtures("blend", "cases.json", &["planes"], fixture);
}

/// Compares all tiles, blended in two batches.
fn check_blended(
    gpu: &Gpu,
    planes: &Planes,
    tile_layout: &TileLayout,
    tiles: &[f32],
    expected: &Planes,
) -> Result<(), Failed> {
    let nout = expected.channels();
    let tiled = block_on(TiledPlanes::new(gpu, upload(gpu, planes)?, tile_layout, nout))?;
    let (all, half) = (tiled.tiles(), tiled.tiles() / 2);
    let (first, second) = tiles.split_at(half * tiles.len() / all);
    for (range, tiles) in [(0..half, first), (half..all, second)] {
        let Tiling { height, width, .. } = tile_layout.tiling;
        let made = block_on(Activations::upload(gpu, tiles, [range.len(), nout, height, width]))?;
        block_on(cytoshade_gpu::blend(gpu, &tiled, range, &made))?;
    }
    agree::close_with_twin(block_on(tiled.outputs().read(gpu))?.as_slice(), expected.as_slice(), ROUNDING)
}

pub(crate) fn blended(tile_layout: &TileLayout, nout: usize, (height, width): (usize, usize), tiles: &[f32]) -> Planes {
    let mut blend = Blend::new(tile_layout.clone(), nout, height, width);
    let each = nout * tile_layout.tiling.height * tile_layout.tiling.width;
    tile_layout.tiling.tiles.iter().zip(tiles.chunks_exact(each)).for_each(|(tile, output)| blend.add(tile, output));
    blend.finish()
}

fn random_layouts(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(33);
    for (channels, nout, height, width, bsize, overlap, augment) in LAYOUTS {
        let tile_layout = TileLayout::new(height, width, 16, bsize, overlap, augment);
        let Tiling { height: tile_height, width: tile_width, tiles } = &tile_layout.tiling;
        let outputs = random.vector(tiles.len() * nout * tile_height * tile_width, -5.0, 5.0);
        let expected = blended(&tile_layout, nout, (height, width), &outputs);
        check_blended(gpu, &Planes::zeros(channels, height, width), &tile_layout, &outputs, &expected)
            .map_err(|e| format!("{height} x {width}, {bsize}, {augment}: {}", e.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let tiles = case.input("tiles");
    let (tile_height, tile_width) = tiles.size();
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let none = Pad { before: 0, after: 0 };
    let tiling = Tiling { height: tile_height, width: tile_width, tiles: positions(case) };
    let tile_layout = TileLayout { pad_y: none, pad_x: none, tiling };
    let expected = case.require("planes")?.planes();
    check_blended(gpu, &Planes::zeros(1, height, width), &tile_layout, &tiles.f32(), &expected)
}
