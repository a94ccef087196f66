//! Stages `masks`, `flow_error` and `fill_holes` on a crowded plane.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use cytoshade_benches::cells;
use cytoshade_cpu::{fill_holes, flow_error, follow_flows, histogram, masks};

fn sinks_to_labels(criterion: &mut Criterion) {
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

criterion_group!(benches, sinks_to_labels);
criterion_main!(benches);
