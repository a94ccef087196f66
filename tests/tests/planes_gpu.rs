//! What lies between planes and flows on the best adapter there is, a software one too: each stage against its twin on
//! the CPU and against the reference's fixtures, and the network from planes to planes.

use std::collections::VecDeque;

use cytoshade_core::percentile::{Rank, steps};
use cytoshade_core::tiling::{Pad, Tile, TileLayout, Tiling};
use cytoshade_core::{Normalize, Params, Planes, Recorder, Volume};
use cytoshade_cpu::blend::Blend;
use cytoshade_cpu::{normalize, resize, tile};
use cytoshade_gpu::{
    Activations, Choice, DeviceOptions, Error, Gpu, GpuPlanes, Network, Options, Precision, TiledPlanes,
};
use cytoshade_tests::fixtures::{Array, Case, NEEDS_TEST_DATA, cases, numbers};
use cytoshade_tests::random::Random;
use cytoshade_tests::{agree, eval, gpu, must_fail_when_perturbed};
use libtest_mimic::{Arguments, Failed};
use pollster::block_on;

/// "Equal to rounding", as a share of the largest value.
const ROUNDING: f64 = 1e-5;

fn main() {
    let gpu = gpu::open();
    let mut trials = Vec::new();
    let mut on = |name: &str, test: fn(&Gpu) -> Result<(), Failed>| {
        trials.push(gpu::trial(&gpu, name, None, test));
    };
    on("normalize: percentiles are exact", exact_percentiles);
    on("normalize: percentiles of a large plane are those of a sample", sampled_percentiles);
    on("normalize: random planes", random_intensities);
    on("normalize: tiles of random planes", random_normalized_tiles);
    on("normalize: many tiles", many_tiles);
    on("normalize: random planes smoothed and sharpened", random_radii);
    on("resize: random planes", random_sizes);
    on("resize: too large planes are refused", large_planes);
    on("tile, blend: random planes", random_tiles);
    on("network: from planes to planes", device_to_device);
    on("network: from planes to planes with small limits", small_limits);
    on("network: from planes to planes with little memory", little_memory);
    on("network: a recorder hears each step", recorded);
    on("network: wrong planes are refused", refusals);
    let mut of_stage = |stage: &str, test: fn(&Gpu, &Case) -> Result<(), Failed>| {
        for case in cases(stage, "cases.json") {
            let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
            let name = format!("{stage}: fixture {}", case.name());
            trials.push(gpu::trial(&gpu, name, missing, move |gpu| test(gpu, &case)));
        }
    };
    of_stage("normalize", normalize_case);
    of_stage("resize", resize_case);
    of_stage("tile", tile_case);
    of_stage("blend", blend_case);
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Holds values against others, and sees to it that one that is off by a hundredth is seen.
fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    let nudge = |values: &mut Vec<f32>| {
        let largest = values.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        let middle = values.len() / 2;
        values[middle] += largest / 100.0;
    };
    must_fail_when_perturbed(&ours.to_vec(), nudge, |values| agree::close(values, expected, ROUNDING))
}

fn need(expected: Option<Array>, name: &str) -> Result<Array, Failed> {
    expected.ok_or_else(|| format!("the case expects no {name}").into())
}

fn random_planes(random: &mut Random, channels: usize, height: usize, width: usize) -> Planes {
    Planes::new(random.vector(channels * height * width, -1.0, 2.0), channels, height, width).unwrap()
}

fn upload(gpu: &Gpu, planes: &Planes) -> Result<GpuPlanes, Error> {
    block_on(GpuPlanes::upload(gpu, planes))
}

/// numpy's `percentile`, from sorted values.
fn percentile(sorted: &[f32], q: f32) -> f32 {
    let rank = Rank::new(sorted.len(), q).unwrap();
    let (a, b) = (sorted[rank.below], sorted[rank.above]);
    if rank.gamma >= 0.5 { b - (b - a) * (1.0 - rank.gamma) } else { a + (b - a) * rank.gamma }
}

