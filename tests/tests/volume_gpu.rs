//! The stages of a stack that is segmented in 3-D, on the best adapter there is, a software one too: against the reference's
//! fixtures, and against the CPU's stages of the same names, which are held to the reference by themselves.

use cytoshade_core::{Axis, LabelVolume, Normalize, Params, Volume};
use cytoshade_cpu::{normalize as cpu_normalize, volume as cpu};
use cytoshade_gpu::volume::{self, GpuEndPoints, GpuVolume, masks};
use cytoshade_gpu::{Choice, DeviceOptions, Error, Gpu};
use cytoshade_tests::fixtures::{Case, NEEDS_TEST_DATA, cases};
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
    on("slice: random stacks", slices);
    on("normalize: random stacks", random_stacks);
    on("normalize: a large stack's percentiles are those of a sample", sampled_stack);
    on("resize: random stacks", random_sizes);
    on("smooth: random stacks", random_sigmas);
    on("resize, smooth: what is too large is refused", refused_sizes);
    on("follow_flows: random flows", random_flows);
    on("follow_flows: stacks of few voxels", few_voxels);
    on("follow_flows: flows that are not numbers stay in the stack", not_numbers);
    on("follow_flows: wrong sizes and too large stacks are refused", refusals);
    on("masks: random end points", random_end_points);
    on("masks: more seeds than a row of workgroups", many_seeds);
    on("masks: no voxel takes part", no_voxels);
    on("follow_flows: too little memory", little_memory);
    for case in cases("volume", "dynamics_cases.json") {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let name = format!("follow_flows and masks: fixture {}", case.name());
        trials.push(gpu::trial(&gpu, name, missing, move |gpu| fixture(gpu, &case)));
    }
    for case in cases("normalize", "cases.json").into_iter().filter(|case| case.name().starts_with("uneven_stack")) {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let name = format!("normalize: fixture {}", case.name());
        trials.push(gpu::trial(&gpu, name, missing, move |gpu| normalize_case(gpu, &case)));
    }
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

fn random_stack(random: &mut Random, channels: usize, [depth, height, width]: [usize; 3]) -> Volume {
    let mut values = random.vector(channels * depth * height * width, 0.0, 10.0);
    // A light that falls off along the rows, and layers that become brighter.
    for (at, value) in values.iter_mut().enumerate() {
        *value *= 1.0 + (at / height / width % depth) as f32 + 20.0 * (at % width) as f32 / width as f32;
    }
    Volume::new(values, channels, depth, height, width).unwrap()
}

fn upload(gpu: &Gpu, volume: &Volume) -> Result<GpuVolume, Error> {
    block_on(GpuVolume::upload(gpu, volume))
}

fn slices(gpu: &Gpu) -> Result<(), Failed> {
    let volume = random_stack(&mut Random(50), 3, [4, 5, 7]);
    let there = upload(gpu, &volume)?;
    assert_eq!((block_on(there.read(gpu))?, there.size(), there.channels()), (volume.clone(), [4, 5, 7], 3));
    for axis in [Axis::Z, Axis::Y, Axis::X] {
        for at in 0..volume.length(axis) {
            let found = block_on(async { there.slice(gpu, axis, at).await?.read(gpu).await })?;
            assert_eq!(found, volume.slice(axis, at), "{axis:?} {at}");
        }
        let (found, expected) = (volume.length(axis), volume.length(axis) + 1);
        let error = block_on(there.slice(gpu, axis, found)).err();
        assert_eq!(error, Some(Error::Length { what: "an axis of the stack", found, expected }));
    }
    Ok(())
}

/// Normalizes a stack on the device and holds it against its twin.
fn check_normalized(gpu: &Gpu, stack: &Volume, params: &Params) -> Result<(), Failed> {
    let found = block_on(async { volume::normalize(gpu, upload(gpu, stack)?, params).await?.read(gpu).await })?;
    let mut twin = stack.clone();
    cpu_normalize::normalize(&mut twin, params)?;
    for channel in 0..stack.channels() {
        close(found.channel(channel), twin.channel(channel))
            .map_err(|e| format!("{:?}, {params:?}: {}", stack.size(), e.message().unwrap_or_default()))?;
    }
    Ok(())
}

