//! Stage `masks` of stacks on the GPU.

use cytoshade_core::LabelVolume;
use cytoshade_cpu::volume as cpu;
use cytoshade_gpu::Gpu;
use cytoshade_gpu::volume::{GpuEndPoints, masks};
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::volume::follow_flows::gpu::follow;

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random end points", random_end_points);
    group.test("more seeds than a row of workgroups", many_seeds);
    group.test("no voxel takes part", no_voxels);
    group.fixtures("volume", "dynamics_cases.json", &["masks"], fixture);
}

/// The masks of the end points of all voxels equal the CPU's.
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
            // Near a sink, and at the stack's borders.
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

/// The largest possible number: 27 voxels end in each bin, and bins are 3 apart.
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

/// From the end points of a case: the reference's, or ours if the case has none.
fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let mut ends = follow(gpu, case)?;
    let [depth, height, width] = case.input("flows").volume().size();
    if let Some(points) = case.expected("endpoints") {
        let (voxels, _) = block_on(ends.read(gpu))?;
        ends = block_on(GpuEndPoints::upload(gpu, &voxels, &points.points(), [depth, height, width]))?;
    }
    let mut labels = LabelVolume::new(block_on(masks(gpu, &ends))?, depth, height, width)?;
    cpu::masks::number(&mut labels, case.number("max_size_fraction"));
    agree::masks_with_twin(labels.as_slice(), &case.require("masks")?.u32())
}
