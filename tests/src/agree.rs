//! Measures of agreement with the reference.

use std::collections::{HashMap, HashSet};

use cytoshade_core::EndPoints;
use libtest_mimic::Failed;

use crate::{each_way, must_fail_when_perturbed};

/// The relative L2 error ||ours - reference|| / ||reference||, in f64, is at most `limit`.
///
/// A reference of zeros has no relative error; the comparison then fails.
pub fn l2_within<R: Copy + Into<f64>>(ours: &[f32], reference: &[R], limit: f64) -> Result<(), String> {
    if ours.len() != reference.len() {
        return Err(format!("{} values, expected {}", ours.len(), reference.len()));
    }
    let difference: f64 = ours.iter().zip(reference).map(|(&a, &b)| (f64::from(a) - b.into()).powi(2)).sum();
    let norm: f64 = reference.iter().map(|&b| b.into().powi(2)).sum();
    let error = (difference / norm).sqrt();
    // This form fails on NaN.
    if error <= limit { Ok(()) } else { Err(format!("relative L2 error {error:.3e}, allowed {limit:.1e}")) }
}

/// Each value differs by no more than `limit` times the largest magnitude in the reference.
pub fn close(ours: &[f32], reference: &[f32], limit: f64) -> Result<(), String> {
    if ours.len() != reference.len() {
        return Err(format!("{} values, expected {}", ours.len(), reference.len()));
    }
    let largest = reference.iter().fold(0.0f64, |m, &v| m.max(f64::from(v).abs()));
    for (at, (&a, &b)) in ours.iter().zip(reference).enumerate() {
        let difference = (f64::from(a) - f64::from(b)).abs();
        let within = difference <= limit * largest.max(f64::MIN_POSITIVE);
        // `>` would pass NaN.
        if !within {
            return Err(format!("value {at} is {a}, expected {b}; allowed {limit:.1e} of {largest}"));
        }
    }
    Ok(())
}

/// "Equal to rounding", as a fraction of the largest value.
pub const ROUNDING: f64 = 1e-5;

/// [`close`], which must fail if a value in the middle is off by a hundredth of the largest.
pub fn close_with_twin(ours: &[f32], reference: &[f32], limit: f64) -> Result<(), Failed> {
    let nudge = |values: &mut Vec<f32>| {
        let largest = values.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
        let middle = values.len() / 2;
        values[middle] += largest / 100.0;
    };
    must_fail_when_perturbed(&ours.to_vec(), nudge, |values| close(values, reference, limit))
}

/// Relative L2 error allowed for a network in f32: the parity measure of the project.
pub const NETWORK: f64 = 2e-6;

/// Relative L2 error allowed for a network whose activations and weights are stored in f16.
pub const NETWORK_F16: f64 = 1e-3;

/// The expected outputs of a network for a batch of n tiles.
#[derive(Clone, Debug)]
pub struct ExpectedBatch {
    /// The outputs, shape [n, nout, height, width].
    pub outputs: Vec<f64>,
    /// The style vectors, shape [n, style channels].
    pub styles: Vec<f64>,
}

impl ExpectedBatch {
    /// Compares outputs and style vectors by the parity measure in f32.
    pub fn compare(&self, outputs: &[f32], styles: &[f32]) -> Result<(), String> {
        self.compare_within(NETWORK, outputs, styles)
    }

    /// Compares outputs and style vectors by a relative L2 error.
    pub fn compare_within(&self, limit: f64, outputs: &[f32], styles: &[f32]) -> Result<(), String> {
        l2_within(outputs, &self.outputs, limit).map_err(|e| format!("outputs: {e}"))?;
        l2_within(styles, &self.styles, limit).map_err(|e| format!("styles: {e}"))
    }

    /// [`ExpectedBatch::compare`], which must fail on slightly wrong outputs and styles (rows of `width`).
    pub fn compare_with_twin(&self, outputs: &[f32], styles: &[f32], width: usize) -> Result<(), Failed> {
        self.compare_with_twin_within(NETWORK, outputs, styles, width)?;
        let largest = outputs.iter().fold(0.0f32, |m, value| m.max(value.abs()));
        each_way(
            &(outputs.to_vec(), styles.to_vec()),
            |(outputs, styles)| self.compare(outputs, styles),
            &[
                ("one output off by a tenth", &|(outputs, _)| outputs[0] += 0.1),
                ("one output off by a hundredth of the largest", &|(outputs, _)| outputs[0] += largest / 100.0),
                ("one style off", &|(_, styles)| styles[0] += 1e-3),
            ],
        )
    }

