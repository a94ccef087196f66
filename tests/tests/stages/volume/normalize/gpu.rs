//! Stage `normalize` of stacks on the GPU.

use cytoshade_core::{Normalize, Params, Volume};
use cytoshade_cpu::normalize as cpu_normalize;
use cytoshade_gpu::Gpu;
use cytoshade_gpu::volume;
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::eval;
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::volume::stacks::{random_stack, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random stacks", random_stacks);
    group.test("a large stack's percentiles are those of a sample", sampled_stack);
    for case in cases("normalize", "cases.json").into_iter().filter(|case| case.name().starts_with("uneven_stack")) {
        group.test_with(format!("fixture {}", case.name()), case.missing(), move |gpu| fixture(gpu, &case));
    }
}

fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    agree::close_with_twin(ours, expected, ROUNDING)
}

/// Normalizes a stack on the device and compares it with the CPU's.
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
    // With percentiles per z-slice, the device neither inverts nor normalizes by tiles.
    for params in [default.clone().norm3d(false).invert(true), default.norm3d(false).tile_norm_blocksize(8)] {
        assert!(!volume::normalizes(&params, 1, 2) && volume::normalizes(&params, 1, 1), "{params:?}");
    }
    Ok(())
}

/// The sample has every other z-slice, and every n-th row and column of it.
fn sampled_stack(gpu: &Gpu) -> Result<(), Failed> {
    let size = [101, 250, 480];
    let value = |at: usize| (((at / 480 * 73_856_093) ^ (at % 480 * 19_349_663)) % 4093) as f32;
    let values: Vec<f32> = (0..size.iter().product()).map(value).collect();
    let stack = Volume::new(values, 1, size[0], size[1], size[2])?;
    check_normalized(gpu, &stack, &Params::default())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (params, stack) = (eval::params(case), case.input("planes").volume());
    if !volume::normalizes(&params, stack.channels(), stack.depth()) {
        return Ok(());
    }
    let found = block_on(async { volume::normalize(gpu, upload(gpu, &stack)?, &params).await?.read(gpu).await })?;
    let expected = case.expected("planes").ok_or("the case expects no planes")?.f32();
    close(found.as_slice(), &expected)
}
