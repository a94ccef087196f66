//! Takes the network's flows and cell probability alone, and makes something else of them: here the area of all cells, and
//! the pixels at which flows converge.
//!
//!     cargo run --release -p cytoshade-examples --example flows -- IMAGE

use std::path::{Path, PathBuf};

use cytoshade::{Model, Outputs, Params, Segmenter};
use cytoshade_examples::{model, photograph};
use cytoshade_formats::{ReadOptions, read};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let file = std::env::args_os().nth(1).map_or_else(photograph, PathBuf::from);
    let (area, sinks) = measure(&file)?;
    println!("cells cover {:.1} % of the image; flows converge at {sinks} pixels", 100.0 * area);
    Ok(())
}

/// The fraction of the image that cells cover, and the number of pixels at which flows converge.
fn measure(file: &Path) -> Result<(f64, usize), Error> {
    let segmenter = Segmenter::new(&Model::open(model())?)?;
    let images = read(file, &ReadOptions::default())?;
    let image = images.first().ok_or("the file holds no image")?;

    // Without masks the dynamics do not run, and only what is asked for leaves the device.
    let params = Params::new().compute_masks(false).outputs(Outputs::new().flows(true).cellprob(true));
    let segmentation = segmenter.segment(image, &params)?;
    let (flows, cellprob) = segmentation.flows.zip(segmentation.cellprob).ok_or("the outputs were asked for")?;

    // A logit above 0 is a probability above one half.
    let cellprob = cellprob.as_array();
    let inside = cellprob.iter().filter(|&&logit| logit > 0.0).count();
    // (dY, dX): the divergence of the flows is most negative at the middle of a cell.
    let flows = flows.as_array();
    let (_, height, width) = flows.dim();
    let mut sinks = 0;
    for y in 1..height - 1 {
        for x in 1..width - 1 {
            let divergence = flows[[0, y + 1, x]] - flows[[0, y - 1, x]] + flows[[1, y, x + 1]] - flows[[1, y, x - 1]];
            sinks += usize::from(cellprob[[0, y, x]] > 0.0 && divergence < -10.0);
        }
    }
    Ok((inside as f64 / (height * width) as f64, sinks))
}

#[test]
fn runs() {
    let (area, sinks) = measure(&photograph()).unwrap();
    assert!((0.05..0.9).contains(&area) && sinks > 20, "{area} {sinks}");
}
