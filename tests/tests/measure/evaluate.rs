//! `Overlap` and `boundary_scores` against `cellpose.metrics`.

use std::collections::{BTreeMap, BTreeSet};

use cytoshade_measure::{Overlap, boundary_scores};
use cytoshade_tests::fixtures::{Case, cases, numbers};
use cytoshade_tests::{each_way, trial};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::{Labels, close, labels};

const TOLERANCE: f64 = 1e-9;

/// Scores by name, one for each threshold, scale or cell.
type Scores = BTreeMap<&'static str, Vec<f64>>;

pub(crate) fn tests() -> Vec<Trial> {
    let test = |case: Case| trial(format!("evaluate::{}", case.name()), case.missing(), move || run(&case));
    cases("evaluate", "cases.json").into_iter().map(test).collect()
}

fn run(case: &Case) -> Result<(), Failed> {
    let truth = labels(case, "truth")?;
    let predicted = match numbers(case.param("shift"))[..] {
        [rows, columns] => rolled(&truth, rows, columns),
        _ => labels(case, "predicted")?,
    };
    let found = scores(case, &truth, &predicted)?;
    let compare = |found: &Scores| -> Result<(), String> {
        let names: BTreeSet<&str> = found.keys().copied().collect();
        if names != case.expected_names() {
            return Err(format!("scores {names:?}, expected {:?}", case.expected_names()));
        }
        for (name, values) in found {
            let expected = floats(case.expected_json(name));
            if values.len() != expected.len() {
                return Err(format!("{} values of {name}, expected {}", values.len(), expected.len()));
            }
            values.iter().zip(expected).try_for_each(|(&found, expected)| close(name, found, expected, TOLERANCE))?;
        }
        Ok(())
    };
    for name in found.keys() {
        let change = |scores: &mut Scores| scores.get_mut(name).into_iter().flatten().take(1).for_each(changed);
        let remove = |scores: &mut Scores| drop(scores.remove(name));
        each_way(&found, compare, &[(name, &change), (&format!("no {name}"), &remove)])?;
    }
    Ok(())
}

/// Changes a score by a little more than the comparison allows.
fn changed(score: &mut f64) {
    *score = if score.is_nan() { 0.0 } else { *score + 10.0 * TOLERANCE * score.abs().max(1.0) };
}

fn scores(case: &Case, truth: &Labels, predicted: &Labels) -> Result<Scores, Failed> {
    let overlap = Overlap::new(&truth.data, &predicted.data)?;
    let mut scores = Scores::new();
    for threshold in floats(case.param("thresholds")) {
        let at = overlap.scores(threshold)?;
        let mut push = |name, value| scores.entry(name).or_default().push(value);
        push("true_positives", at.true_positives as f64);
        push("false_positives", at.false_positives as f64);
        push("false_negatives", at.false_negatives as f64);
        push("average_precision", at.average_precision());
    }
    if !case.expected_json("mask_ious").is_null() {
        let number = |label: u32| overlap.predicted().iter().position(|&other| other == label).map_or(0, |at| at + 1);
        let matches = overlap.mask_ious();
        scores.insert("mask_ious", matches.iter().map(|cell| cell.iou).collect());
        scores.insert("partners", matches.iter().map(|cell| cell.predicted.map_or(0, number) as f64).collect());
        scores.insert("aggregated_jaccard_index", vec![overlap.aggregated_jaccard_index()]);
    }
    if let ([height, width], true) = (&truth.shape[..], !case.expected_json("precision").is_null()) {
        let plane = |labels: &Labels| cytoshade_core::Labels::new(labels.data.clone(), *height, *width);
        for at in boundary_scores(&plane(truth)?, &plane(predicted)?, &floats(case.param("scales")))? {
            scores.entry("precision").or_default().push(at.precision);
            scores.entry("recall").or_default().push(at.recall);
            scores.entry("f_score").or_default().push(at.f_score);
        }
    }
    Ok(scores)
}

/// Labels whose rows and columns are moved in a circle.
fn rolled(labels: &Labels, rows: usize, columns: usize) -> Labels {
    let [height, width] = labels.shape[..] else { panic!("labels of shape {:?}", labels.shape) };
    let from = |at: usize| ((at / width + height - rows) % height) * width + (at % width + width - columns) % width;
    Labels { data: (0..labels.data.len()).map(|at| labels.data[from(at)]).collect(), shape: labels.shape.clone() }
}

/// A number or a list of numbers, in which null is NaN.
fn floats(value: &Value) -> Vec<f64> {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().map(number).collect(),
        value => vec![number(value)],
    }
}