    /// [`ExpectedBatch::compare_within`], which must fail at twice the limit (rows of `width`).
    /// error.
    pub fn compare_with_twin_within(
        &self,
        limit: f64,
        outputs: &[f32],
        styles: &[f32],
        width: usize,
    ) -> Result<(), Failed> {
        type Found = (Vec<f32>, Vec<f32>);
        let found: Found = (outputs.to_vec(), styles.to_vec());
        let compare = |(outputs, styles): &Found| self.compare_within(limit, outputs, styles);
        let off = |values: &mut Vec<f32>, up: bool| {
            let factor = if up { 1.0 + 2.0 * limit } else { 1.0 - 2.0 * limit };
            values.iter_mut().for_each(|value| *value = (f64::from(*value) * factor) as f32);
        };
        each_way(
            &found,
            compare,
            &[
                ("all outputs too large", &|(outputs, _)| off(outputs, true)),
                ("all outputs too small", &|(outputs, _)| off(outputs, false)),
                ("a NaN among the outputs", &|(outputs, _)| outputs[0] = f32::NAN),
                ("a missing output", &|(outputs, _)| outputs.truncate(outputs.len() - 1)),
                ("all styles too large", &|(_, styles)| off(styles, true)),
                ("all styles too small", &|(_, styles)| off(styles, false)),
                ("a NaN among the styles", &|(_, styles)| styles[0] = f32::NAN),
                ("a missing style", &|(_, styles)| styles.truncate(styles.len() - 1)),
            ],
        )?;
        // A rotation does not change a single row.
        if outputs.len() > width {
            each_way(&found, compare, &[("outputs moved by a row", &|(outputs, _)| outputs.rotate_left(width))])?;
        }
        Ok(())
    }
}

/// The same pixels are followed, and at least 99.9 % of the points agree within a hundredth of a pixel.
pub fn end_points(ours: &EndPoints, reference: &EndPoints) -> Result<(), String> {
    if ours.pixels != reference.pixels {
        return Err("other pixels take part".into());
    }
    let count = reference.pixels.len();
    for found in [ours.y.len(), ours.x.len(), reference.y.len(), reference.x.len()] {
        if found != count {
            return Err(format!("{found} end points of {count} pixels"));
        }
    }
    let far = (0..count)
        .filter(|&i| {
            let near = (ours.y[i] - reference.y[i]).hypot(ours.x[i] - reference.x[i]) <= 1e-2;
            !near
        })
        .count();
    if far as f64 <= 1e-3 * count as f64 {
        Ok(())
    } else {
        Err(format!("{far} of {count} end points are further than 0.01 pixels"))
    }
}

/// [`end_points`], which must fail on slightly wrong end points.
pub fn end_points_with_twin(ours: &EndPoints, reference: &EndPoints) -> Result<(), Failed> {
    let compare = |ours: &EndPoints| end_points(ours, reference);
    if reference.pixels.is_empty() {
        // Nothing to perturb.
        return Ok(compare(ours)?);
    }
    // A thousandth of the points, and one more.
    let some = ours.y.len() / 1000 + 1;
    each_way(
        ours,
        compare,
        &[
            ("all off by a fiftieth", &|ends| ends.y.iter_mut().for_each(|y| *y += 0.02)),
            ("every 500th off by a fiftieth", &|ends| ends.y.iter_mut().step_by(500).for_each(|y| *y += 0.02)),
            ("two in a thousand off", &|ends| ends.x.iter_mut().take(some).for_each(|x| *x += 1.0)),
            ("NaN", &|ends| ends.x.iter_mut().take(some).for_each(|x| *x = f32::NAN)),
            ("a missing row", &|ends| ends.y.truncate(ends.y.len() - 1)),
            ("a missing column", &|ends| ends.x.truncate(ends.x.len() - 1)),
            ("another pixel", &|ends| ends.pixels[0] += 1),
        ],
    )
}

