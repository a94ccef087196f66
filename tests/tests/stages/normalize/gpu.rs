//! Stage `normalize` of images on the GPU; percentiles equal numpy's to the last bit.

use cytoshade_core::percentile::{Rank, steps};
use cytoshade_core::{Normalize, Params, Planes, Volume};
use cytoshade_cpu::normalize;
use cytoshade_gpu::{Choice, Error, Gpu, GpuPlanes};
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use cytoshade_tests::{eval, must_fail_when_perturbed};
use libtest_mimic::Failed;
use pollster::block_on;

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("percentiles are exact", exact_percentiles);
    group.test("percentiles of a large plane are those of a sample", sampled_percentiles);
    group.test("random planes", random_intensities);
    group.test("tiles of random planes", random_normalized_tiles);
    group.test("many tiles", many_tiles);
    group.test("random planes smoothed and sharpened", random_radii);
    group.fixtures("normalize", "cases.json", &["planes", "samples"], fixture);
}

fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    agree::close_with_twin(ours, expected, ROUNDING)
}

pub(crate) fn random_planes(random: &mut Random, channels: usize, height: usize, width: usize) -> Planes {
    Planes::new(random.vector(channels * height * width, -1.0, 2.0), channels, height, width).unwrap()
}

pub(crate) fn upload(gpu: &Gpu, planes: &Planes) -> Result<GpuPlanes, Error> {
    block_on(GpuPlanes::upload(gpu, planes))
}

/// numpy's `percentile`, from sorted values.
fn percentile(sorted: &[f32], q: f32) -> f32 {
    let rank = Rank::new(sorted.len(), q).unwrap();
    let (a, b) = (sorted[rank.below], sorted[rank.above]);
    if rank.gamma >= 0.5 { b - (b - a) * (1.0 - rank.gamma) } else { a + (b - a) * rank.gamma }
}

/// Compares the percentiles of each channel's sample, to the last bit. Must fail on the next number.
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
        // Many equal values and both zeros in the second channel, few common upper bits in the third.
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

/// Normalizes planes on the device and compares them with the CPU's.
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
        // A constant channel, and one without contrast.
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

/// Planes under light that falls off to one side.
///
/// A third channel is constant, and so is a corner of the second one. The weakest contrast is a tenth of its level:
/// rounding is relative to the level, and normalization amplifies it with the contrast.
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

/// More tiles than are counted together, and a device with room for little more than the planes.
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
                // No contrast would remain to compare.
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

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
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
    let expected = case.require("planes")?.volume();
    for channel in 0..input.channels() {
        let constant = input.plane(channel).windows(2).all(|w| w[0] == w[1]);
        if constant && matches!(params.normalize, Normalize::Percentile { .. }) {
            // The reference keeps a constant channel; here it becomes zero.
            assert!(ours.plane(channel).iter().all(|&value| value == 0.0), "a constant channel is not zero");
        } else {
            close(ours.plane(channel), expected.channel(channel))?;
        }
    }
    Ok(())
}
