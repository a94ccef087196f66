//! Stages `masks`, `flow_error` and `fill_holes` on the best adapter there is, a software one too: each against its twin on
//! the CPU, which agrees with the reference, and all of them from flows to labels against the reference's fixtures.

use cytoshade_core::{EndPoints, Labels, Planes};
use cytoshade_cpu::{fill_holes, flow_error, masks};
use cytoshade_gpu::{Choice, Gpu, GpuEndPoints, GpuLabels, GpuPlanes, follow_flows, histogram};
use cytoshade_tests::fixtures::{Case, NEEDS_TEST_DATA, cases};
use cytoshade_tests::random::Random;
use cytoshade_tests::{agree, gpu, must_fail_when_perturbed};
use libtest_mimic::{Arguments, Failed};
use pollster::block_on;

fn main() {
    let gpu = gpu::open();
    let mut trials = Vec::new();
    let mut on = |name: &str, test: fn(&Gpu) -> Result<(), Failed>| {
        trials.push(gpu::trial(&gpu, name, None, test));
    };
    on("masks: random end points", random_masks);
    on("masks: planes of few pixels", few_pixels);
    on("masks: large masks are dropped", large_masks);
    on("flow_error: random labels", random_errors);
    on("flow_error: masks beyond a workgroup's memory", large_errors);
    on("flow_error: close to the threshold the exact error decides", close_errors);
    on("flow_error: boxes of every size and shape", box_errors);
    on("flow_error: in windows", windows);
    on("flow_error: wrong sizes are refused", refusals);
    on("fill_holes: random labels", random_holes);
    on("fill_holes: nested masks", nested_holes);
    on("fill_holes: a spiral and wide masks", winding_holes);
    on("fill_holes: another size", resized);
    on("flows to labels: random planes", random_planes);
    for case in cases("dynamics", "cases.json") {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let name = format!("flows to labels: fixture {}", case.name());
        trials.push(gpu::trial(&gpu, name, missing, move |gpu| fixture(gpu, &case)));
    }
    for case in cases("dynamics", "label_cases.json") {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        let name = format!("fill_holes: fixture {}", case.name());
        trials.push(gpu::trial(&gpu, name, missing, move |gpu| label_fixture(gpu, &case)));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Whether labels are equal, which must not hold where one pixel is another's.
fn equal(ours: &Labels, expected: &Labels) -> Result<(), Failed> {
    assert_eq!((ours.height(), ours.width()), (expected.height(), expected.width()));
    agree::equal_with_twin(ours.as_slice(), expected.as_slice(), "labels")
}

/// The labels are 1, 2, ... without gaps.
fn no_gaps(labels: &Labels) {
    let present: std::collections::BTreeSet<u32> = labels.as_slice().iter().copied().filter(|&l| l > 0).collect();
    assert_eq!(present.len() as u32, labels.max());
}

fn masks_of(gpu: &Gpu, ends: &EndPoints, (height, width): (usize, usize), fraction: f64) -> Result<GpuLabels, Failed> {
    let ends = block_on(GpuEndPoints::upload(gpu, ends, height, width))?;
    let counted = block_on(histogram(gpu, &ends))?;
    Ok(block_on(cytoshade_gpu::masks(gpu, &ends, &counted, fraction))?)
}

/// The stage `masks` beside its twin.
fn check_masks(gpu: &Gpu, ends: &EndPoints, (height, width): (usize, usize), fraction: f64) -> Result<u32, Failed> {
    let ours = block_on(masks_of(gpu, ends, (height, width), fraction)?.read(gpu))?;
    let counted = cytoshade_cpu::histogram::histogram(ends, height, width);
    equal(&ours, &masks::masks(ends, &counted, fraction))?;
    no_gaps(&ours);
    Ok(ours.max())
}

/// End points that gather round some places, which may lie close together.
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
    // Equal counts beside each other: ties.
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

/// Blobs, rings and specks: labels 1 to `count` with gaps where one covers another.
fn shapes(random: &mut Random, height: usize, width: usize, count: u32, largest: f32) -> Labels {
    let mut labels = Labels::zeros(height, width);
    for label in 1..=count {
        let (y, x) = (random.number(0.0, height as f32), random.number(0.0, width as f32));
        let radius = random.number(1.0, largest);
        let hole = random.number(-1.0, 0.9) * radius;
        let stretch = random.number(0.5, 2.0);
        for at in 0..height * width {
            let distance = ((at / width) as f32 - y).hypot(((at % width) as f32 - x) * stretch);
            if distance <= radius && distance >= hole {
                labels.as_mut_slice()[at] = label;
            }
        }
    }
    labels
}

/// Flows of length 5, more or less, towards the middle of each label's box.
fn flows_of(random: &mut Random, labels: &Labels) -> Planes {
    let own = flow_error::masks_to_flows(labels);
    let mut flows = Planes::zeros(2, labels.height(), labels.width());
    for (value, own) in flows.as_mut_slice().iter_mut().zip(own.as_slice()) {
        *value = 5.0 * own + random.number(-3.0, 3.0);
    }
    flows
}

/// The stage `flow_error` beside its twin: within the bound that it gives. Returns the largest share of it that is used,
/// and the largest bound.
fn check_errors(gpu: &Gpu, labels: &Labels, flows: &Planes) -> Result<(f64, f64), Failed> {
    let planes = block_on(GpuPlanes::upload(gpu, flows))?;
    let on_device = block_on(GpuLabels::upload(gpu, labels))?;
    let ours = block_on(cytoshade_gpu::flow_errors(gpu, &on_device, &planes))?;
    let expected = flow_error::flow_errors(labels, flows)?;
    let within = |ours: &Vec<cytoshade_gpu::FlowError>| {
        if ours.len() != expected.len() {
            return Err(format!("{} errors, expected {}", ours.len(), expected.len()));
        }
        for (at, (ours, expected)) in ours.iter().zip(&expected).enumerate() {
            let near = (ours.error - expected).abs() <= ours.bound;
            if !near {
                return Err(format!("label {}: {ours:?}, expected {expected}", at + 1));
            }
        }
        Ok(())
    };
    must_fail_when_perturbed(&ours, |ours| ours[0].error += 2.1 * ours[0].bound, within)?;
    let used = ours.iter().zip(&expected).map(|(ours, expected)| (ours.error - expected).abs() / ours.bound);
    Ok((used.fold(0.0, f64::max), ours.iter().map(|ours| ours.bound).fold(0.0, f64::max)))
}

fn random_errors(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(31);
    for (height, width, count, largest) in
        [(120, 150, 30, 15.0), (60, 60, 8, 28.0), (300, 40, 40, 9.0), (200, 200, 10, 30.0)]
    {
        let labels = without_gaps(&shapes(&mut random, height, width, count, largest));
        let flows = flows_of(&mut random, &labels);
        let (used, bound) = check_errors(gpu, &labels, &flows)?;
        eprintln!("flow errors: {used:.4} of a bound of at most {bound:.2e}");
    }
    Ok(())
}

fn without_gaps(labels: &Labels) -> Labels {
    let present: std::collections::BTreeSet<u32> = labels.as_slice().iter().copied().filter(|&l| l > 0).collect();
    let new = |label: &u32| if *label == 0 { 0 } else { present.range(..label).count() as u32 + 1 };
    Labels::new(labels.as_slice().iter().map(new).collect(), labels.height(), labels.width()).unwrap()
}

fn large_errors(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(32);
    // One of the whole plane, one long and thin, one of many tiles beside small ones.
    let whole = Labels::new(vec![1; 90 * 70], 90, 70).unwrap();
    let mut thin = Labels::zeros(12, 300);
    thin.as_mut_slice()[600..3000].fill(1);
    let mixed = without_gaps(&shapes(&mut random, 200, 230, 12, 80.0));
    for labels in [whole, thin, mixed] {
        let flows = flows_of(&mut random, &labels);
        let (used, bound) = check_errors(gpu, &labels, &flows)?;
        eprintln!("flow errors of large masks: {used:.4} of a bound of at most {bound:.2e}");
    }
    Ok(())
}

/// Boxes round the sizes at which another shader or more invocations take over, their masks full, ragged and off centre.
fn box_errors(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(38);
    for (height, width) in [
        (1, 1),
        (2, 3),
        (5, 31),
        (32, 32),
        (33, 32),
        (32, 33),
        (31, 64),
        (64, 30),
        (65, 33),
        (100, 20),
        (128, 64),
        (129, 12),
        (12, 129),
        (64, 65),
        (60, 60),
    ] {
        let mut labels = Labels::zeros(height + 7, width + 9);
        for y in 0..height {
            for x in 0..width {
                // The first and the last row and column are there, or the box would be smaller.
                let edge = y == 0 || x == 0 || y == height - 1 || x == width - 1;
                if edge || random.number(0.0, 1.0) < 0.8 {
                    labels.as_mut_slice()[(y + 2) * (width + 9) + x + 5] = 1;
                }
            }
        }
        let flows = flows_of(&mut random, &labels);
        check_errors(gpu, &labels, &flows)
            .map_err(|e| format!("{height} x {width}: {}", e.message().unwrap_or_default()))?;
    }
    Ok(())
}

/// Planes that are too large for one binding, in windows, as the CPU has the whole.
fn windows(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(39);
    let (height, width) = (420, 130);
    let mut labels = shapes(&mut random, height, width, 120, 14.0);
    // One that is higher than a window, and good; another that is, and bad.
    for y in 20..200 {
        labels.as_mut_slice()[y * width + 40..][..5].fill(1);
        labels.as_mut_slice()[y * width + 60..][..4].fill(2);
    }
    let labels = without_gaps(&labels);
    let mut flows = flows_of(&mut random, &labels);
    for at in (0..height * width).filter(|&at| labels.as_slice()[at] % 3 == 2) {
        flows.plane_mut(1)[at] += 6.0;
    }
    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 70_000))?;
    assert!(block_on(GpuPlanes::upload(&small, &flows)).is_err(), "the plane is too small");
    let exact = |mask: &Labels, flows: &Planes| flow_error::flow_errors(mask, flows).ok()?.first().copied();
    for threshold in [0.0, 0.4, 1.5] {
        let (mut ours, mut expected) = (labels.clone(), labels.clone());
        block_on(cytoshade_gpu::remove_bad_in_windows(&small, &mut ours, &flows, threshold, exact))?;
        flow_error::remove_bad(&mut expected, &flows, threshold)?;
        assert_eq!(expected == labels, threshold == 0.0);
        equal(&ours, &expected)?;
    }
    Ok(())
}