/// The same number of end points in a stack, at least 99.9 % of them within a hundredth of a voxel.
///
/// Must fail on slightly wrong end points.
pub fn points_with_twin(ours: &[[f32; 3]], reference: &[[f32; 3]]) -> Result<(), Failed> {
    let is_near = |(a, b): &(&[f32; 3], &[f32; 3])| a.iter().zip(*b).map(|(a, b)| (a - b).powi(2)).sum::<f32>() <= 1e-4;
    let compare = |ours: &Vec<[f32; 3]>| {
        let count = reference.len();
        // Counting the near points makes NaN far.
        let far = count - ours.iter().zip(reference).filter(is_near).count();
        let fits = ours.len() == count && far as f64 <= 1e-3 * count as f64;
        if fits { Ok(()) } else { Err(format!("{far} of {count} end points are further than 0.01 voxels")) }
    };
    if reference.is_empty() {
        return Ok(compare(&ours.to_vec())?);
    }
    let some = |change: fn(&mut [f32; 3])| move |points: &mut Vec<_>| points.iter_mut().step_by(500).for_each(change);
    each_way(
        &ours.to_vec(),
        compare,
        &[
            ("every 500th off by a fiftieth", &some(|point| point[0] += 0.02)),
            ("every 500th not a number", &some(|point| point[2] = f32::NAN)),
            ("a missing point", &|points| points.truncate(points.len() - 1)),
        ],
    )
}

/// Equal values. Must fail if one is off or missing.
pub fn equal_with_twin(ours: &[u32], reference: &[u32], what: &str) -> Result<(), Failed> {
    each_way(
        &ours.to_vec(),
        |ours| if ours == reference { Ok(()) } else { Err(format!("{what} differ")) },
        &[
            ("one value off", &|values: &mut Vec<u32>| values[0] += 1),
            ("a missing value", &|values| values.truncate(values.len() - 1)),
        ],
    )
}

/// The measure for masks: cells match and pixels agree.
///
/// Every cell of the reference has a match in ours with an intersection over union of at least 0.9, there are no
/// others, and at least 99.9 % of the pixels are in the same cell.
pub fn masks(ours: &[u32], reference: &[u32]) -> Result<(), String> {
    masks_of(ours, &[reference])
}

/// [`masks`] for a reference with several answers that differ by rounding noise.
///
/// Every cell that all answers share has a match, each of ours is a cell of one of them, and at least 99.9 % of the
/// pixels are in the same cell as in one of them.
pub fn masks_of(ours: &[u32], answers: &[&[u32]]) -> Result<(), String> {
    let (own, others) = answers.split_first().ok_or("the reference has no answer")?;
    if let Some(answer) = answers.iter().find(|answer| answer.len() != ours.len()) {
        return Err(format!("{} pixels, expected {}", ours.len(), answer.len()));
    }
    let mut shared = cells(own);
    for other in others {
        let partners = partners(other, own);
        shared.retain(|cell| partners.contains_key(cell));
    }
    let partners: Vec<_> = answers.iter().map(|answer| partners(ours, answer)).collect();
    let missing = shared.iter().filter(|cell| !partners[0].contains_key(cell)).count();
    if missing > 0 {
        return Err(format!("{missing} cells of the reference's {} have no match", shared.len()));
    }
    let matched: HashSet<u32> = partners.iter().flat_map(|partners| partners.values().copied()).collect();
    let extra = cells(ours).difference(&matched).count();
    if extra > 0 {
        return Err(format!("{extra} cells are not in the reference"));
    }
    let is_same = |at: usize| {
        let mut answers = answers.iter().zip(&partners);
        answers
            .any(|(answer, partners)| (ours[at], answer[at]) == (0, 0) || partners.get(&answer[at]) == Some(&ours[at]))
    };
    let same = (0..ours.len()).filter(|&at| is_same(at)).count();
    let share = same as f64 / ours.len().max(1) as f64;
    if share >= 0.999 { Ok(()) } else { Err(format!("only {:.3} % of the pixels are in the same cell", share * 100.0)) }
}

