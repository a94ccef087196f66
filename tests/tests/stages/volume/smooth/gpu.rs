//! Stage `smooth` of stacks on the GPU.

use cytoshade_cpu::volume as cpu;
use cytoshade_gpu::Gpu;
use cytoshade_gpu::volume;
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::volume::stacks::{random_stack, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random stacks", random_sigmas);
}

fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    agree::close_with_twin(ours, expected, ROUNDING)
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
