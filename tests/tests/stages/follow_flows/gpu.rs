//! Stage `follow_flows` on the GPU, against the reference's fixtures and its formulas in `reference`.

use cytoshade_core::{EndPoints, HISTOGRAM_PAD, Histogram, Planes};
use cytoshade_gpu::{Choice, Error, Gpu, GpuEndPoints, GpuPlanes, histogram};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use cytoshade_tests::{agree, must_fail_when_perturbed, reference};
use libtest_mimic::Failed;
use pollster::block_on;

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random flows", random_flows);
    group.test("planes of few pixels", few_pixels);
    group.test("no pixel takes part", no_pixels);
    group.test("flows that are not numbers stay in the plane", not_numbers);
    group.test("wrong sizes and too large planes are refused", refusals);
    group.test("in strips", strips);
    group.fixtures("dynamics", "cases.json", &["endpoints", "final", "cells", "histogram"], fixture);
}

/// Smooth flows with noise, and a cellprob with holes.
fn scene(random: &mut Random, height: usize, width: usize) -> (Planes, Vec<f32>) {
    let (a, b) = (random.number(0.05, 0.3), random.number(0.05, 0.3));
    let mut flows = Planes::zeros(2, height, width);
    let mut cellprob = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (v, u) = (y as f32 * a, x as f32 * b);
            flows.plane_mut(0)[y * width + x] = 5.0 * v.sin() + random.number(-0.5, 0.5);
            flows.plane_mut(1)[y * width + x] = 5.0 * u.cos() + random.number(-0.5, 0.5);
            cellprob.push(2.0 * (v + u).sin() + random.number(-1.0, 1.0));
        }
    }
    (flows, cellprob)
}

/// Counts end points in bins.
pub(crate) fn count(ends: &EndPoints, height: usize, width: usize) -> Vec<u32> {
    let stride = width + 2 * HISTOGRAM_PAD;
    let mut counts = vec![0; stride * (height + 2 * HISTOGRAM_PAD)];
    for (&y, &x) in ends.y.iter().zip(&ends.x) {
        counts[(y as usize + HISTOGRAM_PAD) * stride + x as usize + HISTOGRAM_PAD] += 1;
    }
    counts
}

