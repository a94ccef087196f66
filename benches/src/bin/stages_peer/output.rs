//! Outputs of stages, and their comparison.

use std::time::{Duration, Instant};

use cytoshade_core::{EndPoints, Labels};

/// The output of a stage.
#[derive(Debug)]
pub(crate) enum Output {
    Values(Vec<f32>),
    Ends(EndPoints),
    Labels(Labels),
    /// Labels after all stages.
    Whole(Labels),
    /// The followed voxels, and the end point of each.
    Points(Vec<u32>, Vec<[f32; 3]>),
    /// Labels of a stack, after some or all stages.
    Volume(Vec<u32>),
}

impl Output {
    /// Whether two outputs agree.
    ///
    /// Values agree to 1e-5 of the largest, labels to the last pixel, 99.9 % of the end points to 0.01 pixels. After
    /// all stages, and in stacks, labels must have the same number of cells, and 99.9 % of the pixels in the same
    /// cells.
    pub(crate) fn agrees(&self, other: &Output) -> bool {
        match (self, other) {
            (Output::Values(ours), Output::Values(theirs)) => {
                let most = theirs.iter().fold(0.0f32, |most, value| most.max(value.abs()));
                let near = |(a, b): (&f32, &f32)| (a - b).abs() <= 1e-5 * most;
                ours.len() == theirs.len() && ours.iter().zip(theirs).all(near)
            }
            (Output::Ends(ours), Output::Ends(theirs)) => {
                let count = theirs.pixels.len();
                let near = (0..count.min(ours.y.len()))
                    .filter(|&at| (ours.y[at] - theirs.y[at]).hypot(ours.x[at] - theirs.x[at]) <= 1e-2);
                ours.pixels == theirs.pixels && near.count() as f64 >= 0.999 * count as f64
            }
            (Output::Labels(ours), Output::Labels(theirs)) => ours == theirs,
            (Output::Whole(ours), Output::Whole(theirs)) => {
                let same = ours.as_slice().iter().zip(theirs.as_slice()).filter(|(a, b)| a == b).count();
                ours.max() == theirs.max() && same as f64 >= 0.999 * theirs.as_slice().len() as f64
            }
            (Output::Points(ours, ends), Output::Points(theirs, expected)) => {
                let near = |(a, b): &(&[f32; 3], &[f32; 3])| {
                    a.iter().zip(*b).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt() <= 1e-2
                };
                ours == theirs && ends.iter().zip(expected).filter(near).count() as f64 >= 0.999 * theirs.len() as f64
            }
            (Output::Volume(ours), Output::Volume(theirs)) => {
                let same = ours.iter().zip(theirs).filter(|(a, b)| a == b).count();
                ours.iter().max() == theirs.iter().max() && same as f64 >= 0.999 * theirs.len() as f64
            }
            _ => false,
        }
    }
}

/// Runs `work`, and returns its result and its seconds.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let made = work();
    (start.elapsed(), made)
}
