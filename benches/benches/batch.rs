//! Many images: `segment_batch` against a loop over `segment`, in turns, and the ratio of their times.

use std::time::Instant;

use cytoshade::{Device, Image, LoadOptions, Model, Params, Segmenter};

const MODEL: &[u8] = include_bytes!("../../models/cytoshade-demo.safetensors");
/// Images of a run, and their side in pixels.
const IMAGES: usize = 64;
const SIDE: usize = 256;
/// Runs of each.
const ROUNDS: usize = 5;

/// Bright discs of 30 pixels on a dark ground, as an encoder would leave them: the source of a batch decodes them.
fn image() -> Image {
    let cells = cytoshade_benches::cells(SIDE, 44);
    let pixels: Vec<u16> = cells.cellprob.iter().map(|&p| if p > 0.0 { 1000 } else { 100 }).collect();
    Image::new(pixels, 1, SIDE, SIDE).expect("an image of a size")
}

fn seconds(work: impl FnOnce() -> usize) -> f64 {
    let start = Instant::now();
    let cells = work();
    let seconds = start.elapsed().as_secs_f64();
    assert!(cells > 0, "the images have cells");
    seconds
}

fn main() {
    let model = Model::from_bytes(MODEL, &LoadOptions::default()).expect("the bundled model");
    let params = Params::new();
    let image = image();
    println!("{IMAGES} images of {SIDE} x {SIDE}, {ROUNDS} rounds in turns:");
    for device in [Device::Cpu, Device::Gpu, Device::Software] {
        let Ok(segmenter) = Segmenter::builder(&model).device(device).build() else { continue };
        let segment = |image: &Image| segmenter.segment(image, &params).expect("a segmentation").cells();
        // The first image compiles the shaders.
        segment(&image);
        let each = || (0..IMAGES).map(|_| image.clone());
        let mut ratios = Vec::new();
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let one_by_one = seconds(|| each().map(|image| segment(&image)).sum());
            let images = image.clone();
            let source = (0..IMAGES).map(move |_| images.clone());
            let batch = seconds(|| {
                let results = segmenter.segment_batch(source, &params);
                results.map(|result| result.expect("a segmentation").cells()).sum()
            });
            ratios.push(batch / one_by_one);
            times[0].push(one_by_one);
            times[1].push(batch);
        }
        let [ratio, one_by_one, batch] =
            [ratios, std::mem::take(&mut times[0]), std::mem::take(&mut times[1])].map(median);
        println!(
            "{}: loop {:.1} images/s, batch {:.1} images/s, batch / loop {ratio:.3}",
            segmenter.device(),
            IMAGES as f64 / one_by_one,
            IMAGES as f64 / batch
        );
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
