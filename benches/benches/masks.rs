//! Stages `masks`, `flow_error` and `fill_holes` on a crowded plane.
//!
//! Runs them on the CPU, and all stages from flows to labels on both backends.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use cytoshade_benches::{Cells, cells, gpu};
use cytoshade_core::{Labels, Planes};
use cytoshade_cpu::{fill_holes, flow_error, follow_flows, histogram, masks};
use cytoshade_gpu::{Error, Gpu, GpuPlanes};
use pollster::block_on;

fn stages(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("masks");
    group.sample_size(10);
    for side in [512, 2048] {
        let cells = cells(side, 34);
        let ends = follow_flows::follow_flows(&cells.flows, &cells.cellprob, 0.0, 200, true).expect("planes of a size");
        let counts = histogram::histogram(&ends, side, side);
        let labels = masks::masks(&ends, &counts, 0.4);
        group.bench_function(BenchmarkId::new("masks", side), |b| b.iter(|| masks::masks(&ends, &counts, 0.4)));
        group.bench_function(BenchmarkId::new("flow_error", side), |b| {
            b.iter(|| flow_error::flow_errors(&labels, &cells.flows));
        });
        group.bench_function(BenchmarkId::new("fill_holes", side), |b| {
            b.iter_batched_ref(
                || labels.clone(),
                |labels| fill_holes::fill_holes_and_remove_small(labels, 15),
                BatchSize::LargeInput,
            );
        });
    }
}

fn on_cpu(cells: &Cells, side: usize) -> Labels {
    let ends = follow_flows::follow_flows(&cells.flows, &cells.cellprob, 0.0, 200, true).expect("planes of a size");
    let mut labels = masks::masks(&ends, &histogram::histogram(&ends, side, side), 0.4);
    flow_error::remove_bad(&mut labels, &cells.flows, 0.4).expect("planes of a size");
    fill_holes::fill_holes_and_remove_small(&mut labels, 15);
    labels
}

async fn on_gpu(gpu: &Gpu, planes: &Planes) -> Result<Labels, Error> {
    let size = (planes.height(), planes.width());
    let planes = GpuPlanes::upload(gpu, planes).await?;
    let ends = cytoshade_gpu::follow_flows(gpu, &planes, 0.0, 200, true).await?;
    let histogram = cytoshade_gpu::histogram(gpu, &ends).await?;
    let mut labels = cytoshade_gpu::masks(gpu, &ends, &histogram, 0.4).await?;
    let exact = |mask: &Labels, flows: &Planes| flow_error::flow_errors(mask, flows).ok()?.first().copied();
    cytoshade_gpu::remove_bad(gpu, &mut labels, &planes, 0.4, exact).await?;
    cytoshade_gpu::fill_holes_and_remove_small(gpu, labels, size, 15).await
}

fn flows_to_labels(criterion: &mut Criterion) {
    let gpu = gpu();
    let mut group = criterion.benchmark_group("flows_to_labels");
    group.sample_size(10);
    for (name, side, pitch) in [("sparse 512", 512, 90), ("crowded 512", 512, 34), ("crowded 2048", 2048, 34)] {
        let cells = cells(side, pitch);
        group.bench_function(BenchmarkId::new("cpu", name), |b| b.iter(|| on_cpu(&cells, side)));
        if let Some(gpu) = &gpu {
            let planes = cells.planes();
            group.bench_function(BenchmarkId::new("gpu", name), |b| b.iter(|| block_on(on_gpu(gpu, &planes))));
        }
    }
}

criterion_group!(benches, stages, flows_to_labels);
criterion_main!(benches);
