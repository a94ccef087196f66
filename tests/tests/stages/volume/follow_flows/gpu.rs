//! Stage `follow_flows` of stacks on the GPU.

use cytoshade_core::Volume;
use cytoshade_cpu::volume as cpu;
use cytoshade_gpu::volume::{self, GpuEndPoints, GpuVolume, masks};
use cytoshade_gpu::{Choice, DeviceOptions, Error, Gpu};
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::volume::stacks::scene;

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random flows", random_flows);
    group.test("stacks of few voxels", few_voxels);
    group.test("flows that are not numbers stay in the stack", not_numbers);
    group.test("wrong sizes and too large stacks are refused", refusals);
    group.test("too little memory", little_memory);
    group.fixtures("volume", "dynamics_cases.json", &["endpoints"], fixture);
}

/// Runs the stage on flows and cellprob of the host.
pub(crate) async fn follow_flows(
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

fn check(
    gpu: &Gpu,
    (flows, cellprob): (&Volume, &[f32]),
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<(), Failed> {
    let case = || format!("{:?}, {threshold}, {niter}, {interp}", flows.size());
    let expected = cpu::follow_flows::follow_flows(flows, cellprob, threshold, niter, interp)?;
    let found = block_on(follow_flows(gpu, flows, cellprob, threshold, niter, interp))?;
    let (voxels, points) = block_on(found.read(gpu))?;
    if voxels != expected.voxels {
        return Err(format!("{}: other voxels take part", case()).into());
    }
    agree::points_with_twin(&points, &expected.points)
        .map_err(|failed| format!("{}: {}", case(), failed.message().unwrap_or_default()))?;
    let again = block_on(GpuEndPoints::upload(gpu, &voxels, &points, flows.size()))?;
    if block_on(again.read(gpu))? == (voxels, points) { Ok(()) } else { Err("not the same when brought back".into()) }
}

fn random_flows(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(40);
    for size in [[12, 30, 37], [33, 9, 20]] {
        let (flows, cellprob) = scene(&mut random, size);
        // Voxels that circle near a sink end at arbitrary points, by rounding: long paths are not compared.
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
        // Each voxel has a bin, and none is lost.
        block_on(masks(gpu, &ends))?;
        assert_eq!(block_on(ends.read(gpu))?.0.len(), 90);
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Result<(), Failed> {
    let error = |gpu: &Gpu, channels, [depth, height, width]: [usize; 3]| {
        let flows = Volume::zeros(channels, depth, height, width);
        block_on(follow_flows(gpu, &flows, &vec![1.0; flows.voxels()], 0.0, 1, true)).err()
    };
    let length = |what, found, expected| Some(Error::Length { what, found, expected });
    assert_eq!(error(gpu, 2, [2, 3, 4]), length("flows and cellprob", 3, 4));
    assert_eq!(error(gpu, 3, [2, 1, 4]), length("a side of the stack", 1, 2));
    let upload =
        |voxels: &[u32], points: &[[f32; 3]]| block_on(GpuEndPoints::upload(gpu, voxels, points, [2, 3, 4])).err();
    assert_eq!(upload(&[1, 2], &[[0.0; 3]]), length("points", 1, 2));
    assert_eq!(upload(&[24], &[[0.0; 3]]), length("the stack of a voxel", 24, 24));
    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 16 * 8 * 9 * 10))?;
    assert_eq!(error(&small, 3, [8, 9, 10]), None);
    assert!(matches!(error(&small, 3, [8, 9, 11]), Some(Error::Limit { needed: 12_672, allowed: 11_520, .. })));
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

/// Whether each voxel comes to rest: its end point stays near the reference's if flows change by as much as rounding.
/// Other voxels circle their sinks forever and end at arbitrary points of their paths.
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

/// [`follow_flows`] of a case.
pub(crate) fn follow(gpu: &Gpu, case: &Case) -> Result<GpuEndPoints, Failed> {
    let (flows, cellprob) = (case.input("flows").volume(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    Ok(block_on(follow_flows(gpu, &flows, &cellprob, threshold, niter, case.flag("interp")))?)
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let points = case.require("endpoints")?.points();
    let (_, found) = block_on(follow(gpu, case)?.read(gpu))?;
    let rest = at_rest(case, &points)?;
    let of = |points: &[[f32; 3]]| points.iter().zip(&rest).filter(|(_, rest)| **rest).map(|(p, _)| *p).collect();
    let (ours, theirs): (Vec<_>, Vec<_>) = (of(&found), of(&points));
    if found.len() != points.len() || theirs.len() < points.len() * 9 / 10 {
        return Err(format!("{} points of {}, {} at rest", found.len(), points.len(), theirs.len()).into());
    }
    agree::points_with_twin(&ours, &theirs)?;
    // Those that are not at rest are still in the same voxels.
    let bins = |points: &[[f32; 3]]| points.iter().map(|point| point.map(f32::floor)).collect::<Vec<_>>();
    agree::points_with_twin(&bins(&found), &bins(&points))
}