fn random_stacks(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(51);
    let default = Params::default();
    let options = [
        default.clone(),
        default.clone().invert(true).normalize(Normalize::Percentile { low: 3.0, high: 90.0 }),
        default.clone().norm3d(false),
        default.clone().smooth_radius(1.2).sharpen_radius(4.0),
        default.clone().smooth_radius(2.0).norm3d(false),
        default.clone().tile_norm_blocksize(8),
        default.clone().tile_norm_blocksize(11).tile_norm_smooth3d(3.0).sharpen_radius(3.0),
        default.clone().normalize(Normalize::Range { low: 3.0, high: 90.0 }).invert(true).norm3d(false),
    ];
    for (channels, size) in [(2, [5, 19, 23]), (1, [1, 30, 17]), (2, [13, 9, 40])] {
        let stack = random_stack(&mut random, channels, size);
        for params in &options {
            assert!(volume::normalizes(params, channels, size[0]), "{params:?}");
            check_normalized(gpu, &stack, params)?;
        }
    }
    // A stack whose layers have percentiles of their own is not inverted there, nor normalized by tiles.
    for params in [default.clone().norm3d(false).invert(true), default.norm3d(false).tile_norm_blocksize(8)] {
        assert!(!volume::normalizes(&params, 1, 2) && volume::normalizes(&params, 1, 1), "{params:?}");
    }
    Ok(())
}

/// Every other layer, and every n-th row and column of it.
fn sampled_stack(gpu: &Gpu) -> Result<(), Failed> {
    let size = [101, 250, 480];
    let value = |at: usize| (((at / 480 * 73_856_093) ^ (at % 480 * 19_349_663)) % 4093) as f32;
    let values: Vec<f32> = (0..size.iter().product()).map(value).collect();
    let stack = Volume::new(values, 1, size[0], size[1], size[2])?;
    check_normalized(gpu, &stack, &Params::default())
}

fn normalize_case(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (params, stack) = (eval::params(case), case.input("planes").volume());
    if !volume::normalizes(&params, stack.channels(), stack.depth()) {
        return Ok(());
    }
    let found = block_on(async { volume::normalize(gpu, upload(gpu, &stack)?, &params).await?.read(gpu).await })?;
    let expected = case.expected("planes").ok_or("the case expects no planes")?.f32();
    close(found.as_slice(), &expected)
}

fn random_sizes(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(52);
    for (from, to) in [
        ([3, 7, 9], [5, 7, 9]),
        ([3, 7, 9], [3, 12, 5]),
        ([9, 20, 13], [4, 31, 40]),
        ([1, 8, 8], [6, 3, 3]),
        ([5, 6, 7], [1, 1, 1]),
        ([4, 5, 6], [4, 5, 6]),
    ] {
        let stack = random_stack(&mut random, 3, from);
        let found = block_on(async { volume::linear_resize(gpu, upload(gpu, &stack)?, to).await?.read(gpu).await })?;
        assert_eq!(found.size(), to);
        close(found.as_slice(), cpu::resize::linear(stack, to).as_slice())?;
    }
    Ok(())
}

fn random_sigmas(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(53);
    for (size, sigma) in [([5, 19, 23], 1.0), ([3, 4, 50], 2.5), ([40, 8, 9], 0.6), ([6, 7, 8], 0.0), ([1, 2, 33], 4.0)]
    {
        let mut stack = random_stack(&mut random, 4, size);
        stack.as_mut_slice().iter_mut().for_each(|value| *value -= 50.0);
        let found = block_on(async {
            let there = upload(gpu, &stack)?;
            volume::smooth(gpu, &there, 3, sigma).await?;
            there.read(gpu).await
        })?;
        close(found.as_slice(), cpu::smooth::smooth(stack.clone(), 3, sigma).as_slice())?;
        assert_eq!(found.channel(3), stack.channel(3));
    }
    Ok(())
}

