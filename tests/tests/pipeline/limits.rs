//! Requests beyond the limits of a device: tiles that are too large shrink.

use cytoshade::{ConvKernel, Image, Model, Params, Segmentation, Segmenter, SegmenterBuilder};
use cytoshade_formats::ReadOptions;
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, eval, program, trial};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> Vec<Trial> {
    let missing = eval::gpu_device().is_none().then_some(NEEDS_ADAPTER);
    vec![
        trial("limits::gpu::tiles that are too large shrink", missing, tiles_shrink),
        trial("limits::gpu::tiles that fit keep their size", missing, tiles_stay),
        trial("limits::gpu::tiles shrink for a requested kernel", missing, tiles_shrink_for_a_kernel),
    ]
}

/// Segments the bundled photograph (696 x 520) in tiles of side `bsize`, on a device whose bindings hold `largest` bytes.
fn segment(largest: u64, kernel: Option<ConvKernel>, bsize: usize) -> Result<Segmentation, Failed> {
    let root = program::root();
    let model = Model::open(root.join("models/cytoshade-demo.safetensors"))?;
    let builder = Segmenter::builder(&model).device(eval::gpu_device().ok_or(NEEDS_ADAPTER)?).largest_binding(largest);
    let segmenter = kernel.into_iter().fold(builder, SegmenterBuilder::kernel).build()?;
    let images: Vec<Image> = cytoshade_formats::read(root.join("models/demo.png"), &ReadOptions::default())?;
    Ok(segmenter.segment(&images[0], &Params::new().bsize(bsize))?)
}

/// The largest intermediate has 8 channels of the tile's size: 384 is the largest multiple of 16 whose square fits.
const ROOM: u64 = 8 * 4 * 390 * 390;

fn tiles_shrink() -> Result<(), Failed> {
    let (found, expected) = (segment(ROOM, None, 512)?, segment(u64::MAX, None, 384)?);
    agree::masks(found.labels.as_slice(), expected.labels.as_slice())?;
    assert!(found.cells() > 100, "{}", found.cells());
    Ok(())
}

fn tiles_stay() -> Result<(), Failed> {
    let (found, expected) = (segment(ROOM, None, 384)?, segment(u64::MAX, None, 384)?);
    assert_eq!(found.labels, expected.labels);
    Ok(())
}

fn tiles_shrink_for_a_kernel() -> Result<(), Failed> {
    // As in a browser, an adapter may lack the kernel's requirements.
    match segment(ROOM, Some(ConvKernel::Winograd), 384) {
        Ok(found) => assert!(found.cells() > 100, "{}", found.cells()),
        Err(failed) if failed.message().is_some_and(|message| message.contains("does not run")) => {}
        Err(failed) => return Err(failed),
    }
    Ok(())
}