/// Runs the stage on planes of the host.
pub(crate) fn follow_flows(
    gpu: &Gpu,
    flows: &Planes,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<GpuEndPoints, Error> {
    let mut planes = flows.clone();
    let cellprob = Planes::new(cellprob.to_vec(), 1, flows.height(), flows.width()).unwrap();
    planes.append(&cellprob).unwrap();
    let planes = block_on(GpuPlanes::upload(gpu, &planes))?;
    block_on(cytoshade_gpu::follow_flows(gpu, &planes, threshold, niter, interp))
}

/// Runs the stage and compares it with `expected`. Returns the end points and their histogram.
fn check(
    gpu: &Gpu,
    (flows, cellprob): (&Planes, &[f32]),
    threshold: f32,
    niter: u32,
    interp: bool,
    expected: &EndPoints,
) -> Result<(EndPoints, Histogram), Failed> {
    let found = follow_flows(gpu, flows, cellprob, threshold, niter, interp)?;
    let (ends, counted) = (block_on(found.read(gpu))?, block_on(block_on(histogram(gpu, &found))?.read(gpu))?);
    agree::end_points_with_twin(&ends, expected)?;
    let (height, width) = (flows.height(), flows.width());
    assert_eq!((counted.height, counted.width), (height, width));
    agree::equal_with_twin(&counted.counts, &count(&ends, height, width), "counts")?;
    let again = block_on(GpuEndPoints::upload(gpu, &ends, height, width))?;
    assert_eq!(block_on(again.read(gpu))?, ends, "uploaded again");
    Ok((ends, counted))
}

fn random_flows(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(20);
    for (height, width) in [(64, 100), (37, 53)] {
        let (flows, cellprob) = scene(&mut random, height, width);
        for (threshold, niter, interp) in [
            (0.0, 0, true),
            (0.0, 1, true),
            (0.5, 50, true),
            (-9.0, 137, true),
            (0.0, 200, true),
            (0.0, 137, false),
            (-9.0, 200, false),
        ] {
            let expected = reference::follow_flows(&flows, &cellprob, threshold, niter, interp);
            check(gpu, (&flows, &cellprob), threshold, niter, interp, &expected).map_err(|e| {
                format!("{height} x {width}, {threshold}, {niter}, {interp}: {}", e.message().unwrap_or(""))
            })?;
        }
    }
    Ok(())
}

fn few_pixels(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(21);
    for (height, width) in [(1, 1), (1, 9), (9, 1), (2, 2)] {
        let (flows, _) = scene(&mut random, height, width);
        let cellprob = vec![1.0; height * width];
        for interp in [true, false] {
            let expected = reference::follow_flows(&flows, &cellprob, 0.0, 30, interp);
            check(gpu, (&flows, &cellprob), 0.0, 30, interp, &expected)?;
        }
    }
    Ok(())
}

fn no_pixels(gpu: &Gpu) -> Result<(), Failed> {
    let found = follow_flows(gpu, &Planes::zeros(2, 5, 7), &[0.0; 35], 0.0, 10, true)?;
    assert_eq!(block_on(found.read(gpu))?, EndPoints::default());
    assert_eq!(block_on(block_on(histogram(gpu, &found))?.read(gpu))?.counts, vec![0; 45 * 47]);
    Ok(())
}

fn not_numbers(gpu: &Gpu) -> Result<(), Failed> {
    let mut flows = Planes::zeros(2, 12, 10);
    for (value, bad) in
        flows.as_mut_slice().iter_mut().zip([f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 3e38].iter().cycle())
    {
        *value = *bad;
    }
    for interp in [true, false] {
        let found = follow_flows(gpu, &flows, &[1.0; 120], 0.0, 30, interp)?;
        let counted = block_on(block_on(histogram(gpu, &found))?.read(gpu))?;
        assert_eq!((block_on(found.read(gpu))?.pixels.len(), counted.counts.iter().sum::<u32>()), (120, 120));
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Result<(), Failed> {
    let flows = block_on(GpuPlanes::upload(gpu, &Planes::zeros(2, 64, 64)))?;
    let error = block_on(cytoshade_gpu::follow_flows(gpu, &flows, 0.0, 1, true)).err().ok_or("it ran")?;
    assert_eq!(error, Error::Length { what: "planes", found: 8192, expected: 12_288 });
    let ends = EndPoints { pixels: vec![0], y: vec![1.0], x: vec![] };
    let error = block_on(GpuEndPoints::upload(gpu, &ends, 4, 4)).err().ok_or("it ran")?;
    assert_eq!(error, Error::Length { what: "x", found: 0, expected: 1 });
    let ends = EndPoints { pixels: vec![16], y: vec![1.0], x: vec![1.0] };
    let error = block_on(GpuEndPoints::upload(gpu, &ends, 4, 4)).err().ok_or("it ran")?;
    assert_eq!(error, Error::Length { what: "the plane of a pixel", found: 16, expected: 16 });

    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 12 * 64 * 64))?;
    follow_flows(&small, &Planes::zeros(2, 64, 64), &[1.0; 4096], 0.0, 1, true)?;
    let error = follow_flows(&small, &Planes::zeros(2, 64, 65), &[1.0; 64 * 65], 0.0, 1, true).err().ok_or("it ran")?;
    let (needed, allowed) = (12 * 64 * 65, 12 * 64 * 64);
    assert_eq!(error, Error::Limit { what: "planes", needed, limit: "maxStorageBufferBindingSize", allowed });
    // The padding of the histogram needs memory too.
    let error = follow_flows(&small, &Planes::zeros(2, 1, 1000), &[1.0; 1000], 0.0, 1, true).err().ok_or("it ran")?;
    let needed = 4 * 41 * 1040;
    assert_eq!(
        error,
        Error::Limit { what: "the flow dynamics", needed, limit: "maxStorageBufferBindingSize", allowed }
    );
    let error = follow_flows(gpu, &Planes::zeros(2, 70_000, 1), &[1.0; 70_000], 0.0, 1, true).err().ok_or("it ran")?;
    assert!(matches!(error, Error::Limit { limit: "longest side", .. }), "{error}");
    Ok(())
}

/// Planes too large for one binding, in strips, equal the whole plane to the last bit.
fn strips(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(23);
    let (height, width) = (150, 40);
    let (mut planes, mut cellprob) = scene(&mut random, height, width);
    // Constant flows: these pixels cross many strips, down or up.
    for at in (0..height * width).filter(|at| at % width < 8) {
        planes.plane_mut(0)[at] = if at % width < 4 { 6.0 } else { -4.5 };
        planes.plane_mut(1)[at] = 0.0;
        cellprob[at] = 9.0;
    }
    planes.append(&Planes::new(cellprob, 1, height, width)?)?;
    // Room for strips of three rows, of several, and for two strips.
    for rows in [6, 30, 100] {
        let small = Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 12 * (rows * width) as u64);
        let small = block_on(small)?;
        for (threshold, niter, interp) in [(0.0, 0, true), (0.0, 137, true), (-9.0, 200, true), (-9.0, 120, false)] {
            let ours = block_on(cytoshade_gpu::follow_flows_in_strips(&small, &planes, threshold, niter, interp))?;
            let whole = block_on(async {
                let planes = GpuPlanes::upload(gpu, &planes).await?;
                cytoshade_gpu::follow_flows(gpu, &planes, threshold, niter, interp).await?.read(gpu).await
            })?;
            let same = |ours: &EndPoints| if *ours == whole { Ok(()) } else { Err("end points differ".into()) };
            must_fail_when_perturbed(&ours, |ends| ends.y[0] += 1.0, same)
                .map_err(|e| format!("{rows} rows, {niter}, {interp}: {e:?}"))?;
            let far =
                whole.pixels.iter().zip(&whole.y).filter(|&(&at, &y)| (y - (at as usize / width) as f32).abs() > 99.0);
            assert!(niter < 100 || far.count() > 50, "no pixel goes far");
        }
    }
    let tiny = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 12 * width as u64))?;
    let error = block_on(cytoshade_gpu::follow_flows_in_strips(&tiny, &planes, 0.0, 1, true)).err();
    assert!(matches!(error, Some(Error::Limit { needed: 960, allowed: 480, .. })), "{error:?}");
    let flows = planes.select(0..2);
    let error = block_on(cytoshade_gpu::follow_flows_in_strips(gpu, &flows, 0.0, 1, true)).err();
    assert!(matches!(error, Some(Error::Length { .. })), "{error:?}");
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (flows, cellprob) = (case.input("flows").planes(), case.input("cellprob").f32());
    assert_eq!(flows.channels(), 2);
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    let interp = case.flag("interp");
    // Cases that vary a later stage have no end points of their own; then our own reference stands in.
    let expected = match case.expected("endpoints") {
        Some(ends) => ends.end_points(&cellprob, threshold),
        None => reference::follow_flows(&flows, &cellprob, threshold, niter, interp),
    };
    check(gpu, (&flows, &cellprob), threshold, niter, interp, &expected)?;
    Ok(())
}