fn cells(labels: &[u32]) -> HashSet<u32> {
    labels.iter().copied().filter(|&label| label > 0).collect()
}

/// Maps each matched cell of `theirs` to its match in `ours`.
///
/// An intersection over union above a half allows at most one.
fn partners(ours: &[u32], theirs: &[u32]) -> HashMap<u32, u32> {
    let mut overlap: HashMap<(u32, u32), usize> = HashMap::new();
    let [mut our_size, mut their_size] = [(); 2].map(|()| HashMap::<u32, usize>::new());
    for (&a, &b) in ours.iter().zip(theirs) {
        *overlap.entry((a, b)).or_default() += 1;
        *our_size.entry(a).or_default() += 1;
        *their_size.entry(b).or_default() += 1;
    }
    let matched = |&(&(a, b), &both): &(&(u32, u32), &usize)| {
        let union = our_size[&a] + their_size[&b] - both;
        a > 0 && b > 0 && both as f64 / union as f64 >= 0.9
    };
    overlap.iter().filter(matched).map(|(&(a, b), _)| (b, a)).collect()
}

/// [`masks`], which must fail without masks.
pub fn masks_with_twin(ours: &[u32], reference: &[u32]) -> Result<(), Failed> {
    masks_of_with_twin(ours, &[reference])
}

/// [`masks_of`], which must fail without masks.
pub fn masks_of_with_twin(ours: &[u32], answers: &[&[u32]]) -> Result<(), Failed> {
    let compare = |ours: &Vec<u32>| masks_of(ours, answers);
    if answers.iter().any(|answer| answer.iter().all(|&label| label == 0)) {
        return Ok(compare(&ours.to_vec())?);
    }
    each_way(&ours.to_vec(), compare, &[("no masks", &|labels| labels.fill(0))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measures_can_fail() {
        assert!(l2_within(&[1.0, f32::NAN], &[1.0f32, 2.0], 1.0).is_err());
        assert!(close(&[1.0, f32::NAN], &[1.0, 2.0], 1.0).is_err());
        assert!(l2_within(&[0.0, 0.0], &[0.0f32, 0.0], 1.0).is_err(), "nothing to be relative to");
        let at = |x| EndPoints { pixels: vec![0], y: vec![0.0], x: vec![x] };
        assert!(end_points(&at(f32::NAN), &at(0.0)).is_err());
        let reference = [0, 1, 1, 1, 2, 2, 2, 2];
        assert!(masks(&[0, 9, 9, 9, 4, 4, 4, 4], &reference).is_ok(), "numbers do not matter");
        assert!(masks(&[0, 1, 1, 1, 1, 1, 1, 1], &reference).is_err(), "merged");
        assert!(masks(&[0, 1, 1, 1, 2, 2, 3, 3], &reference).is_err(), "split");
        assert!(masks(&[0, 1, 1, 1, 0, 0, 0, 0], &reference).is_err(), "lost");
        assert!(masks(&[3, 1, 1, 1, 2, 2, 2, 2], &reference).is_err(), "extra");
        assert!(masks(&[0, 1, 1, 1], &reference).is_err(), "another size");
    }

    #[test]
    fn either_of_two_answers_passes_but_no_third() {
        let [two, one] = [[0, 1, 1, 1, 2, 2, 2, 2, 5, 5], [0, 7, 7, 7, 7, 7, 7, 7, 5, 5]];
        let passes = |ours: [u32; 10]| masks_of(&ours, &[&two, &one]).is_ok();
        assert!(passes(two) && passes(one));
        assert!(!passes([0, 1, 1, 2, 2, 2, 2, 2, 5, 5]), "another border");
        assert!(!passes([0, 1, 1, 1, 0, 0, 0, 0, 5, 5]), "one of the two lost");
        assert!(!passes([0, 1, 1, 1, 2, 2, 2, 2, 0, 0]), "lost where they agree");
        assert!(!passes([4, 1, 1, 1, 2, 2, 2, 2, 5, 5]), "extra");
        assert!(masks_of(&two, &[]).is_err() && masks_of(&two, &[&two, &one[1..]]).is_err());
    }
}
