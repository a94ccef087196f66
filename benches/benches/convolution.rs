//! The CPU's convolutions at each level of the published networks.
//!
//! A network of one level consists of eight 3x3 convolutions of equal channel counts, two 1x1 shortcuts, and little
//! else.
//!
//! The program `conv_throughput` measures those of a GPU, kernel by kernel, beside the device's ceilings.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cytoshade_benches::{network, tiles};
use cytoshade_cpu::network::{Isa, Network};

fn convolution(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10);
    for (channels, side) in [(32, 224), (64, 112), (128, 56), (256, 28)] {
        let network = network(&[channels, channels]);
        let tile = tiles(&network, 1, side, side);
        let shape = format!("{channels}x{side}x{side}");
        group.throughput(Throughput::Elements(network.plan().float_operations(side, side)));
        for isa in Isa::available() {
            let Some(ours) = Network::with_isa(&network, isa) else { continue };
            group.bench_function(BenchmarkId::new(format!("cpu {isa}"), &shape), |b| {
                b.iter(|| ours.run(&tile, 1, side, side, &mut |_| Ok(())));
            });
        }
    }
}

criterion_group!(benches, convolution);
criterion_main!(benches);
