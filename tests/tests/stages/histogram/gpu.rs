//! Stage `histogram` on the GPU.

use cytoshade_core::EndPoints;
use cytoshade_gpu::{Gpu, GpuEndPoints, histogram};
use cytoshade_tests::fixtures::Case;
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::GpuGroup;
use cytoshade_tests::{agree, must_fail_when_perturbed};
use libtest_mimic::Failed;
use pollster::block_on;

use crate::follow_flows::gpu::{count, follow_flows};

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("random end points", random_end_points);
    group.fixtures("dynamics", "cases.json", &["histogram"], fixture);
}

fn random_end_points(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(22);
    for (height, width, points) in [(1, 1, 1), (30, 50, 1000), (170, 110, 18_700)] {
        let y = random.vector(points, 0.0, (height - 1) as f32 / 4.0);
        let x = random.vector(points, 0.0, (width - 1) as f32);
        let ends = EndPoints { pixels: (0..points as u32).collect(), y, x };
        let counted = block_on(GpuEndPoints::upload(gpu, &ends, height, width))?;
        let counted = block_on(block_on(histogram(gpu, &counted))?.read(gpu))?;
        agree::equal_with_twin(&counted.counts, &count(&ends, height, width), "counts")?;
    }
    Ok(())
}

/// An end point within a rounding error of a pixel's border may be counted on the other side.
fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let (flows, cellprob) = (case.input("flows").planes(), case.input("cellprob").f32());
    let (threshold, niter) = (case.number("cellprob_threshold") as f32, case.number("niter") as u32);
    let ends = follow_flows(gpu, &flows, &cellprob, threshold, niter, case.flag("interp"))?;
    let counted = block_on(block_on(histogram(gpu, &ends))?.read(gpu))?;
    let expected = case.require("histogram")?.u32();
    let points: u64 = expected.iter().map(|&n| u64::from(n)).sum();
    let near = |counts: &Vec<u32>| {
        let moved: u64 = counts.iter().zip(&expected).map(|(&a, &b)| u64::from(a.abs_diff(b))).sum();
        if counts.len() != expected.len() || moved as f64 > 2e-3 * points as f64 + 2.0 {
            return Err(format!("{moved} of 2 x {points} counts differ"));
        }
        Ok(())
    };
    // No point ends in the corner of the padding.
    must_fail_when_perturbed(&counted.counts, |counts| counts[0] += 3 + points as u32 / 100, near)
}
