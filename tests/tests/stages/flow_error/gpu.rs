//! Stage `flow_error` on the GPU: errors within their bounds, and exactly the masks that the CPU drops.

use cytoshade_core::{Labels, Planes};
use cytoshade_cpu::flow_error;
use cytoshade_gpu::{Choice, Gpu, GpuLabels, GpuPlanes};
use cytoshade_tests::devices::open_with_capabilities;
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::must_fail_when_perturbed;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

use crate::shapes::{equal, flows_of, shapes, without_gaps};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random labels", random_errors);
    group.test("masks beyond a workgroup's memory", large_errors);
    group.test("close to the threshold the exact error decides", close_errors);
    group.test("boxes of every size and shape", box_errors);
    group.test("boxes of every size and shape, as on hardware", box_errors_as_on_hardware);
    group.test("in windows", windows);
    group.test("wrong sizes are refused", refusals);
    group.fixtures("dynamics", "cases.json", &["checked"], fixture);
}

/// The flow error of the first mask in f64, for masks that f32 cannot decide.
pub(crate) fn exact(mask: &Labels, flows: &Planes) -> Option<f64> {
    flow_error::flow_errors(mask, flows).ok()?.first().copied()
}

/// Compares the stage with the CPU's: each error is within its bound.
///
/// Returns the largest used fraction of a bound, and the largest bound.
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

fn large_errors(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(32);
    // A mask of the whole plane, a long thin one, one of many tiles beside small ones.
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

/// Boxes around the sizes at which the shader or the number of invocations changes; their masks are ragged and off
/// centre.
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
                // Without the first and the last row and column the box would be smaller.
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

/// Software adapters have their own shaders for most boxes.
fn box_errors_as_on_hardware(gpu: &Gpu) -> Result<(), Failed> {
    box_errors(&open_with_capabilities(gpu, |capabilities| capabilities.software = false)?)
}

/// Planes too large for one binding, in windows, against the whole plane on the CPU.
fn windows(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(39);
    let (height, width) = (420, 130);
    let mut labels = shapes(&mut random, height, width, 120, 14.0);
    // Two masks higher than a window: a good and a bad one.
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
        // A mask stays at a threshold equal to its error, and goes at a slightly lower one.
        for (threshold, stays) in [(threshold, true), (threshold * (1.0 - 1e-12), false)] {
            let mut ours = block_on(GpuLabels::upload(gpu, &labels))?;
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

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let flows = block_on(GpuPlanes::upload(gpu, &case.input("flows").planes()))?;
    let mut labels = block_on(GpuLabels::upload(gpu, &case.require("masks")?.labels()))?;
    block_on(cytoshade_gpu::remove_bad(gpu, &mut labels, &flows, case.number("flow_threshold"), exact))?;
    equal(&block_on(labels.read(gpu))?, &case.require("checked")?.labels())
}
