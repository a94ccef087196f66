//! The measures of agreement with the reference.

/// ||ours - reference|| / ||reference||, in f64.
pub fn relative_l2(ours: &[f32], reference: &[f32]) -> f64 {
    assert_eq!(ours.len(), reference.len());
    let mut difference = 0.0;
    let mut norm = 0.0;
    for (&a, &b) in ours.iter().zip(reference) {
        difference += (f64::from(a) - f64::from(b)).powi(2);
        norm += f64::from(b).powi(2);
    }
    if norm == 0.0 { difference.sqrt() } else { (difference / norm).sqrt() }
}

/// The relative L2 error is at most `limit`.
pub fn l2_within(ours: &[f32], reference: &[f32], limit: f64) -> Result<(), String> {
    if ours.len() != reference.len() {
        return Err(format!("{} values, expected {}", ours.len(), reference.len()));
    }
    let error = relative_l2(ours, reference);
    // Written so that NaN fails.
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
        // Not written with `>`: NaN must fail.
        if !within {
            return Err(format!("value {at} is {a}, expected {b}; allowed {limit:.1e} of {largest}"));
        }
    }
    Ok(())
}

/// At least 99.9 % of the points lie within a hundredth of a pixel.
pub fn end_points(ours: (&[f32], &[f32]), reference: (&[f32], &[f32])) -> Result<(), String> {
    if ours.0.len() != reference.0.len() {
        return Err(format!("{} points, expected {}", ours.0.len(), reference.0.len()));
    }
    let far = (0..ours.0.len())
        .filter(|&i| {
            let near = (ours.0[i] - reference.0[i]).hypot(ours.1[i] - reference.1[i]) <= 1e-2;
            !near
        })
        .count();
    if far as f64 <= 1e-3 * ours.0.len() as f64 {
        Ok(())
    } else {
        Err(format!("{far} of {} points are further than 0.01 pixels", ours.0.len()))
    }
}

/// The measure for masks: every cell of the reference is matched by one of ours at an intersection over union of at
/// least 0.9, there are no others, and at least 99.9 % of the pixels are in the same cell.
pub fn masks(ours: &[u32], reference: &[u32]) -> Result<(), String> {
    use std::collections::HashMap;
    if ours.len() != reference.len() {
        return Err(format!("{} pixels, expected {}", ours.len(), reference.len()));
    }
    let mut overlap: HashMap<(u32, u32), usize> = HashMap::new();
    let mut our_size: HashMap<u32, usize> = HashMap::new();
    let mut reference_size: HashMap<u32, usize> = HashMap::new();
    for (&a, &b) in ours.iter().zip(reference) {
        *overlap.entry((a, b)).or_default() += 1;
        *our_size.entry(a).or_default() += 1;
        *reference_size.entry(b).or_default() += 1;
    }
    // Each cell's best partner; an IoU above a half has no second.
    let mut partner: HashMap<u32, u32> = HashMap::from([(0, 0)]);
    for (&(a, b), &both) in &overlap {
        if a == 0 || b == 0 {
            continue;
        }
        let union = our_size[&a] + reference_size[&b] - both;
        if both as f64 / union as f64 >= 0.9 {
            partner.insert(b, a);
        }
    }
    let missing = reference_size.keys().filter(|cell| !partner.contains_key(cell)).count();
    if missing > 0 {
        return Err(format!("{missing} cells of the reference's {} have no match", reference_size.len() - 1));
    }
    let matched: std::collections::HashSet<u32> = partner.values().copied().collect();
    let extra = our_size.keys().filter(|cell| !matched.contains(cell)).count();
    if extra > 0 {
        return Err(format!("{extra} cells are not in the reference"));
    }
    let same = ours.iter().zip(reference).filter(|&(&a, b)| partner.get(b) == Some(&a)).count();
    let share = same as f64 / ours.len().max(1) as f64;
    if share >= 0.999 { Ok(()) } else { Err(format!("only {:.3} % of the pixels are in the same cell", share * 100.0)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_measures_can_fail() {
        assert!(l2_within(&[1.0, f32::NAN], &[1.0, 2.0], 1.0).is_err());
        assert!(close(&[1.0, f32::NAN], &[1.0, 2.0], 1.0).is_err());
        assert!(end_points((&[0.0], &[f32::NAN]), (&[0.0], &[0.0])).is_err());
        let reference = [0, 1, 1, 1, 2, 2, 2, 2];
        assert!(masks(&[0, 9, 9, 9, 4, 4, 4, 4], &reference).is_ok(), "numbers do not matter");
        assert!(masks(&[0, 1, 1, 1, 1, 1, 1, 1], &reference).is_err(), "merged");
        assert!(masks(&[0, 1, 1, 1, 2, 2, 3, 3], &reference).is_err(), "split");
        assert!(masks(&[0, 1, 1, 1, 0, 0, 0, 0], &reference).is_err(), "lost");
        assert!(masks(&[3, 1, 1, 1, 2, 2, 2, 2], &reference).is_err(), "extra");
        assert!(masks(&[0, 1, 1, 1], &reference).is_err(), "another size");
    }
}