/// The percentiles of the samples of each channel, to the last bit, and that it is seen where they are another.
fn check_percentiles(gpu: &Gpu, planes: &Planes, low: f32, high: f32) -> Result<(), Failed> {
    let (height, width) = (planes.height(), planes.width());
    let [_, y, x] = steps([1, height, width]);
    let found = block_on(cytoshade_gpu::percentiles(gpu, &upload(gpu, planes)?, low, high))?;
    for (channel, &found) in found.iter().enumerate() {
        let rows = planes.plane(channel).chunks_exact(width).step_by(y);
        let mut sample: Vec<f32> = rows.flat_map(|row| row.iter().step_by(x)).copied().collect();
        sample.sort_unstable_by(f32::total_cmp);
        let (from, to) = (percentile(&sample, low), percentile(&sample, high));
        let same = |&(a, b): &(f32, f32)| {
            if a == from && b == to { Ok(()) } else { Err(format!("{a} {b}, expected {from} {to}")) }
        };
        must_fail_when_perturbed(&found, |(_, high)| *high = high.next_up(), same)
            .map_err(|e| format!("{height} x {width}, {low} {high}: {}", e.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn exact_percentiles(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(30);
    for (height, width) in [(1, 2), (7, 5), (64, 64), (211, 303)] {
        let mut planes = random_planes(&mut random, 3, height, width);
        // Many that are equal, in the second channel, and both zeros; few upper bits in common, in the third.
        for value in planes.plane_mut(1) {
            *value = if random.number(0.0, 1.0) < 0.2 { -0.0 } else { (*value * 4.0).round() };
        }
        let scale = |value: &mut f32| *value *= 10f32.powf(random.number(-6.0, 6.0));
        planes.plane_mut(2).iter_mut().for_each(scale);
        planes.plane_mut(1)[0] = -7.5;
        for (low, high) in [(1.0, 99.0), (0.0, 100.0), (0.3, 99.7), (49.9, 50.1), (33.3, 66.6)] {
            check_percentiles(gpu, &planes, low, high)?;
        }
    }
    Ok(())
}

fn sampled_percentiles(gpu: &Gpu) -> Result<(), Failed> {
    let (height, width) = (2500, 4700);
    let value = |at: usize| (((at / width * 73_856_093) ^ (at % width * 19_349_663)) % 4093) as f32;
    let planes = Planes::new((0..height * width).map(value).collect(), 1, height, width)?;
    check_percentiles(gpu, &planes, 1.0, 99.0)
}

/// Normalizes planes on the device and holds them against their twin.
fn check_normalized(gpu: &Gpu, planes: &Planes, params: &Params) -> Result<(), Failed> {
    let found = block_on(async {
        cytoshade_gpu::normalize(gpu, GpuPlanes::upload(gpu, planes).await?, params).await?.read(gpu).await
    })?;
    let mut twin = Volume::from(planes.clone());
    normalize::normalize(&mut twin, params)?;
    for channel in 0..planes.channels() {
        if twin.channel(channel).iter().all(|&value| value == 0.0) {
            assert_eq!(found.plane(channel), twin.channel(channel), "a channel without signal");
        } else {
            close(found.plane(channel), twin.channel(channel))?;
        }
    }
    Ok(())
}

fn random_intensities(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(31);
    let options = [
        Normalize::Percentile { low: 1.0, high: 99.0 },
        Normalize::Percentile { low: 0.0, high: 100.0 },
        Normalize::Range { low: -0.5, high: 1.7 },
        Normalize::Range { low: 10_000.3, high: 10_001.1 },
        Normalize::Ranges(vec![(0.1, 0.2), (-3.0, 3.0), (5.0, 6.0), (0.0, 1.0)]),
        Normalize::Off,
    ];
    for (height, width) in [(1, 3), (37, 53), (128, 200)] {
        let mut planes = random_planes(&mut random, 4, height, width);
        // Constant, and without contrast.
        planes.plane_mut(1).fill(3.0);
        planes.plane_mut(2).iter_mut().for_each(|value| *value = 5.0 + *value * 1e-5);
        planes.plane_mut(3).iter_mut().for_each(|value| *value += 10_000.0);
        for normalize in options.clone() {
            for invert in [false, true] {
                if invert && matches!(normalize, Normalize::Off) {
                    continue;
                }
                let params = Params::new().normalize(normalize.clone()).invert(invert);
                check_normalized(gpu, &planes, &params)
                    .map_err(|e| format!("{height} x {width}, {params:?}: {}", e.message().unwrap_or_default()))?;
            }
        }
    }
    let planes = upload(gpu, &Planes::zeros(2, 4, 4))?;
    let params = Params::new().normalize(Normalize::Ranges(vec![(0.0, 1.0)]));
    let error = block_on(cytoshade_gpu::normalize(gpu, planes, &params)).err();
    assert_eq!(error, Some(Error::Length { what: "norm_range", found: 1, expected: 2 }));
    Ok(())
}

/// Planes under a light that falls off to one side: a third channel is constant, and a corner of the second one. The
/// darkest contrast is a tenth of its level: rounding is of the level, and what normalizes enlarges it with the contrast.
fn uneven(random: &mut Random, height: usize, width: usize) -> Planes {
    let mut planes = random_planes(random, 3, height, width);
    let light = |at: usize| 10f32.powf(3.0 * (at % width) as f32 / width as f32);
    planes.plane_mut(0).iter_mut().enumerate().for_each(|(at, value)| *value = 20.0 + *value * light(at));
    let in_corner = |at: usize| at / width < height / 2 && at % width < width / 2;
    planes.plane_mut(1).iter_mut().enumerate().filter(|(at, _)| in_corner(*at)).for_each(|(_, value)| *value = 7.0);
    planes.plane_mut(2).fill(3.0);
    planes
}

fn random_normalized_tiles(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(37);
    for (height, width, tile_norm_blocksize) in
        [(1, 3, 2), (37, 53, 10), (53, 37, 16), (61, 130, 7), (70, 90, 500), (40, 300, 64), (23, 40, 2)]
    {
        let planes = uneven(&mut random, height, width);
        for (low, high, tile_norm_smooth3d) in [(1.0, 99.0, 1.0), (0.0, 100.0, 0.0), (12.0, 70.0, 2.5)] {
            for norm3d in [true, false] {
                let normalize = Normalize::Percentile { low, high };
                let params = Params::new()
                    .normalize(normalize)
                    .norm3d(norm3d)
                    .tile_norm_blocksize(tile_norm_blocksize)
                    .tile_norm_smooth3d(tile_norm_smooth3d);
                check_normalized(gpu, &planes, &params)
                    .map_err(|e| format!("{height} x {width}, {params:?}: {}", e.message().unwrap_or_default()))?;
            }
        }
    }
    Ok(())
}

/// More tiles than are counted at once; and where hardly more than the planes themselves has room.
fn many_tiles(gpu: &Gpu) -> Result<(), Failed> {
    let planes = uneven(&mut Random(39), 70, 100);
    check_normalized(gpu, &planes, &Params::new().tile_norm_blocksize(2))?;
    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 12 * 70 * 100))?;
    let params = Params::new().sharpen_radius(4.0).tile_norm_blocksize(10);
    check_normalized(&small, &planes, &params)
}

fn random_radii(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(38);
    for (height, width) in [(1, 9), (9, 1), (37, 53), (64, 64), (130, 31)] {
        let planes = uneven(&mut random, height, width);
        for (smooth_radius, sharpen_radius) in [(1.0, 0.0), (0.0, 3.0), (1.5, 6.0), (0.0, 70.0), (30.0, 0.0)] {
            if smooth_radius > height as f32 {
                // No contrast would be left to compare.
                continue;
            }
            for (invert, tile_norm_blocksize) in [(false, 0), (true, 0), (false, 20)] {
                let params = Params::new()
                    .smooth_radius(smooth_radius)
                    .sharpen_radius(sharpen_radius)
                    .invert(invert)
                    .tile_norm_blocksize(tile_norm_blocksize);
                check_normalized(gpu, &planes, &params)
                    .map_err(|e| format!("{height} x {width}, {params:?}: {}", e.message().unwrap_or_default()))?;
            }
        }
    }
    Ok(())
}

fn normalize_case(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let params = eval::params(case);
    // Large planes have a test of their own.
    if !case.extra("formula").is_null() || !cytoshade_gpu::normalizes(&params, case.input("planes").volume().channels())
    {
        return Ok(());
    }
    let input = case.input("planes").volume();
    if input.depth() > 1 {
        return Ok(());
    }
    let input = Planes::from(input);
    let ours = block_on(async {
        cytoshade_gpu::normalize(gpu, GpuPlanes::upload(gpu, &input).await?, &params).await?.read(gpu).await
    })?;
    let expected = need(case.expected("planes"), "planes")?.volume();
    for channel in 0..input.channels() {
        let constant = input.plane(channel).windows(2).all(|w| w[0] == w[1]);
        if constant && matches!(params.normalize, Normalize::Percentile { .. }) {
            // The reference leaves a constant channel as it is; here it becomes zero.
            assert!(ours.plane(channel).iter().all(|&value| value == 0.0), "a constant channel is not zero");
        } else {
            close(ours.plane(channel), expected.channel(channel))?;
        }
    }
    Ok(())
}

fn resized(gpu: &Gpu, planes: &Planes, height: usize, width: usize) -> Result<Planes, Error> {
    block_on(async {
        cytoshade_gpu::bilinear(gpu, &GpuPlanes::upload(gpu, planes).await?, height, width).await?.read(gpu).await
    })
}

fn random_sizes(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(32);
    for (channels, from, to) in [
        (1, (1, 1), (3, 5)),
        (2, (31, 17), (1, 1)),
        (3, (23, 41), (70, 64)),
        (3, (100, 64), (33, 200)),
        (2, (64, 64), (64, 64)),
        // Far from the origin f32 would not be enough for places.
        (1, (2, 9001), (3, 20_003)),
    ] {
        let planes = random_planes(&mut random, channels, from.0, from.1);
        let found = resized(gpu, &planes, to.0, to.1)?;
        assert_eq!((found.channels(), found.height(), found.width()), (channels, to.0, to.1));
        close(found.as_slice(), resize::bilinear(&planes, to.0, to.1).as_slice())
            .map_err(|e| format!("{from:?} to {to:?}: {}", e.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn large_planes(gpu: &Gpu) -> Result<(), Failed> {
    let allowed = 4 * 64 * 64;
    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), allowed))?;
    let limit = "maxStorageBufferBindingSize";
    let error = upload(&small, &Planes::zeros(1, 64, 65)).err();
    assert_eq!(error, Some(Error::Limit { what: "planes", needed: 4 * 64 * 65, limit, allowed }));
    let planes = upload(&small, &Planes::zeros(1, 64, 64))?;
    let error = block_on(cytoshade_gpu::bilinear(&small, &planes, 128, 64)).err();
    assert_eq!(error, Some(Error::Limit { what: "resized planes", needed: 8 * 64 * 64, limit, allowed }));
    Ok(())
}

fn resize_case(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    if case.param("interpolation") == "nearest" {
        return Ok(());
    }
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let expected = need(case.expected("image"), "image")?;
    close(resized(gpu, &case.input("image").planes(), height, width)?.as_slice(), &expected.f32())
}

/// All tiles, cut in two pieces; and that a pixel that is another is seen.
fn check_cut(gpu: &Gpu, planes: &Planes, tile_layout: &TileLayout, expected: &[f32]) -> Result<(), Failed> {
    let tiled = block_on(TiledPlanes::new(gpu, upload(gpu, planes)?, tile_layout, 3))?;
    let (all, half) = (tiled.tiles(), tiled.tiles() / 2);
    let cut = |tiles| block_on(async { cytoshade_gpu::cut(gpu, &tiled, tiles).await?.read(gpu).await });
    let mut found = cut(0..half)?;
    found.extend(cut(half..all)?);
    let perturb = |tiles: &mut Vec<f32>| tiles[0] += 1.0;
    must_fail_when_perturbed(&found, perturb, |tiles| agree::close(tiles, expected, 0.0))
}

/// All tiles, blended in two pieces.
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
    close(block_on(tiled.outputs().read(gpu))?.as_slice(), expected.as_slice())
}

fn blended(tile_layout: &TileLayout, nout: usize, (height, width): (usize, usize), tiles: &[f32]) -> Planes {
    let mut blend = Blend::new(tile_layout.clone(), nout, height, width);
    let each = nout * tile_layout.tiling.height * tile_layout.tiling.width;
    tile_layout.tiling.tiles.iter().zip(tiles.chunks_exact(each)).for_each(|(tile, output)| blend.add(tile, output));
    blend.finish()
}

fn random_tiles(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(33);
    for (channels, nout, height, width, bsize, overlap, augment) in [
        (2, 3, 70, 90, 32, 0.1, false),
        (2, 3, 70, 90, 32, 0.1, true),
        (1, 4, 40, 130, 48, 0.5, false),
        (3, 7, 65, 33, 48, 0.25, true),
        // Smaller than a tile: starts that are equal, where it is augmented.
        (2, 3, 9, 11, 64, 0.1, true),
        (5, 1, 9, 11, 64, 0.1, false),
        (2, 3, 10, 300, 96, 0.1, true),
    ] {
        let name = format!("{height} x {width}, {bsize}, {augment}");
        let at = |e: Failed| format!("{name}: {}", e.message().unwrap_or_default());
        let planes = random_planes(&mut random, channels, height, width);
        let tile_layout = TileLayout::new(height, width, 16, bsize, overlap, augment);
        let cut = tile::cut(&tile_layout, &planes, &tile_layout.tiling.tiles);
        check_cut(gpu, &planes, &tile_layout, &cut).map_err(at)?;
        let Tiling { height: tile_height, width: tile_width, tiles } = &tile_layout.tiling;
        let outputs = random.vector(tiles.len() * nout * tile_height * tile_width, -5.0, 5.0);
        let expected = blended(&tile_layout, nout, (height, width), &outputs);
        check_blended(gpu, &planes, &tile_layout, &outputs, &expected).map_err(at)?;
    }
    Ok(())
}

const NONE: Pad = Pad { before: 0, after: 0 };

fn tile_case(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let planes = case.input("planes").planes();
    let (bsize, overlap) = (case.number("bsize") as usize, case.number("tile_overlap"));
    let (height, width) = (planes.height(), planes.width());
    let tiling = if case.flag("augment") {
        Tiling::augmented(height, width, bsize)
    } else {
        Tiling::new(height, width, bsize, overlap)
    };
    let tile_layout = TileLayout { pad_y: NONE, pad_x: NONE, tiling };
    check_cut(gpu, &planes, &tile_layout, &need(case.expected("tiles"), "tiles")?.f32())
}

fn blend_case(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let tiles = case.input("tiles");
    let (tile_height, tile_width) = tiles.size();
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let (ystart, xstart) = (numbers(case.param("ystart")), numbers(case.param("xstart")));
    let augment = case.flag("augment");
    let mut places = Vec::new();
    for (j, &y) in ystart.iter().enumerate() {
        for (i, &x) in xstart.iter().enumerate() {
            places.push(Tile { y, x, flip_y: augment && i % 2 == 1, flip_x: augment && j % 2 == 1 });
        }
    }
    let tiling = Tiling { height: tile_height, width: tile_width, tiles: places };
    let tile_layout = TileLayout { pad_y: NONE, pad_x: NONE, tiling };
    let expected = need(case.expected("planes"), "planes")?.planes();
    check_blended(gpu, &Planes::zeros(1, height, width), &tile_layout, &tiles.f32(), &expected)
}

/// Some planes of one tile size through the network: batches of `batch` tiles, of several planes where they have few,
/// two of them in work at a time. Returns each one's outputs and the styles of its tiles.
fn through(
    network: &Network,
    gpu: &Gpu,
    tiled: &[TiledPlanes],
    batch: usize,
) -> Result<Vec<(Planes, Vec<f32>)>, Failed> {
    let tiles: Vec<(usize, usize)> =
        tiled.iter().enumerate().flat_map(|(at, tiled)| (0..tiled.tiles()).map(move |tile| (at, tile))).collect();
    let (mut styles, mut flights) = (Vec::new(), VecDeque::new());
    for now in tiles.chunks(batch) {
        let parts: Vec<_> = now
            .chunk_by(|a, b| a.0 == b.0)
            .map(|part| (&tiled[part[0].0], part[0].1..part[part.len() - 1].1 + 1))
            .collect();
        flights.extend(block_on(network.start(&parts, None))?);
        while flights.len() > 2 {
            styles.extend(block_on(flights.pop_front().ok_or("no flight")?.styles(None))?);
        }
    }
    for flight in flights {
        styles.extend(block_on(flight.styles(None))?);
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
        let cuttings: Vec<TileLayout> = planes
            .iter()
            .map(|planes| TileLayout::new(planes.height(), planes.width(), 16, 48, 0.1, augment))
            .collect();
        let mut expected = Vec::new();
        for (planes, tile_layout) in planes.iter().zip(&cuttings) {
            let Tiling { height, width, tiles } = &tile_layout.tiling;
            let cut = tile::cut(tile_layout, planes, tiles);
            let batch = block_on(network.run(&cut, tiles.len(), *height, *width))?;
            let blended = blended(tile_layout, 3, (planes.height(), planes.width()), &batch.outputs);
            expected.push((blended, batch.styles));
        }
        for &batch in batches {
            let tiled: Result<Vec<TiledPlanes>, Error> = planes
                .iter()
                .zip(&cuttings)
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

/// Batches that the device does not allow at once.
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

/// Batches that are halved: there is memory for two tiles.
fn little_memory(gpu: &Gpu) -> Result<(), Failed> {
    let mut device_options = DeviceOptions::default();
    device_options.faults.memory = Some(2 * 4 * 8 * 48 * 48);
    let little = block_on(Gpu::open_with(Choice::Named(gpu.info().name.clone()), &device_options))?;
    check_network(&little, Options::default(), &[5])
}

/// As many dispatches as ARCHITECTURE.md states, in their order, where the device has a clock.
fn recorded(gpu: &Gpu) -> Result<(), Failed> {
    let network = block_on(Network::new(gpu, &Random(36).cpnet(&[2, 4, 8, 12, 16], 3).network()))?;
    let tile_layout = TileLayout::new(64, 64, 16, 48, 0.1, false);
    let tiled = block_on(network.tiled(upload(gpu, &Planes::zeros(2, 64, 64))?, &tile_layout))?;
    let recorder = Recorder::new();
    for tiles in [0..1, 1..4] {
        for flight in block_on(network.start(&[(&tiled, tiles)], Some(&recorder)))? {
            block_on(flight.styles(Some(&recorder)))?;
        }
    }
    let heard = recorder.take();
    if heard.missing.is_some() {
        return Ok(());
    }
    assert_eq!(heard.batches.iter().map(|batch| batch.tiles).collect::<Vec<_>>(), [1, 3]);
    for batch in &heard.batches {
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
