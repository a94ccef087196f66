//! Stages `follow_flows` and `histogram`.

use cytoshade_core::{EndPoints, HISTOGRAM_PAD, Histogram, Planes};
use cytoshade_gpu::{Choice, Error, Gpu, follow_flows, histogram, sinks};
use libtest_mimic::Failed;
use pollster::block_on;

use crate::Test;
use crate::agree::{both_ways, end_points};
use crate::fixtures::{Case, cases, counts, floats};
use crate::random::Random;
use crate::reference;

pub(crate) fn tests() -> Vec<Test> {
    let mut tests = vec![
        Test::new("follow_flows: random flows", random_flows),
        Test::new("follow_flows: planes of few pixels", few_pixels),
        Test::new("follow_flows: no pixel takes part", no_pixels),
        Test::new("follow_flows: flows that are not numbers stay in the plane", not_numbers),
        Test::new("follow_flows: wrong sizes and too large planes are refused", refusals),
        Test::new("histogram: random end points", random_end_points),
    ];
    for case in cases("dynamics") {
        let missing = !case.complete();
        tests.push(
            Test::new(format!("follow_flows: fixture {}", case.name()), move |gpu| fixture(gpu, &case))
                .missing(missing),
        );
    }
    tests
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

fn pairs(ends: &EndPoints) -> Vec<(f32, f32)> {
    ends.y.iter().copied().zip(ends.x.iter().copied()).collect()
}

/// The end points counted once more.
fn count(ends: &EndPoints, height: usize, width: usize) -> Vec<u32> {
    let stride = width + 2 * HISTOGRAM_PAD;
    let mut counts = vec![0; stride * (height + 2 * HISTOGRAM_PAD)];
    for (y, x) in pairs(ends) {
        counts[(y as usize + HISTOGRAM_PAD) * stride + x as usize + HISTOGRAM_PAD] += 1;
    }
    counts
}

fn compare_ends_both_ways(ends: &EndPoints, expected: &[(f32, f32)]) -> Result<(), Failed> {
    let ends = pairs(ends);
    if expected.is_empty() {
        // Nothing to perturb.
        return if ends.is_empty() { Ok(()) } else { Err("points where there should be none".into()) };
    }
    // A thousandth of the points, and one more.
    let some = ends.len() / 1000 + 1;
    both_ways(
        &ends,
        |ends| end_points(ends, expected),
        &[
            ("all off by a fiftieth", &|ends: &mut Vec<(f32, f32)>| ends.iter_mut().for_each(|p| p.0 += 0.02)),
            ("two in a thousand off", &|ends| ends.iter_mut().take(some).for_each(|p| p.1 += 1.0)),
            ("NaN", &|ends| ends.iter_mut().take(some).for_each(|p| p.1 = f32::NAN)),
            ("a missing point", &|ends| ends.truncate(ends.len() - 1)),
        ],
    )
}

fn compare_counts_both_ways(found: &Histogram, expected: &[u32]) -> Result<(), Failed> {
    both_ways(
        &found.counts,
        |counts| if counts == expected { Ok(()) } else { Err("the counts differ".into()) },
        &[
            ("one count off", &|counts: &mut Vec<u32>| counts[0] += 1),
            ("a missing bin", &|counts| counts.truncate(counts.len() - 1)),
        ],
    )
}

/// Runs the stage both ways and holds it against `expected`; returns the end points.
fn check(
    gpu: &Gpu,
    (flows, cellprob): (&Planes, &[f32]),
    threshold: f32,
    niter: u32,
    interp: bool,
    expected: &[(f32, f32)],
) -> Result<(EndPoints, Histogram), Failed> {
    let alone = block_on(follow_flows(gpu, flows, cellprob, threshold, niter, interp))?;
    let (ends, counted) = block_on(sinks(gpu, flows, cellprob, threshold, niter, interp))?;
    assert_eq!(alone, ends, "with and without the histogram");
    let active: Vec<u32> = (0..cellprob.len() as u32).filter(|&at| cellprob[at as usize] > threshold).collect();
    assert_eq!(ends.pixels, active);
    compare_ends_both_ways(&ends, expected)?;
    let (height, width) = (flows.height(), flows.width());
    assert_eq!((counted.height, counted.width), (height, width));
    compare_counts_both_ways(&counted, &count(&ends, height, width))?;
    assert_eq!(block_on(histogram(gpu, &ends, height, width))?, counted, "counted on its own");
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
            let expected =
                reference::follow_flows(flows.as_slice(), &cellprob, (height, width), threshold, niter, interp);
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
            let expected = reference::follow_flows(flows.as_slice(), &cellprob, (height, width), 0.0, 30, interp);
            check(gpu, (&flows, &cellprob), 0.0, 30, interp, &expected)?;
        }
    }
    Ok(())
}

