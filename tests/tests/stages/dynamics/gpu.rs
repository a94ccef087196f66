//! All of the dynamics on the GPU, from flows to labels.

use cytoshade_core::{Labels, Planes};
use cytoshade_cpu::{fill_holes, flow_error, masks};
use cytoshade_gpu::{Gpu, GpuPlanes, follow_flows, histogram};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use cytoshade_tests::{agree, must_fail_when_perturbed};
use libtest_mimic::Failed;
use pollster::block_on;

use crate::flow_error::gpu::exact;
use crate::shapes::{flows_of, no_gaps, shapes, without_gaps};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random planes", random_planes);
    group.fixtures("dynamics", "cases.json", &["final", "cells"], fixture);
}

/// The parameters of the dynamics.
#[derive(Clone, Copy)]
struct Settings {
    threshold: f32,
    niter: u32,
    interp: bool,
    fraction: f64,
    flow_threshold: f64,
    min_size: usize,
}

fn flows_to_labels(gpu: &Gpu, planes: &Planes, settings: Settings) -> Result<Labels, Failed> {
    let planes = block_on(GpuPlanes::upload(gpu, planes))?;
    let ends = block_on(follow_flows(gpu, &planes, settings.threshold, settings.niter, settings.interp))?;
    let counted = block_on(histogram(gpu, &ends))?;
    let mut labels = block_on(cytoshade_gpu::masks(gpu, &ends, &counted, settings.fraction))?;
    block_on(cytoshade_gpu::remove_bad(gpu, &mut labels, &planes, settings.flow_threshold, exact))?;
    let size = (planes.height(), planes.width());
    Ok(block_on(cytoshade_gpu::fill_holes_and_remove_small(gpu, labels, size, settings.min_size))?)
}

fn random_planes(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(37);
    let settings =
        Settings { threshold: 0.0, niter: 120, interp: true, fraction: 0.4, flow_threshold: 0.4, min_size: 15 };
    let mut found = 0;
    for (height, width) in [(100, 130), (61, 47), (1, 1)] {
        let shapes = without_gaps(&shapes(&mut random, height, width, 25, 14.0));
        let mut planes = flows_of(&mut random, &shapes);
        let cellprob = shapes.as_slice().iter().map(|&l| if l > 0 { 1.0 } else { -1.0 }).collect();
        planes.append(&Planes::new(cellprob, 1, height, width)?)?;
        let labels = flows_to_labels(gpu, &planes, settings)?;
        no_gaps(&labels);
        found += labels.max();
        let flows = planes.select(0..2);
        let ends = cytoshade_cpu::follow_flows::follow_flows(&flows, planes.plane(2), 0.0, 120, true)?;
        let mut expected = masks::masks(&ends, &cytoshade_cpu::histogram::histogram(&ends, height, width), 0.4);
        flow_error::remove_bad(&mut expected, &flows, 0.4)?;
        fill_holes::fill_holes_and_remove_small(&mut expected, 15);
        agree::masks(labels.as_slice(), expected.as_slice())?;
    }
    assert!(found > 5, "{found} cells");
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let mut planes = case.input("flows").planes();
    let settings = Settings {
        threshold: case.number("cellprob_threshold") as f32,
        niter: case.number("niter") as u32,
        interp: case.flag("interp"),
        fraction: case.number("max_size_fraction"),
        flow_threshold: case.number("flow_threshold"),
        min_size: case.number("min_size").max(0.0) as usize,
    };
    planes.append(&case.input("cellprob").planes())?;
    let labels = flows_to_labels(gpu, &planes, settings)?;
    no_gaps(&labels);
    if let Some(expected) = case.expected("final") {
        let expected = expected.u32();
        if expected.iter().all(|&v| v == 0) {
            assert_eq!(labels.max(), 0);
        } else {
            must_fail_when_perturbed(&labels.into_vec(), |l| l.fill(0), |l| agree::masks(l, &expected))?;
        }
    }
    Ok(())
}
