//! Prints the milliseconds and the share of every stage, for images of 512 x 512 and 2048 x 2048.
//!
//! `cargo bench -p cytoshade-benches --bench stages [-- [--gpu | --software] MODEL]`. The defaults are the CPU and the
//! bundled network.

use std::time::Duration;

use cytoshade::{Device, Image, LoadOptions, Model, Params, Segmenter, Timings};

const MODEL: &[u8] = include_bytes!("../../models/cytoshade-demo.safetensors");
const SIDES: [usize; 2] = [512, 2048];
const ROUNDS: usize = 5;

/// Bright discs of 30 pixels on a dark ground, 44 apart.
fn image(side: usize) -> Image {
    let cells = cytoshade_benches::cells(side, 44);
    let pixels: Vec<u16> = cells.cellprob.iter().map(|&p| if p > 0.0 { 1000 } else { 100 }).collect();
    Image::new(pixels, 1, side, side).expect("an image of a size")
}

/// The timings of the run with the median time.
fn median(segmenter: &Segmenter, side: usize) -> Timings {
    let image = image(side);
    let run = |_| segmenter.segment(&image, &Params::default()).expect("an image that can be segmented").timings;
    let mut runs: Vec<Timings> = (0..ROUNDS).map(run).collect();
    runs.sort_by_key(Timings::total);
    runs.swap_remove(ROUNDS / 2)
}

fn main() {
    let model = match std::env::args().skip(1).find(|arg| !arg.starts_with('-')) {
        Some(path) => Model::open(path),
        None => Model::from_bytes(MODEL, &LoadOptions::default()),
    };
    let model = model.expect("a model file");
    let has = |word: &str| std::env::args().any(|arg| arg == word);
    let device = match () {
        () if has("--gpu") => Device::Gpu,
        () if has("--software") => Device::Software,
        () => Device::Cpu,
    };
    let segmenter = Segmenter::builder(&model).device(device).build().expect("a network for segmentation");
    let columns = SIDES.map(|side| median(&segmenter, side));
    println!("{}\n", segmenter.device());
    println!("| stage | {} |", SIDES.map(|side| format!("{side} x {side}, ms | share")).join(" | "));
    println!("|---|---|---|---|---|");
    for (stage, _) in columns[1].iter() {
        let cells = columns.each_ref().map(|timings| {
            let time = timings.iter().find(|(of, _)| *of == stage).map_or(Duration::ZERO, |(_, time)| time);
            let share = 100.0 * time.as_secs_f64() / timings.total().as_secs_f64();
            format!("{:.1} | {share:.0} %", time.as_secs_f64() * 1e3)
        });
        println!("| {} | {} |", stage.name(), cells.join(" | "));
    }
    println!(
        "| total | {} |",
        columns.each_ref().map(|t| format!("{:.1} | ", t.total().as_secs_f64() * 1e3)).join(" | ")
    );
}