fn no_pixels(gpu: &Gpu) -> Result<(), Failed> {
    let (ends, counted) = block_on(sinks(gpu, &Planes::zeros(2, 5, 7), &[0.0; 35], 0.0, 10, true))?;
    assert_eq!(ends, EndPoints::default());
    assert_eq!(counted.counts, vec![0; 45 * 47]);
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
        let (ends, counted) = block_on(sinks(gpu, &flows, &[1.0; 120], 0.0, 30, interp))?;
        assert_eq!((ends.pixels.len(), counted.counts.iter().sum::<u32>()), (120, 120));
    }
    Ok(())
}

fn refusals(gpu: &Gpu) -> Result<(), Failed> {
    let flows = Planes::zeros(2, 64, 64);
    let error = block_on(follow_flows(gpu, &flows, &[1.0; 7], 0.0, 1, true)).err().ok_or("it ran")?;
    assert_eq!(error, Error::Length { what: "cellprob", found: 7, expected: 4096 });
    let error = block_on(follow_flows(gpu, &flows.select(0..1), &[1.0; 4096], 0.0, 1, true)).err().ok_or("it ran")?;
    assert_eq!(error, Error::Length { what: "flows", found: 4096, expected: 8192 });
    let ends = EndPoints { pixels: vec![0], y: vec![1.0], x: vec![] };
    let error = block_on(histogram(gpu, &ends, 4, 4)).err().ok_or("it ran")?;
    assert_eq!(error, Error::Length { what: "x", found: 0, expected: 1 });

    let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), 8 * 64 * 64))?;
    block_on(follow_flows(&small, &flows, &[1.0; 4096], 0.0, 1, true))?;
    let (large, cellprob) = (Planes::zeros(2, 64, 65), [1.0; 64 * 65]);
    let error = block_on(follow_flows(&small, &large, &cellprob, 0.0, 1, true)).err().ok_or("it ran")?;
    let (needed, allowed) = (8 * 64 * 65, 8 * 64 * 64);
    let expected = Error::Limit { what: "the flow dynamics", needed, limit: "maxStorageBufferBindingSize", allowed };
    assert_eq!(error, expected);
    Ok(())
}

fn random_end_points(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(22);
    for (height, width, points) in [(1, 1, 5), (30, 50, 1000), (17, 11, 70_000)] {
        let y = random.vector(points, 0.0, (height - 1) as f32);
        let x = random.vector(points, 0.0, (width - 1) as f32);
        let ends = EndPoints { pixels: vec![0; points], y, x };
        compare_counts_both_ways(&block_on(histogram(gpu, &ends, height, width))?, &count(&ends, height, width))?;
    }
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (sides, flows) = floats(&case.input("flows"));
    let [2, height, width] = sides[..] else { return Err("the flows are not [2, height, width]".into()) };
    let flows = Planes::new(flows, 2, height, width)?;
    let (_, cellprob) = floats(&case.input("cellprob"));
    let number = |name: &str| case.param(name).as_f64().unwrap_or_else(|| panic!("no {name}"));
    let (threshold, niter) = (number("cellprob_threshold") as f32, number("niter") as u32);
    let interp = case.param("interp").as_bool().ok_or("no interp")?;
    // Cases that vary what comes later have no end points of their own; then our own reference stands in.
    let expected = match case.expected("endpoints") {
        Some(path) => {
            let (_, values) = floats(&path);
            let (y, x) = values.split_at(values.len() / 2);
            y.iter().copied().zip(x.iter().copied()).collect()
        }
        None => reference::follow_flows(flows.as_slice(), &cellprob, (height, width), threshold, niter, interp),
    };
    let (_, counted) = check(gpu, (&flows, &cellprob), threshold, niter, interp, &expected)?;
    if let Some(path) = case.expected("histogram") {
        // Where an end point lies a rounding error beside a pixel's border it may be counted on the other side.
        let expected = counts(&path);
        let moved: u64 = counted.counts.iter().zip(&expected).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        let points: u64 = expected.iter().map(|&n| u64::from(n)).sum();
        if moved as f64 > 2e-3 * points as f64 + 2.0 {
            return Err(format!("{moved} of 2 x {points} counts are elsewhere").into());
        }
    }
    Ok(())
}
