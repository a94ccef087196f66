//! Stage `network` at the published width, one tile of 224 x 224.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cytoshade_benches::{FULL_WIDTH, gpu, network, tiles};
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};
use cytoshade_gpu::{Network as GpuNetwork, Options, Precision};

fn full_width(criterion: &mut Criterion) {
    let network = network(&FULL_WIDTH);
    let tile = tiles(&network, 1, 224, 224);
    let mut group = criterion.benchmark_group("network");
    group.sample_size(10);
    group.throughput(Throughput::Elements(network.plan().float_operations(224, 224)));
    for isa in Isa::available() {
        let Some(ours) = CpuNetwork::with_isa(&network, isa) else { continue };
        group.bench_function(BenchmarkId::new("cpu", isa), |b| {
            b.iter(|| ours.run(&tile, 1, 224, 224, &mut |_| Ok(())));
        });
    }
    if let Some(gpu) = gpu() {
        for precision in [Precision::F32, Precision::F16] {
            let options = Options { precision, ..Options::default() };
            let Ok(ours) = pollster::block_on(GpuNetwork::with(&gpu, &network, options)) else { continue };
            let name = format!("gpu {}", precision.name());
            group.bench_function(BenchmarkId::new(name, &gpu.info().name), |b| {
                b.iter(|| pollster::block_on(ours.run(&tile, 1, 224, 224)));
            });
        }
    }
}

criterion_group!(benches, full_width);
criterion_main!(benches);
