//! Compares `segment_batch` on many PNG files in memory with a loop that decodes and segments, alternating.

use std::time::Instant;

use cytoshade::{Device, Image, LoadOptions, Model, Params, Segmenter};
use cytoshade_formats::{Labels, ReadOptions, read_bytes, write_labels_png};

const MODEL: &[u8] = include_bytes!("../../models/cytoshade-demo.safetensors");
/// Images of a run, and their side in pixels.
const IMAGES: usize = 64;
const SIDE: usize = 256;
/// Runs of each.
const ROUNDS: usize = 5;

/// A PNG of bright domes of about 30 pixels on a dark ground.
fn file() -> Vec<u8> {
    let inside = |v: usize| (v % 44) as i32 - 22;
    let pixel = |at: usize| {
        let (y, x) = (inside(at / SIDE), inside(at % SIDE));
        100 + (900 - 4 * (y * y + x * x)).max(0) as u32
    };
    let image = Labels::new((0..SIDE * SIDE).map(pixel).collect(), SIDE, SIDE).expect("an image of a size");
    let mut file = Vec::new();
    write_labels_png(&mut file, &image).expect("a PNG");
    file
}

fn decode(file: &[u8]) -> Image {
    read_bytes(file, &ReadOptions::default()).expect("an image").swap_remove(0)
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
    let file = file();
    println!("{IMAGES} images of {SIDE} x {SIDE}, {ROUNDS} rounds in turns:");
    for device in [Device::Cpu, Device::Gpu, Device::Software] {
        let Ok(segmenter) = Segmenter::builder(&model).device(device).build() else { continue };
        let segment = |image: &Image| segmenter.segment(image, &params).expect("a segmentation").cells();
        // The first image compiles the shaders.
        segment(&decode(&file));
        let each = || {
            let file = file.clone();
            (0..IMAGES).map(move |_| decode(&file))
        };
        let (mut ratios, mut loops, mut batches) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            loops.push(seconds(|| each().map(|image| segment(&image)).sum()));
            batches.push(seconds(|| {
                let results = segmenter.segment_batch(each(), &params);
                results.map(|result| result.expect("a segmentation").cells()).sum()
            }));
            ratios.push(batches[batches.len() - 1] / loops[loops.len() - 1]);
        }
        let [ratio, one_by_one, batch] = [ratios, loops, batches].map(median);
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
