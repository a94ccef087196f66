//! The cells of a whole segmentation move and turn with the image.

use cytoshade::{Params, Segmenter, Stack};
use cytoshade_core::Labels;
use cytoshade_tests::synthetic::{CENTERS, SIDE, domes};
use cytoshade_tests::{eval, must_fail_when_perturbed};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> Vec<Trial> {
    type Test = fn(&Segmenter) -> Result<(), Failed>;
    let tests: [(&str, Test); 4] = [
        ("cells move with the image", moved),
        ("cells turn with the image", flipped),
        ("the cell probability is high in cells", inside),
        ("a stack of equal z-slices is stitched through all of them", stitched),
    ];
    tests.into_iter().flat_map(|(name, test)| eval::bundled_trials("equivariance", name, test)).collect()
}

fn labels(segmenter: &Segmenter, centers: &[(i32, i32)]) -> Result<Labels, Failed> {
    Ok(segmenter.segment(&domes(centers), &Params::default())?.labels)
}

/// Every cell of `moved` overlaps its image of a cell of `labels` under `place`, at an intersection over union of 0.8.
/// Labels that did not move must fail.
fn same_cells(labels: &Labels, moved: &Labels, place: impl Fn(usize, usize) -> (usize, usize)) -> Result<(), Failed> {
    let near = |moved: &Labels| {
        if (labels.max(), moved.max()) != (CENTERS.len() as u32, CENTERS.len() as u32) {
            return Err(format!("{} and {} cells", labels.max(), moved.max()));
        }
        let taken: Vec<u32> = (0..SIDE * SIDE)
            .map(|at| place(at / SIDE, at % SIDE))
            .map(|(y, x)| if y < SIDE && x < SIDE { labels.as_slice()[y * SIDE + x] } else { 0 })
            .collect();
        for cell in 1..=moved.max() {
            let inside: Vec<usize> = (0..taken.len()).filter(|&at| moved.as_slice()[at] == cell).collect();
            let best = (1..=labels.max()).map(|other| {
                let both = inside.iter().filter(|&&at| taken[at] == other).count();
                let all = inside.len() + taken.iter().filter(|&&label| label == other).count() - both;
                both as f64 / all as f64
            });
            let best = best.fold(0.0, f64::max);
            if best < 0.8 {
                return Err(format!("cell {cell}: {best}"));
            }
        }
        Ok(())
    };
    must_fail_when_perturbed(moved, |moved| *moved = labels.clone(), near)
}

fn moved(segmenter: &Segmenter) -> Result<(), Failed> {
    let still = labels(segmenter, &CENTERS)?;
    for (dy, dx) in [(16, 8), (5, 27), (33, 0)] {
        let moved = labels(segmenter, &CENTERS.map(|(y, x)| (y + dy, x + dx)))?;
        // The pixel before the move; one outside wraps to a pixel beyond the image.
        same_cells(&still, &moved, |y, x| (y.wrapping_sub(dy as usize), x.wrapping_sub(dx as usize)))?;
    }
    Ok(())
}

fn flipped(segmenter: &Segmenter) -> Result<(), Failed> {
    let (still, last) = (labels(segmenter, &CENTERS)?, SIDE as i32 - 1);
    let flipped = labels(segmenter, &CENTERS.map(|(y, x)| (last - y, x)))?;
    same_cells(&still, &flipped, |y, x| (SIDE - 1 - y, x))?;
    let mirrored = labels(segmenter, &CENTERS.map(|(y, x)| (y, last - x)))?;
    same_cells(&still, &mirrored, |y, x| (y, SIDE - 1 - x))
}

/// The domes have no holes to fill, so no cell may cross the threshold.
fn inside(segmenter: &Segmenter) -> Result<(), Failed> {
    for cellprob_threshold in [-1.0, 0.0, 2.0] {
        let params = Params::new().cellprob_threshold(cellprob_threshold).outputs(cytoshade::Outputs::ALL);
        let found = segmenter.segment(&domes(&CENTERS), &params)?;
        let cellprob = found.cellprob.ok_or("no cell probability")?;
        let low = |labels: &Labels| {
            let low =
                labels.as_slice().iter().zip(cellprob.as_slice()).filter(|&(&l, &p)| l > 0 && p <= cellprob_threshold);
            let low = low.count();
            if low == 0 && labels.max() > 0 { Ok(()) } else { Err(format!("{low} pixels of cells are not inside")) }
        };
        must_fail_when_perturbed(&found.labels, |labels| labels.as_mut_slice().fill(1), low)?;
    }
    Ok(())
}

fn stitched(segmenter: &Segmenter) -> Result<(), Failed> {
    let stack = Stack::new(vec![domes(&CENTERS); 4])?;
    let params = Params::new().stitch_threshold(0.5);
    let found = segmenter.segment_stack(&stack, &params)?;
    let through = |labels: &cytoshade_core::LabelVolume| {
        let same = (1..4).all(|z| labels.slice(z) == labels.slice(0));
        let cells = labels.max() as usize;
        if same && cells == CENTERS.len() { Ok(()) } else { Err(format!("{cells} cells, alike in all layers: {same}")) }
    };
    must_fail_when_perturbed(&found.labels, |labels| labels.as_mut_slice()[0] = 1, through)
}
