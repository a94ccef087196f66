//! Stage `resize` of images on the GPU.

use cytoshade_core::Planes;
use cytoshade_cpu::resize;
use cytoshade_gpu::{Choice, Error, Gpu, GpuPlanes};
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::normalize::gpu::{random_planes, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random planes", random_sizes);
    group.test("too large planes are refused", large_planes);
    group.fixtures("resize", "cases.json", &["image"], fixture);
}

fn close(ours: &[f32], expected: &[f32]) -> Result<(), Failed> {
    agree::close_with_twin(ours, expected, ROUNDING)
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
        // Far from the origin f32 is too coarse for positions.
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

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    if case.param("interpolation") == "nearest" {
        return Ok(());
    }
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let expected = case.require("image")?;
    close(resized(gpu, &case.input("image").planes(), height, width)?.as_slice(), &expected.f32())
}
