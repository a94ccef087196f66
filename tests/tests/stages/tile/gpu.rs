//! Stage `tile` on the GPU.

use cytoshade_core::Planes;
use cytoshade_core::tiling::{Pad, TileLayout, Tiling};
use cytoshade_cpu::tile;
use cytoshade_gpu::{Gpu, TiledPlanes};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use cytoshade_tests::{agree, must_fail_when_perturbed};
use libtest_mimic::Failed;
use pollster::block_on;

use crate::normalize::gpu::{random_planes, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random planes", random_layouts);
    group.fixtures("tile", "cases.json", &["tiles"], fixture);
}

/// Channels, outputs, height, width, tile side, overlap, and whether it is augmented.
pub(crate) type Layout = (usize, usize, usize, usize, usize, f64, bool);

pub(crate) const LAYOUTS: [Layout; 7] = [
    (2, 3, 70, 90, 32, 0.1, false),
    (2, 3, 70, 90, 32, 0.1, true),
    (1, 4, 40, 130, 48, 0.5, false),
    (3, 7, 65, 33, 48, 0.25, true),
    // Smaller than a tile: with augmentation, starts are equal.
    (2, 3, 9, 11, 64, 0.1, true),
    (5, 1, 9, 11, 64, 0.1, false),
    (2, 3, 10, 300, 96, 0.1, true),
];

/// Compares all tiles, cut in two batches. Must fail on a wrong pixel.
fn check_cut(gpu: &Gpu, planes: &Planes, tile_layout: &TileLayout, expected: &[f32]) -> Result<(), Failed> {
    let tiled = block_on(TiledPlanes::new(gpu, upload(gpu, planes)?, tile_layout, 3))?;
    let (all, half) = (tiled.tiles(), tiled.tiles() / 2);
    let cut = |tiles| block_on(async { cytoshade_gpu::cut(gpu, &tiled, tiles).await?.read(gpu).await });
    let mut found = cut(0..half)?;
    found.extend(cut(half..all)?);
    let perturb = |tiles: &mut Vec<f32>| tiles[0] += 1.0;
    must_fail_when_perturbed(&found, perturb, |tiles| agree::close(tiles, expected, 0.0))
}

fn random_layouts(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(33);
    for (channels, _, height, width, bsize, overlap, augment) in LAYOUTS {
        let planes = random_planes(&mut random, channels, height, width);
        let tile_layout = TileLayout::new(height, width, 16, bsize, overlap, augment);
        let cut = tile::cut(&tile_layout, &planes, &tile_layout.tiling.tiles);
        check_cut(gpu, &planes, &tile_layout, &cut)
            .map_err(|e| format!("{height} x {width}, {bsize}, {augment}: {}", e.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let planes = case.input("planes").planes();
    let (bsize, overlap) = (case.number("bsize") as usize, case.number("tile_overlap"));
    let (height, width) = (planes.height(), planes.width());
    let tiling = if case.flag("augment") {
        Tiling::augmented(height, width, bsize)
    } else {
        Tiling::new(height, width, bsize, overlap)
    };
    let none = Pad { before: 0, after: 0 };
    let tile_layout = TileLayout { pad_y: none, pad_x: none, tiling };
    check_cut(gpu, &planes, &tile_layout, &case.require("tiles")?.f32())
}
