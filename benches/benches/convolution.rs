//! The convolutions of each level of the published networks, by the shape of the level: a network of one level has
//! eight 3x3 convolutions of equal channel counts, two of 1x1 and next to nothing else.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cytoshade_benches::{gpu, network, tiles};
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};

fn convolution(criterion: &mut Criterion) {
    let gpu = gpu();
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10);
    for (channels, side) in [(32, 224), (64, 112), (128, 56), (256, 28)] {
        let network = network(&[channels, channels]);
        let tile = tiles(&network, 1, side, side);
        group.throughput(Throughput::Elements(network.shape().operations(side, side)));
        for isa in Isa::available() {
            let Some(ours) = CpuNetwork::with_isa(&network, isa) else { continue };
            group.bench_function(BenchmarkId::new(format!("cpu {isa}"), format!("{channels}x{side}x{side}")), |b| {
                b.iter(|| ours.run(&tile, 1, side, side, &mut |_| Ok(())));
            });
        }
        if let Some(gpu) = &gpu {
            let ours = pollster::block_on(cytoshade_gpu::Network::new(gpu, &network)).expect("a network for the GPU");
            group.bench_function(BenchmarkId::new("gpu", format!("{channels}x{side}x{side}")), |b| {
                b.iter(|| pollster::block_on(ours.run(&tile, 1, side, side)));
            });
        }
    }
}

criterion_group!(benches, convolution);
criterion_main!(benches);
