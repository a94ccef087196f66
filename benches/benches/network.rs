//! Stage `network` at the published width, one tile of 224 x 224.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cytoshade_benches::{FULL_WIDTH, gpu, network, tiles};
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};

fn full_width(criterion: &mut Criterion) {
    let network = network(&FULL_WIDTH);
    let tile = tiles(&network, 1, 224, 224);
    let mut group = criterion.benchmark_group("network");
    group.sample_size(10);
    group.throughput(Throughput::Elements(network.shape().operations(224, 224)));
    for isa in Isa::available() {
        let Some(ours) = CpuNetwork::with_isa(&network, isa) else { continue };
        group.bench_function(BenchmarkId::new("cpu", isa), |b| {
            b.iter(|| ours.run(&tile, 1, 224, 224, &mut |_| Ok(())));
        });
    }
    if let Some(gpu) = gpu() {
        let ours = pollster::block_on(cytoshade_gpu::Network::new(&gpu, &network)).expect("a network for the GPU");
        group.bench_function(BenchmarkId::new("gpu", &gpu.info().name), |b| {
            b.iter(|| pollster::block_on(ours.run(&tile, 1, 224, 224)));
        });
    }
}

criterion_group!(benches, full_width);
criterion_main!(benches);