fn refused_sizes(gpu: &Gpu) -> Result<(), Failed> {
    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 4 * 4 * 720))?;
    let there = upload(&small, &Volume::zeros(4, 8, 9, 10))?;
    for size in [[9, 9, 10], [8, 10, 10], [8, 9, 11]] {
        let error = block_on(volume::linear_resize(&small, there.clone(), size)).err();
        assert!(matches!(error, Some(Error::Limit { .. })), "{size:?}: {error:?}");
    }
    assert!(block_on(GpuVolume::upload(&small, &Volume::zeros(4, 8, 9, 11))).is_err());
    let error = block_on(volume::smooth(&small, &there, 3, 200.0)).err();
    assert!(matches!(error, Some(Error::Limit { needed: 1601, allowed: 1024, .. })), "{error:?}");
    Ok(())
}

/// [`volume::follow_flows`] of flows and cellprob that are on the host.
async fn follow_flows(
    gpu: &Gpu,
    flows: &Volume,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<GpuEndPoints, Error> {
    let ([depth, height, width], values) = (flows.size(), [flows.as_slice(), cellprob].concat());
    let sums = Volume::new(values, flows.channels() + 1, depth, height, width).expect("cellprob has the flows' size");
    volume::follow_flows(gpu, &GpuVolume::upload(gpu, &sums).await?, threshold, niter, interp).await
}

/// Smooth flows with noise, and a cellprob with holes.
fn scene(random: &mut Random, size: [usize; 3]) -> (Volume, Vec<f32>) {
    let [depth, height, width] = size;
    let waves = [0; 3].map(|_| random.number(0.1, 0.5));
    let mut flows = Volume::zeros(3, depth, height, width);
    let mut cellprob = Vec::new();
    for at in 0..depth * height * width {
        let place = [at / width / height, at / width % height, at % width];
        let phases = [0, 1, 2].map(|axis| place[axis] as f32 * waves[axis]);
        for (axis, phase) in phases.iter().enumerate() {
            flows.channel_mut(axis)[at] = 5.0 * phase.sin() + random.number(-0.5, 0.5);
        }
        cellprob.push(2.0 * phases.iter().sum::<f32>().sin() + random.number(-1.0, 1.0));
    }
    (flows, cellprob)
}

fn check(
    gpu: &Gpu,
    (flows, cellprob): (&Volume, &[f32]),
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<(), Failed> {
    let told = || format!("{:?}, {threshold}, {niter}, {interp}", flows.size());
    let expected = cpu::follow_flows::follow_flows(flows, cellprob, threshold, niter, interp)?;
    let found = block_on(follow_flows(gpu, flows, cellprob, threshold, niter, interp))?;
    let (voxels, points) = block_on(found.read(gpu))?;
    if voxels != expected.voxels {
        return Err(format!("{}: other voxels take part", told()).into());
    }
    agree::points_with_twin(&points, &expected.points)
        .map_err(|failed| format!("{}: {}", told(), failed.message().unwrap_or_default()))?;
    let again = block_on(GpuEndPoints::upload(gpu, &voxels, &points, flows.size()))?;
    if block_on(again.read(gpu))? == (voxels, points) { Ok(()) } else { Err("not the same when brought back".into()) }
}

fn random_flows(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(40);
    for size in [[12, 30, 37], [33, 9, 20]] {
        let (flows, cellprob) = scene(&mut random, size);
        // What circles near a sink is left anywhere by rounding, so that long ways are not compared.
        for (threshold, niter, interp) in
            [(0.0, 0, true), (0.0, 1, true), (0.5, 20, true), (-9.0, 50, true), (0.0, 1, false), (-9.0, 101, false)]
        {
            check(gpu, (&flows, &cellprob), threshold, niter, interp)?;
        }
    }
    Ok(())
}

fn few_voxels(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(41);
    for size in [[2, 2, 2], [2, 2, 9], [9, 2, 2], [2, 17, 2]] {
        let (flows, _) = scene(&mut random, size);
        let cellprob = vec![1.0; flows.voxels()];
        for interp in [true, false] {
            check(gpu, (&flows, &cellprob), 0.0, 3, interp)?;
        }
    }
    Ok(())
}

fn not_numbers(gpu: &Gpu) -> Result<(), Failed> {
    let size = [3, 5, 6];
    let strange = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30];
    let values = (0..3 * 90).map(|at| strange[at % 4]).collect();
    let flows = Volume::new(values, 3, size[0], size[1], size[2])?;
    for interp in [true, false] {
        let ends = block_on(follow_flows(gpu, &flows, &[1.0; 90], 0.0, 60, interp))?;
        // Each has a bin, and nothing is lost.
        block_on(masks(gpu, &ends))?;
        assert_eq!(block_on(ends.read(gpu))?.0.len(), 90);
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Result<(), Failed> {
    let told = |gpu: &Gpu, channels, [depth, height, width]: [usize; 3]| {
        let flows = Volume::zeros(channels, depth, height, width);
        block_on(follow_flows(gpu, &flows, &vec![1.0; flows.voxels()], 0.0, 1, true)).err()
    };
    let length = |what, found, expected| Some(Error::Length { what, found, expected });
    assert_eq!(told(gpu, 2, [2, 3, 4]), length("flows and cellprob", 3, 4));
    assert_eq!(told(gpu, 3, [2, 1, 4]), length("a side of the stack", 1, 2));
    let upload =
        |voxels: &[u32], points: &[[f32; 3]]| block_on(GpuEndPoints::upload(gpu, voxels, points, [2, 3, 4])).err();
    assert_eq!(upload(&[1, 2], &[[0.0; 3]]), length("points", 1, 2));
    assert_eq!(upload(&[24], &[[0.0; 3]]), length("the stack of a voxel", 24, 24));
    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 16 * 8 * 9 * 10))?;
    assert_eq!(told(&small, 3, [8, 9, 10]), None);
    assert!(matches!(told(&small, 3, [8, 9, 11]), Some(Error::Limit { needed: 12_672, allowed: 11_520, .. })));
    Ok(())
}

/// The masks of end points of all voxels, held to the CPU's: the same labels.
fn same_masks(gpu: &Gpu, size: [usize; 3], points: Vec<[f32; 3]>) -> Result<(), Failed> {
    let voxels: Vec<u32> = (0..points.len() as u32).collect();
    let ends = block_on(GpuEndPoints::upload(gpu, &voxels, &points, size))?;
    let mut found = LabelVolume::new(block_on(masks(gpu, &ends))?, size[0], size[1], size[2])?;
    cpu::masks::number(&mut found, 0.4);
    let expected = cpu::masks::masks(&cpu::follow_flows::EndPoints { voxels, points }, size, 0.4);
    agree::equal_with_twin(found.as_slice(), expected.as_slice(), "labels")
}

fn random_end_points(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(42);
    for (size, sinks, spread) in [([12, 20, 33], 30, 1.5), ([40, 14, 17], 12, 4.0), ([2, 2, 2], 1, 0.5)] {
        let place = |random: &mut Random| size.map(|side| random.number(0.0, side as f32));
        let sinks: Vec<[f32; 3]> = (0..sinks).map(|_| place(&mut random)).collect();
        let points = (0..size.iter().product::<usize>()).map(|at| {
            // Between the sinks, and at the stack's borders.
            let mut point = sinks[at % sinks.len()];
            for (axis, at) in point.iter_mut().enumerate() {
                *at = (*at + random.number(-spread, spread)).clamp(0.0, size[axis] as f32 - 1.0);
            }
            point
        });
        same_masks(gpu, size, points.collect())?;
    }
    Ok(())
}

/// As many as can be: in each of the bins that are 3 apart, 27 voxels end.
fn many_seeds(gpu: &Gpu) -> Result<(), Failed> {
    let size = [9usize, 390, 510];
    let points = (0..size.iter().product::<usize>()).map(|at| {
        let place = [at / size[2] / size[1], at / size[2] % size[1], at % size[2]];
        place.map(|at| (at / 3 * 3 + 1) as f32)
    });
    same_masks(gpu, size, points.collect())
}

fn no_voxels(gpu: &Gpu) -> Result<(), Failed> {
    let ends = block_on(GpuEndPoints::upload(gpu, &[], &[], [3, 4, 5]))?;
    assert_eq!(block_on(masks(gpu, &ends))?, vec![0; 60]);
    assert_eq!(block_on(ends.read(gpu))?, (Vec::new(), Vec::new()));
    Ok(())
}

fn little_memory(gpu: &Gpu) -> Result<(), Failed> {
    let (flows, cellprob) = scene(&mut Random(43), [4, 10, 10]);
    let mut device_options = DeviceOptions::default();
    device_options.faults.memory = Some(16 * 399);
    let little = block_on(Gpu::open_with(Choice::Named(gpu.info().name.clone()), &device_options))?;
    let found = block_on(follow_flows(&little, &flows, &cellprob, 0.0, 10, true)).err();
    assert!(matches!(found, Some(Error::OutOfMemory { .. })), "{found:?}");
    Ok(())
}

/// Whether each voxel comes to rest: its end point stays where the reference has it, whatever flows are off by as much as
/// rounding puts them. Others circle round their sinks for ever, and are left anywhere on their way.
fn at_rest(case: &Case, points: &[[f32; 3]]) -> Result<Vec<bool>, Failed> {
    let (flows, cellprob) = (case.input("flows").volume(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    let (mut random, mut rest) = (Random(44), vec![true; points.len()]);
    for _ in 0..4 {
        let mut flows = flows.clone();
        flows.as_mut_slice().iter_mut().for_each(|flow| *flow *= 1.0 + random.number(-2e-7, 2e-7));
        let moved = cpu::follow_flows::follow_flows(&flows, &cellprob, threshold, niter, case.flag("interp"))?;
        for ((rest, a), b) in rest.iter_mut().zip(&moved.points).zip(points) {
            *rest &= a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>() <= 1e-4;
        }
    }
    Ok(rest)
}

/// Each intermediate from the reference's own input to it.
fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (flows, cellprob) = (case.input("flows").volume(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    let mut ends = block_on(follow_flows(gpu, &flows, &cellprob, threshold, niter, case.flag("interp")))?;
    if let Some(points) = case.expected("endpoints") {
        let (points, (voxels, found)) = (points.points(), block_on(ends.read(gpu))?);
        let rest = at_rest(case, &points)?;
        let of = |points: &[[f32; 3]]| points.iter().zip(&rest).filter(|(_, rest)| **rest).map(|(p, _)| *p).collect();
        let (ours, theirs): (Vec<_>, Vec<_>) = (of(&found), of(&points));
        if found.len() != points.len() || theirs.len() < points.len() * 9 / 10 {
            return Err(format!("{} points of {}, {} at rest", found.len(), points.len(), theirs.len()).into());
        }
        agree::points_with_twin(&ours, &theirs)?;
        // Those that are not at rest are still in the same voxels.
        let bins = |points: &[[f32; 3]]| points.iter().map(|point| point.map(f32::floor)).collect::<Vec<_>>();
        agree::points_with_twin(&bins(&found), &bins(&points))?;
        ends = block_on(GpuEndPoints::upload(gpu, &voxels, &points, flows.size()))?;
    }
    let [depth, height, width] = flows.size();
    let mut labels = LabelVolume::new(block_on(masks(gpu, &ends))?, depth, height, width)?;
    cpu::masks::number(&mut labels, case.number("max_size_fraction"));
    let expected = case.expected("masks").ok_or("the case expects no masks")?.u32();
    agree::masks_with_twin(labels.as_slice(), &expected)
}
