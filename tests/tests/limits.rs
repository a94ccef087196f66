//! What is asked for works within the limits of a device: tiles that are too large for it shrink. Ignored where there is no
//! adapter.

use cytoshade::{ConvKernel, Image, Model, Params, Segmentation, Segmenter, SegmenterBuilder};
use cytoshade_formats::ReadOptions;
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::{agree, eval, program, trial};
use libtest_mimic::{Arguments, Failed};

fn main() {
    let missing = eval::gpu_device().is_none().then_some(NEEDS_ADAPTER);
    let trials = vec![
        trial("tiles that are too large shrink", missing, tiles_shrink),
        trial("tiles that fit stay as they are", missing, tiles_stay),
        trial("tiles shrink for a kernel that is asked for", missing, tiles_shrink_for_a_kernel),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// The bundled photograph (696 x 520), segmented in tiles of a side where no buffer is larger.
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
    // In the browser's place: an adapter may decline it.
    match segment(ROOM, Some(ConvKernel::Winograd), 384) {
        Ok(found) => assert!(found.cells() > 100, "{}", found.cells()),
        Err(failed) if failed.message().is_some_and(|message| message.contains("does not run")) => {}
        Err(failed) => return Err(failed),
    }
    Ok(())
}
