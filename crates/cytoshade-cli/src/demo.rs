//! `cytoshade demo`: a bundled photograph, a bundled model, something to look at.

use cytoshade::{LoadOptions, Model, Params, Segmenter, SegmenterBuilder, cache_folder};
use cytoshade_formats::{ReadOptions, read_bytes};

use crate::args::Demo;
use crate::failure::Failure;
use crate::output::{Files, folder};

/// Nuclei of the Data Science Bowl 2018 (BBBC038), CC0; see `models/README.md`.
const IMAGE: &[u8] = include_bytes!("../../../models/demo.png");
/// A small network trained for this demonstration; see its card, `models/README.md`.
pub(crate) const MODEL: &[u8] = include_bytes!("../../../models/cytoshade-demo.safetensors");

pub(crate) fn run(args: &Demo) -> Result<(), Failure> {
    let images = read_bytes(IMAGE, &ReadOptions::default()).map_err(Failure::run)?;
    let image = images.first().ok_or_else(|| Failure::run("the bundled photograph holds no image"))?;
    let model = Model::from_bytes(MODEL, &LoadOptions::default()).map_err(Failure::run)?;
    let builder = Segmenter::builder(&model).device(args.device.into());
    let builder = cache_folder().into_iter().fold(builder, SegmenterBuilder::cache);
    let segmenter = builder.build().map_err(Failure::run)?;
    folder(&args.output)?;

    let segmentation = segmenter.segment(image, &Params::default()).map_err(Failure::run)?;
    let files = Files::new(&args.output, "demo", None);
    files.save_masks(&segmentation)?;
    files.save_overlay(image, &segmentation)?;

    println!("ran on {}", segmentation.device);
    println!("found {} cells in {} x {} pixels", segmentation.cells(), image.width(), image.height());
    for (stage, time) in segmentation.timings.iter() {
        println!("  {:<14}{:>9.2} ms", stage.name(), time.as_secs_f64() * 1e3);
    }
    println!("  {:<14}{:>9.2} ms", "total", segmentation.timings.total().as_secs_f64() * 1e3);
    println!("labels:  {}", files.masks().display());
    println!("overlay: {}  (open it to see the cells)", files.overlay().display());
    Ok(())
}
