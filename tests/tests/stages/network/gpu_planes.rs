//! The network on the GPU from planes to planes: batches cut their own tiles and blend their own outputs.

use std::collections::VecDeque;

use cytoshade_core::tiling::{TileLayout, Tiling};
use cytoshade_core::{Planes, Recorder};
use cytoshade_cpu::tile;
use cytoshade_gpu::{Choice, DeviceOptions, Error, Gpu, Network, Options, Precision, TiledPlanes};
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use super::gpu::overflowing;
use crate::blend::gpu::blended;
use crate::normalize::gpu::{random_planes, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("from planes to planes", device_to_device);
    group.test("from planes to planes with small limits", small_limits);
    group.test("from planes to planes with little memory", little_memory);
    group.test("a recorder receives each step", recorded);
    group.test("wrong planes are refused", refusals);
    group.test("outputs that are not finite name their layer", not_finite);
}

fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    agree::close_with_twin(ours, expected, ROUNDING)
}

/// Runs planes of one tile size through the network in batches of `batch` tiles, which may belong to several planes, two batches
/// at a time. Returns the outputs of each plane and the styles of its tiles.
fn through(
    network: &Network,
    gpu: &Gpu,
    tiled: &[TiledPlanes],
    batch: usize,
) -> Result<Vec<(Planes, Vec<f32>)>, Failed> {
    let tiles: Vec<(usize, usize)> =
        tiled.iter().enumerate().flat_map(|(at, tiled)| (0..tiled.tiles()).map(move |tile| (at, tile))).collect();
    let (mut styles, mut submissions) = (Vec::new(), VecDeque::new());
    for now in tiles.chunks(batch) {
        let parts: Vec<_> = now
            .chunk_by(|a, b| a.0 == b.0)
            .map(|part| (&tiled[part[0].0], part[0].1..part[part.len() - 1].1 + 1))
            .collect();
        submissions.extend(block_on(network.start(&parts, None))?);
        while submissions.len() > 2 {
            let oldest = submissions.pop_front().ok_or("no submission")?;
            styles.extend(block_on(oldest.styles(None))?.ok_or("outputs that are not finite")?);
        }
    }
    for submission in submissions {
        styles.extend(block_on(submission.styles(None))?.ok_or("outputs that are not finite")?);
    }
    let mut styles = styles.into_iter();
    let of_tile = network.description().style.ok_or("no style")?;
    let take = |tiled: &TiledPlanes| {
        Ok((block_on(tiled.outputs().read(gpu))?, styles.by_ref().take(of_tile * tiled.tiles()).collect()))
    };
    tiled.iter().map(take).collect()
}

/// Planes of several sizes through the network on the device, against tiles that are cut and blended on the host.
fn check_network(gpu: &Gpu, options: Options, batches: &[usize]) -> Result<(), Failed> {
    let mut random = Random(34);
    let net = random.cpnet(&[2, 5, 7, 9], 3);
    let network = block_on(Network::with(gpu, &net.network(), options))?;
    for augment in [false, true] {
        let planes: Vec<Planes> =
            [(70, 90), (40, 41), (100, 30)].map(|(h, w)| random_planes(&mut random, 2, h, w)).into();
        let layouts: Vec<TileLayout> = planes
            .iter()
            .map(|planes| TileLayout::new(planes.height(), planes.width(), 16, 48, 0.1, augment))
            .collect();
        let mut expected = Vec::new();
        for (planes, tile_layout) in planes.iter().zip(&layouts) {
            let Tiling { height, width, tiles } = &tile_layout.tiling;
            let cut = tile::cut(tile_layout, planes, tiles);
            let batch = block_on(network.run(&cut, tiles.len(), *height, *width))?;
            let blended = blended(tile_layout, 3, (planes.height(), planes.width()), &batch.outputs);
            expected.push((blended, batch.styles));
        }
        for &batch in batches {
            let tiled: Result<Vec<TiledPlanes>, Error> = planes
                .iter()
                .zip(&layouts)
                .map(|(planes, tile_layout)| block_on(network.tiled(upload(gpu, planes)?, tile_layout)))
                .collect();
            for ((found, styles), (expected, expected_styles)) in
                through(&network, gpu, &tiled?, batch)?.iter().zip(&expected)
            {
                close(found.as_slice(), expected.as_slice())?;
                close(styles, expected_styles)?;
            }
        }
    }
    Ok(())
}

fn device_to_device(gpu: &Gpu) -> Result<(), Failed> {
    check_network(gpu, Options::default(), &[1, 5, 100])?;
    if gpu.capabilities().f16 {
        check_network(gpu, Options { precision: Precision::F16, ..Options::default() }, &[4])?;
    }
    Ok(())
}

