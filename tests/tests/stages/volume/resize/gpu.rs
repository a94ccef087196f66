//! Stage `resize` of stacks on the GPU.

use cytoshade_core::Volume;
use cytoshade_cpu::volume as cpu;
use cytoshade_gpu::volume::{self, GpuVolume};
use cytoshade_gpu::{Choice, Error, Gpu};
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::volume::stacks::{random_stack, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random stacks", random_sizes);
    group.test("too large stacks and Gaussians are refused", refused_sizes);
}

fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    agree::close_with_twin(ours, expected, ROUNDING)
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
