//! Stages `follow_flows` and `histogram`: 200 steps over sparse and crowded planes.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use cytoshade_benches::{cells, gpu};
use cytoshade_cpu::{follow_flows, histogram};
use cytoshade_gpu::GpuPlanes;

fn follow_flows_and_histogram(criterion: &mut Criterion) {
    let gpu = gpu();
    let mut group = criterion.benchmark_group("follow_flows");
    group.sample_size(10);
    for (name, side, pitch) in [("sparse 512", 512, 90), ("crowded 512", 512, 34), ("crowded 2048", 2048, 34)] {
        let cells = cells(side, pitch);
        group.bench_function(BenchmarkId::new("cpu", name), |b| {
            b.iter(|| {
                let ends = follow_flows::follow_flows(&cells.flows, &cells.cellprob, 0.0, 200, true);
                ends.map(|ends| histogram::histogram(&ends, side, side))
            });
        });
        if let Some(gpu) = &gpu {
            group.bench_function(BenchmarkId::new("gpu", name), |b| {
                let planes = cells.planes();
                b.iter(|| {
                    pollster::block_on(async {
                        let planes = GpuPlanes::upload(gpu, &planes).await?;
                        let ends = cytoshade_gpu::follow_flows(gpu, &planes, 0.0, 200, true).await?;
                        cytoshade_gpu::histogram(gpu, &ends).await?.read(gpu).await
                    })
                });
            });
        }
    }
}

criterion_group!(benches, follow_flows_and_histogram);
criterion_main!(benches);
