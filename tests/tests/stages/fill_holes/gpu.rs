//! Stage `fill_holes` on the GPU.

use cytoshade_core::Labels;
use cytoshade_cpu::fill_holes;
use cytoshade_gpu::{Gpu, GpuLabels};
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::shapes::{equal, no_gaps, rectangles, shapes, without_small};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random labels", random_holes);
    group.test("nested masks", nested_holes);
    group.test("a spiral and wide masks", winding_holes);
    group.test("another size", resized);
    group.test("small masks go by their own label", own_label);
    for case in cases("dynamics", "label_cases.json") {
        group.test_with(format!("labels {}", case.name()), case.missing(), move |gpu| labels_fixture(gpu, &case));
    }
}

/// Compares the stage with that on the CPU.
fn check_holes(gpu: &Gpu, labels: &Labels, min_size: usize) -> Result<(), Failed> {
    let on_device = block_on(GpuLabels::upload(gpu, labels))?;
    let size = (labels.height(), labels.width());
    let ours = block_on(cytoshade_gpu::fill_holes_and_remove_small(gpu, on_device, size, min_size))?;
    let mut expected = labels.clone();
    fill_holes::fill_holes_and_remove_small(&mut expected, min_size);
    equal(&ours, &expected)?;
    no_gaps(&ours);
    Ok(())
}

fn random_holes(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(34);
    check_holes(gpu, &Labels::zeros(5, 5), 15)?;
    check_holes(gpu, &Labels::new(vec![1; 30], 5, 6).unwrap(), 15)?;
    for round in 0..12 {
        let labels = shapes(&mut random, 70, 90, 3 + 4 * round, 20.0);
        for min_size in [0, 1, 40] {
            check_holes(gpu, &labels, min_size)
                .map_err(|e| format!("{round}, {min_size}: {}", e.message().unwrap_or("")))?;
        }
    }
    Ok(())
}

fn nested_holes(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(35);
    for round in 0..10 {
        // Concentric rings with labels in random order, some of them broken.
        let mut labels = Labels::zeros(64, 64);
        let mut order: Vec<u32> = (1..=8).collect();
        order.sort_by_key(|_| (random.number(0.0, 1.0) * 1e6) as u32);
        for at in 0..64 * 64usize {
            let ring = (at / 64).abs_diff(32).max((at % 64).abs_diff(32)) / 4;
            if ring < 8 && (round < 5 || random.number(0.0, 1.0) > 0.03) && (at / 64 + at % 64 / 3) % 4 > 0 {
                labels.as_mut_slice()[at] = order[ring];
            }
        }
        check_holes(gpu, &labels, 0)?;
        check_holes(gpu, &labels, 15)?;
    }
    Ok(())
}

fn winding_holes(gpu: &Gpu) -> Result<(), Failed> {
    // Winding corridors over several words per row, open at one end in the first plane and closed in the second.
    let (height, width) = (80, 140);
    for closed in [false, true] {
        let mut labels = Labels::new(vec![1; height * width], height, width).unwrap();
        for y in (1..height - 1).step_by(2) {
            labels.as_mut_slice()[y * width + 1..(y + 1) * width - 1].fill(0);
            let door = if y % 4 == 1 { width - 2 } else { 1 };
            if y + 2 < height {
                labels.as_mut_slice()[(y + 1) * width + door] = 0;
            }
        }
        if !closed {
            labels.as_mut_slice()[1] = 0;
        }
        check_holes(gpu, &labels, 0)?;
    }
    Ok(())
}

fn resized(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(36);
    for (height, width) in [(140, 180), (35, 61), (9, 7)] {
        let labels = shapes(&mut random, 70, 90, 20, 18.0);
        let on_device = block_on(GpuLabels::upload(gpu, &labels))?;
        let ours = block_on(cytoshade_gpu::fill_holes_and_remove_small(gpu, on_device, (height, width), 15))?;
        let mut expected = cytoshade_cpu::resize::nearest(&labels, height, width);
        fill_holes::fill_holes_and_remove_small(&mut expected, 15);
        equal(&ours, &expected)?;
    }
    Ok(())
}

fn own_label(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(38);
    for min_size in [2, 15, 50] {
        let labels = rectangles(&mut random);
        let expected = without_small(&labels, min_size);
        let on_device = block_on(GpuLabels::upload(gpu, &labels))?;
        let size = (labels.height(), labels.width());
        let ours = block_on(cytoshade_gpu::fill_holes_and_remove_small(gpu, on_device, size, min_size))?;
        agree::masks_with_twin(ours.as_slice(), expected.as_slice())?;
        no_gaps(&ours);
    }
    Ok(())
}

fn labels_fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let labels = case.input("labels").labels();
    check_holes(gpu, &labels, case.number("min_size").max(0.0) as usize)
}
