//! The convolutions of each level of the published networks, by the shape of the level: a network of one level has
//! eight 3x3 convolutions of equal channel counts, two of 1x1 that are part of them and next to nothing else.
//!
//! On a GPU every kernel that suits it is measured, by the device's own clock. What that is of the device's ceilings,
//! measured in the same run, is printed with the operations and the bytes of each layer.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use cytoshade_benches::ceilings::Ceilings;
use cytoshade_benches::{gpu, network, tiles};
use cytoshade_core::Network as Weights;
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};
use cytoshade_gpu::{ConvKernel, Gpu, Network, Options, Precision, StepTime};
use pollster::block_on;

fn convolution(criterion: &mut Criterion) {
    let gpu = gpu().map(|gpu| {
        let ceilings = Ceilings::measure(&gpu);
        eprintln!("{}: {ceilings}", gpu.info().name);
        (gpu, ceilings)
    });
    let mut group = criterion.benchmark_group("convolution");
    group.sample_size(10);
    for (channels, side) in [(32, 224), (64, 112), (128, 56), (256, 28)] {
        let network = network(&[channels, channels]);
        let tile = tiles(&network, 1, side, side);
        let shape = format!("{channels}x{side}x{side}");
        group.throughput(Throughput::Elements(network.shape().operations(side, side)));
        for isa in Isa::available() {
            let Some(ours) = CpuNetwork::with_isa(&network, isa) else { continue };
            group.bench_function(BenchmarkId::new(format!("cpu {isa}"), &shape), |b| {
                b.iter(|| ours.run(&tile, 1, side, side, &mut |_| Ok(())));
            });
        }
        if let Some((gpu, ceilings)) = &gpu {
            for precision in [Precision::F32, Precision::F16] {
                for kernel in ConvKernel::ALL {
                    let options = Options { kernel: Some(kernel), precision };
                    kernels(&mut group, gpu, ceilings, &network, options, &tile, side);
                }
            }
        }
    }
}

/// Measures one kernel, where it suits the device.
fn kernels(
    group: &mut BenchmarkGroup<'_, WallTime>,
    gpu: &Gpu,
    ceilings: &Ceilings,
    weights: &Weights,
    options: Options,
    tile: &[f32],
    side: usize,
) {
    let Ok(ours) = block_on(Network::with(gpu, weights, options)) else { return };
    let Ok(mut fastest) = block_on(ours.profile(tile, 1, side, side)) else { return };
    let kernel = options.kernel.map_or("", ConvKernel::name);
    let name = format!("gpu {kernel} {}", options.precision.name());
    let shape = format!("{}x{side}x{side}", weights.shape().nbase()[1]);
    group.bench_function(BenchmarkId::new(&name, shape), |b| {
        b.iter_custom(|rounds| {
            let mut total = 0.0;
            for _ in 0..rounds {
                let steps = block_on(ours.profile(tile, 1, side, side)).expect("the profile ran before");
                total += convolutions(&steps).map(|step| step.seconds).sum::<f64>();
                for (known, step) in fastest.iter_mut().zip(steps) {
                    known.seconds = known.seconds.min(step.seconds);
                }
            }
            Duration::from_secs_f64(total)
        });
    });
    for step in convolutions(&fastest).take(2) {
        let (operations, bytes) = (step.operations as f64, step.bytes as f64);
        eprintln!(
            "{name}: {}: {:.3} GFLOP, {:.2} MB; {:.1} GFLOP/s = {:.0} % of the ceiling, {:.2} GB/s = {:.0} %",
            step.name,
            operations / 1e9,
            bytes / 1e6,
            operations / step.seconds / 1e9,
            100.0 * operations / step.seconds / ceilings.operations,
            bytes / step.seconds / 1e9,
            100.0 * bytes / step.seconds / ceilings.bytes,
        );
    }
}

fn convolutions(steps: &[StepTime]) -> impl Iterator<Item = &StepTime> {
    steps.iter().filter(|step| step.operations > 0)
}

criterion_group!(benches, convolution);
criterion_main!(benches);