/// Batches beyond the limits of the device are split.
fn small_limits(gpu: &Gpu) -> Result<(), Failed> {
    // Eight padded channels of 48 x 48 pixels are the largest intermediate: room for one tile and the planes, and for
    // three.
    for (bytes, most) in [(80_000, 1), (3 * 4 * 8 * 48 * 48, 3)] {
        let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), bytes))?;
        let network = block_on(Network::new(&small, &Random(34).cpnet(&[2, 5, 7, 9], 3).network()))?;
        assert_eq!(network.max_batch(48, 48), most);
        check_network(&small, Options::default(), &[4])?;
    }
    Ok(())
}

/// With memory for two tiles, batches are halved.
fn little_memory(gpu: &Gpu) -> Result<(), Failed> {
    let mut device_options = DeviceOptions::default();
    device_options.faults.memory = Some(2 * 4 * 8 * 48 * 48);
    let little = block_on(Gpu::open_with(Choice::Named(gpu.info().name.clone()), &device_options))?;
    check_network(&little, Options::default(), &[5])
}

/// The number and order of dispatches stated in the book (`docs/src/network.md`), if the device has timestamps.
fn recorded(gpu: &Gpu) -> Result<(), Failed> {
    let network = block_on(Network::new(gpu, &Random(36).cpnet(&[2, 4, 8, 12, 16], 3).network()))?;
    let tile_layout = TileLayout::new(64, 64, 16, 48, 0.1, false);
    let tiled = block_on(network.tiled(upload(gpu, &Planes::zeros(2, 64, 64))?, &tile_layout))?;
    let recorder = Recorder::new();
    for tiles in [0..1, 1..4] {
        for submission in block_on(network.start(&[(&tiled, tiles)], Some(&recorder)))? {
            block_on(submission.styles(Some(&recorder)))?;
        }
    }
    let recorded = recorder.take();
    if recorded.missing.is_some() {
        return Ok(());
    }
    assert_eq!(recorded.batches.iter().map(|batch| batch.tiles).collect::<Vec<_>>(), [1, 3]);
    for batch in &recorded.batches {
        let names: Vec<&str> = batch.steps.iter().map(|step| step.name.as_str()).collect();
        assert_eq!((names[0], names[names.len() - 1]), ("tile", "blend"));
        assert_eq!((names.len(), batch.nanoseconds.len()), (40, 40));
        assert_eq!(network.dispatches(), 40);
        assert!(batch.nanoseconds.iter().all(|[begin, end]| begin <= end), "{:?}", batch.nanoseconds);
        assert!(batch.nanoseconds.windows(2).all(|pair| pair[0][1] <= pair[1][1]), "{:?}", batch.nanoseconds);
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Result<(), Failed> {
    let network = block_on(Network::new(gpu, &Random(35).cpnet(&[2, 4, 4], 3).network()))?;
    let tile_layout = |bsize| TileLayout::new(64, 64, 16, bsize, 0.1, false);
    let error = block_on(network.tiled(upload(gpu, &Planes::zeros(3, 64, 64))?, &tile_layout(32))).err();
    assert_eq!(error, Some(Error::Length { what: "planes", found: 3, expected: 2 }));
    let error = block_on(network.tiled(upload(gpu, &Planes::zeros(2, 64, 64))?, &tile_layout(33))).err();
    assert_eq!(error, Some(Error::TileSize { height: 33, width: 33, multiple: 2 }));
    let tiled = |bsize| block_on(network.tiled(upload(gpu, &Planes::zeros(2, 64, 64))?, &tile_layout(bsize)));
    let error = block_on(network.start(&[(&tiled(32)?, 0..1), (&tiled(64)?, 0..1)], None)).err();
    assert_eq!(error, Some(Error::Length { what: "tiles", found: 64 * 64, expected: 32 * 32 }));
    assert!(block_on(network.start(&[], None))?.is_empty());
    Ok(())
}

fn not_finite(gpu: &Gpu) -> Result<(), Failed> {
    let tile_layout = TileLayout::new(70, 90, 16, 48, 0.1, false);
    let planes = random_planes(&mut Random(4), 2, 70, 90);
    let half = gpu.capabilities().f16.then_some(Precision::F16);
    for precision in [Precision::F32].into_iter().chain(half) {
        for (layer, net) in overflowing() {
            let options = Options { precision, ..Options::default() };
            let network = block_on(Network::with(gpu, &net.network(), options))?;
            let tiled = block_on(network.tiled(upload(gpu, &planes)?, &tile_layout))?;
            let part = [(&tiled, 1..3)];
            for submission in block_on(network.start(&part, None))? {
                assert_eq!(block_on(submission.styles(None))?, None, "{layer}");
            }
            assert_eq!(block_on(network.diagnose(&part))?, Error::NotFinite { layer: layer.into() });
        }
    }
    Ok(())
}
