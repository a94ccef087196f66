//! End to end: an image in memory to labels, with the bundled network.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cytoshade::{Device, Image, LoadOptions, Model, Params, Segmenter};

const MODEL: &[u8] = include_bytes!("../../models/cytoshade-demo.safetensors");

/// Bright discs of 30 pixels on a dark ground.
fn image(side: usize) -> Image {
    let cells = cytoshade_benches::cells(side, 44);
    let pixels: Vec<u16> = cells.cellprob.iter().map(|&p| if p > 0.0 { 1000 } else { 100 }).collect();
    Image::new(pixels, 1, side, side).expect("an image of a size")
}

fn segment(criterion: &mut Criterion) {
    let model = Model::from_bytes(MODEL, &LoadOptions::default()).expect("the bundled model");
    let mut group = criterion.benchmark_group("segment");
    group.sample_size(10);
    for device in [Device::Cpu, Device::Gpu, Device::Software] {
        let Ok(segmenter) = Segmenter::builder(&model).device(device).build() else { continue };
        let image = image(512);
        group.bench_function(BenchmarkId::new(segmenter.device().to_string(), 512), |b| {
            b.iter(|| segmenter.segment(&image, &Params::default()));
        });
    }
}

criterion_group!(benches, segment);
criterion_main!(benches);