fn close_errors(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(33);
    let labels = without_gaps(&shapes(&mut random, 100, 100, 12, 15.0));
    let flows = flows_of(&mut random, &labels);
    let planes = block_on(GpuPlanes::upload(gpu, &flows))?;
    for (at, threshold) in flow_error::flow_errors(&labels, &flows)?.into_iter().enumerate() {
        // On the threshold itself a mask stays; a little below it goes.
        for (threshold, stays) in [(threshold, true), (threshold * (1.0 - 1e-12), false)] {
            let mut ours = block_on(GpuLabels::upload(gpu, &labels))?;
            let exact = |mask: &Labels, flows: &Planes| {
                flow_error::flow_errors(mask, flows).ok().and_then(|e| e.first().copied())
            };
            block_on(cytoshade_gpu::remove_bad(gpu, &mut ours, &planes, threshold, exact))?;
            let mut expected = labels.clone();
            flow_error::remove_bad(&mut expected, &flows, threshold)?;
            assert_eq!(expected.as_slice().contains(&(at as u32 + 1)), stays);
            equal(&block_on(ours.read(gpu))?, &expected)?;
        }
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Result<(), Failed> {
    let planes = block_on(GpuPlanes::upload(gpu, &Planes::zeros(2, 8, 9)))?;
    let labels = block_on(GpuLabels::upload(gpu, &Labels::zeros(8, 8)))?;
    assert!(block_on(cytoshade_gpu::flow_errors(gpu, &labels, &planes)).is_err());
    Ok(())
}

/// The stage `fill_holes` beside its twin.
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
        // Rings around each other, their labels in any order; some of them broken.
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
    // Winding corridors over several words a row, open at one end in the first plane and closed in the second.
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

/// What the dynamics need to know.
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
    let exact =
        |mask: &Labels, flows: &Planes| flow_error::flow_errors(mask, flows).ok().and_then(|e| e.first().copied());
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
    let (height, width) = (planes.height(), planes.width());
    let cellprob = case.input("cellprob").f32();
    let settings = Settings {
        threshold: case.number("cellprob_threshold") as f32,
        niter: case.number("niter") as u32,
        interp: case.flag("interp"),
        fraction: case.number("max_size_fraction"),
        flow_threshold: case.number("flow_threshold"),
        min_size: case.number("min_size").max(0.0) as usize,
    };
    // Each stage from the reference's own input to it.
    if let (Some(ends), Some(expected)) = (case.expected("endpoints"), case.expected("masks")) {
        let ends = ends.end_points(&cellprob, settings.threshold);
        check_masks(gpu, &ends, (height, width), settings.fraction)?;
        let ours = block_on(masks_of(gpu, &ends, (height, width), settings.fraction)?.read(gpu))?;
        if !expected.values.is_empty() {
            agree::masks(ours.as_slice(), &expected.u32())?;
        }
    }
    if let Some(expected) = case.expected("checked") {
        let masks = case.expected("masks").ok_or("no masks")?.labels();
        let on_device = block_on(GpuPlanes::upload(gpu, &planes))?;
        let mut labels = block_on(GpuLabels::upload(gpu, &masks))?;
        let exact =
            |mask: &Labels, flows: &Planes| flow_error::flow_errors(mask, flows).ok().and_then(|e| e.first().copied());
        block_on(cytoshade_gpu::remove_bad(gpu, &mut labels, &on_device, settings.flow_threshold, exact))?;
        equal(&block_on(labels.read(gpu))?, &expected.labels())?;
    }
    // And the whole.
    planes.append(&Planes::new(cellprob, 1, height, width)?)?;
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

fn label_fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let labels = case.input("labels").labels();
    check_holes(gpu, &labels, case.number("min_size").max(0.0) as usize)
}
