//! Segments the cells of one image file and writes the labels beside it.
//!
//!     cargo run --release -p cytoshade-examples --example segment_file -- IMAGE MODEL LABELS.tif

use std::path::{Path, PathBuf};

use cytoshade::{Error, Model, Params, Segmenter};
use cytoshade_examples::{model, photograph};
use cytoshade_formats::{ReadOptions, read, save, write_labels_tiff};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let image = arguments.next().unwrap_or_else(photograph);
    let model = arguments.next().unwrap_or_else(model);
    let labels = arguments.next().unwrap_or_else(|| "labels.tif".into());
    segment(&image, &model, &labels)
}

fn segment(file: &Path, model: &Path, output: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // A path, or a name like `cyto3`. The files are untrusted: nothing in them is executed.
    let model = Model::open(model)?;
    // On a GPU if one opens, else on the CPU. Keep it: making it compiles the shaders.
    let segmenter = Segmenter::new(&model)?;
    println!("running on {}", segmenter.device());

    let images = read(file, &ReadOptions::default())?;
    let image = images.first().ok_or("the file holds no image")?;
    let segmentation = segmenter.segment(image, &Params::new()).map_err(explain)?;
    println!("{} cells of about {} pixels", segmentation.cells(), segmentation.diameter);
    for (stage, time) in segmentation.timings.iter() {
        println!("{:>12} {time:.1?}", stage.name());
    }

    save(output, |out| write_labels_tiff(out, &segmentation.labels))?;
    // As an array, with the feature `ndarray`.
    let array = segmentation.labels.as_array();
    println!("labels of shape {:?} in {}", array.shape(), output.display());
    Ok(())
}

/// Programs tell errors apart by their kind; the message is for people.
fn explain(error: Error) -> Error {
    eprintln!("{:?}: {error}", error.kind());
    error
}

#[test]
fn runs() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.tif");
    segment(&photograph(), &model(), &labels).unwrap();
    let written = read(&labels, &ReadOptions::default()).unwrap();
    assert_eq!((written[0].height(), written[0].width()), (520, 696));
}
