//! Stage `masks` on the GPU: seeds, growth, labels of the pixels.

use cytoshade_core::EndPoints;
use cytoshade_cpu::masks;
use cytoshade_gpu::{Gpu, GpuEndPoints, GpuLabels, histogram};
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::dynamics::cpu::end_points;
use crate::shapes::{equal, no_gaps};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random end points", random_masks);
    group.test("planes of few pixels", few_pixels);
    group.test("large masks are dropped", large_masks);
    group.fixtures("dynamics", "cases.json", &["masks"], fixture);
}

fn masks_of(gpu: &Gpu, ends: &EndPoints, (height, width): (usize, usize), fraction: f64) -> Result<GpuLabels, Failed> {
    let ends = block_on(GpuEndPoints::upload(gpu, ends, height, width))?;
    let counted = block_on(histogram(gpu, &ends))?;
    Ok(block_on(cytoshade_gpu::masks(gpu, &ends, &counted, fraction))?)
}

/// Compares the stage with that on the CPU.
fn check_masks(gpu: &Gpu, ends: &EndPoints, (height, width): (usize, usize), fraction: f64) -> Result<u32, Failed> {
    let ours = block_on(masks_of(gpu, ends, (height, width), fraction)?.read(gpu))?;
    let counted = cytoshade_cpu::histogram::histogram(ends, height, width);
    equal(&ours, &masks::masks(ends, &counted, fraction))?;
    no_gaps(&ours);
    Ok(ours.max())
}

/// End points that gather around a few places, which may be close together.
fn gathered(random: &mut Random, height: usize, width: usize, places: usize, spread: f32) -> EndPoints {
    let (last_y, last_x) = ((height - 1) as f32, (width - 1) as f32);
    let sinks: Vec<(f32, f32)> =
        (0..places).map(|_| (random.number(0.0, last_y).floor(), random.number(0.0, last_x).floor())).collect();
    let mut ends = EndPoints::default();
    for pixel in 0..(height * width) as u32 {
        if random.number(0.0, 1.0) < 0.2 {
            continue;
        }
        let (y, x) = sinks[random.number(0.0, places as f32 - 0.01) as usize];
        ends.pixels.push(pixel);
        ends.y.push((y + random.number(-spread, spread)).clamp(0.0, last_y));
        ends.x.push((x + random.number(-spread, spread)).clamp(0.0, last_x));
    }
    ends
}

fn random_masks(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(30);
    let mut found = 0;
    for (height, width, places, spread) in
        [(90, 70, 20, 0.5), (90, 70, 60, 2.0), (64, 64, 9, 4.0), (33, 150, 100, 1.0), (64, 80, 5, 0.0)]
    {
        let ends = gathered(&mut random, height, width, places, spread);
        found += check_masks(gpu, &ends, (height, width), 0.4)?;
    }
    assert!(found > 50, "{found} masks");
    // Neighbouring bins with equal counts.
    let mut ends = EndPoints::default();
    for pixel in 0..1600u32 {
        ends.pixels.push(pixel);
        ends.y.push((pixel / 16 / 10) as f32 * 3.0 + 1.0);
        ends.x.push((pixel / 16 % 10) as f32 * 3.0 + 1.0);
    }
    assert!(check_masks(gpu, &ends, (40, 40), 0.4)? > 1);
    Ok(())
}

fn few_pixels(gpu: &Gpu) -> Result<(), Failed> {
    assert_eq!(check_masks(gpu, &EndPoints::default(), (7, 5), 0.4)?, 0);
    for (height, width) in [(1, 1), (1, 40), (40, 1), (4, 3)] {
        let pixels: Vec<u32> = (0..(height * width) as u32).collect();
        let zeros = vec![0.0; pixels.len()];
        let ends = EndPoints { pixels, y: zeros.clone(), x: zeros };
        assert_eq!(check_masks(gpu, &ends, (height, width), 1.0)?, u32::from(height * width > 10));
    }
    Ok(())
}

fn large_masks(gpu: &Gpu) -> Result<(), Failed> {
    let pixels: Vec<u32> = (0..10_000).collect();
    let ends = EndPoints { y: pixels.iter().map(|p| (p / 4000 * 30) as f32).collect(), x: vec![3.0; 10_000], pixels };
    assert_eq!(check_masks(gpu, &ends, (100, 100), 0.4)?, 3);
    assert_eq!(check_masks(gpu, &ends, (100, 100), 0.39999)?, 1);
    assert_eq!(check_masks(gpu, &ends, (100, 100), 0.0)?, 0);
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (ends, size) = (end_points(case)?, case.input("cellprob").size());
    let fraction = case.number("max_size_fraction");
    check_masks(gpu, &ends, size, fraction)?;
    let ours = block_on(masks_of(gpu, &ends, size, fraction)?.read(gpu))?;
    let expected = case.require("masks")?;
    if expected.values.is_empty() { Ok(()) } else { Ok(agree::masks(ours.as_slice(), &expected.u32())?) }
}
