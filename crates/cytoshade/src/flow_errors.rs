//! The agreement of cells with the network's flows.

use std::collections::BTreeMap;

use cytoshade_core::{Labels, Planes};

use crate::Error;

/// The flow error of each cell by label: the mean squared difference between the flow of a cell of this shape and a
/// fifth of the network's flow (dY, dX), summed over both.
///
/// A segmentation drops cells above `flow_threshold`. Labels may have gaps. The reference's `metrics.flow_error`.
///
/// # Errors
/// [`Error::Input`] if `flows` has another size than `labels`.
pub fn flow_errors(labels: &Labels, flows: &Planes) -> Result<BTreeMap<u32, f64>, Error> {
    let mut numbers: BTreeMap<u32, u32> = BTreeMap::new();
    for run in labels.as_slice().chunk_by(|a, b| a == b) {
        numbers.extend(run.first().filter(|&&label| label != 0).map(|&label| (label, 0)));
    }
    numbers.values_mut().zip(1..).for_each(|(number, new)| *number = new);
    let has_gaps = numbers.iter().any(|(label, number)| label != number);
    let numbered = has_gaps.then(|| {
        let mut numbered = labels.clone();
        for run in numbered.as_mut_slice().chunk_by_mut(|a, b| a == b) {
            let number = run.first().and_then(|label| numbers.get(label)).copied().unwrap_or(0);
            run.fill(number);
        }
        numbered
    });
    let errors = cytoshade_cpu::flow_error::flow_errors(numbered.as_ref().unwrap_or(labels), flows)?;
    Ok(numbers.into_keys().zip(errors).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_between_labels_change_nothing() {
        let mut data = vec![0; 20 * 20];
        for (at, label) in data.iter_mut().enumerate() {
            let (y, x) = (at / 20, at % 20);
            *label = match (y, x) {
                (2..8, 3..9) => 1,
                (10..17, 4..16) => 2,
                _ => 0,
            };
        }
        let labels = Labels::new(data.clone(), 20, 20).unwrap();
        let flows = Planes::new((0..800).map(|at| (at % 7) as f32 - 3.0).collect(), 2, 20, 20).unwrap();
        let gaps = Labels::new(data.iter().map(|label| label * 1_000_000_000).collect(), 20, 20).unwrap();
        let (plain, gaps) = (flow_errors(&labels, &flows).unwrap(), flow_errors(&gaps, &flows).unwrap());
        assert_eq!(plain.keys().collect::<Vec<_>>(), [&1, &2]);
        assert_eq!(gaps.keys().collect::<Vec<_>>(), [&1_000_000_000, &2_000_000_000]);
        assert!(plain.values().eq(gaps.values()) && plain.values().all(|error| *error > 0.0));
        assert!(flow_errors(&labels, &Planes::zeros(2, 20, 19)).is_err());
    }
}
