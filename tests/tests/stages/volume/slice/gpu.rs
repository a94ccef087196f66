//! Stage `slice` on the GPU: cuts planes out of a stack.

use cytoshade_core::Axis;
use cytoshade_gpu::{Error, Gpu};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::volume::stacks::{random_stack, upload};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random stacks", slices);
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
