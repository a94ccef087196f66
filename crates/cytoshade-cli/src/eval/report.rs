//! The scores as a table and as JSON.

use cytoshade_measure::{BoundaryScores, Scores};
use cytoshade_safe_io::printable;
use serde_json::{Value, json};

use crate::failure::Failure;

/// The scores of one image, stack or time point.
#[derive(Clone, Debug)]
pub(super) struct Evaluation {
    pub(super) name: String,
    pub(super) frame: Option<usize>,
    /// The ground truth and the segmentation.
    pub(super) files: [String; 2],
    /// Number of cells, likewise.
    pub(super) cells: [usize; 2],
    /// At the thresholds of the command line.
    pub(super) scores: Vec<Scores>,
    /// At the thresholds of the plot.
    pub(super) plotted: Vec<Scores>,
    pub(super) aggregated_jaccard_index: f64,
    /// Empty for a stack.
    pub(super) boundary: Vec<BoundaryScores>,
}

/// The scores of all images together.
pub(super) struct Summary {
    /// The sums over all images at each threshold.
    all_cells: Vec<Scores>,
    /// The means over the images that have the score.
    average_precision: Vec<f64>,
    aggregated_jaccard_index: f64,
    f_score: f64,
    unpaired: usize,
}

impl Summary {
    pub(super) fn new(images: &[Evaluation], unpaired: usize) -> Self {
        let thresholds = images.first().map_or(0, |image| image.scores.len());
        let at = |index: usize| images.iter().filter_map(move |image| image.scores.get(index).copied());
        Self {
            all_cells: (0..thresholds).filter_map(|index| at(index).reduce(sum)).collect(),
            average_precision: (0..thresholds).map(|index| mean(at(index).map(|at| at.average_precision()))).collect(),
            aggregated_jaccard_index: mean(images.iter().map(|image| image.aggregated_jaccard_index)),
            f_score: mean(images.iter().filter_map(|image| image.boundary.first()).map(|at| at.f_score)),
            unpaired,
        }
    }
}

fn sum(a: Scores, b: Scores) -> Scores {
    Scores {
        threshold: a.threshold,
        true_positives: a.true_positives + b.true_positives,
        false_positives: a.false_positives + b.false_positives,
        false_negatives: a.false_negatives + b.false_negatives,
    }
}

/// The mean of the numbers; NaN without one. An image without cells has no score.
pub(super) fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) =
        values.filter(|value| !value.is_nan()).fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    sum / f64::from(count)
}

/// A table with a line for each image, their mean, and all cells together.
pub(super) fn table(images: &[Evaluation], summary: &Summary) -> String {
    let precisions = summary.all_cells.iter().map(|scores| format!("AP@{}", scores.threshold));
    let first = summary.all_cells.first().map_or_else(String::new, |scores| format!("@{}", scores.threshold));
    let counts = ["true".into(), "found".into(), format!("matched{first}"), "missed".into(), "extra".into()];
    let header = std::iter::once("image".to_owned()).chain(counts).chain(precisions);
    let mut rows = vec![header.chain(["AJI".into(), "boundary F".into()]).collect::<Vec<String>>()];
    let numbers = |aps: Vec<f64>, jaccard: f64, f_score: f64| {
        aps.into_iter().chain([jaccard, f_score]).map(score).collect::<Vec<_>>()
    };
    let of_scores = |scores: Option<&Scores>| match scores {
        Some(at) => [at.true_positives, at.false_negatives, at.false_positives].map(|count| count.to_string()),
        None => [const { String::new() }; 3],
    };
    for image in images {
        let name = image.frame.map_or_else(|| image.name.clone(), |frame| format!("{} t{frame}", image.name));
        let mut row = vec![printable(&name), image.cells[0].to_string(), image.cells[1].to_string()];
        row.extend(of_scores(image.scores.first()));
        let aps = image.scores.iter().map(Scores::average_precision).collect();
        let f_score = image.boundary.first().map_or(f64::NAN, |at| at.f_score);
        row.extend(numbers(aps, image.aggregated_jaccard_index, f_score));
        rows.push(row);
    }
    if images.len() > 1 {
        let mut row = vec![format!("mean of {} images", images.len())];
        row.resize(6, String::new());
        row.extend(numbers(summary.average_precision.clone(), summary.aggregated_jaccard_index, summary.f_score));
        rows.push(row);
        let total = |kind: usize| images.iter().map(|image| image.cells[kind]).sum::<usize>().to_string();
        let mut row = vec!["all cells".to_owned(), total(0), total(1)];
        row.extend(of_scores(summary.all_cells.first()));
        row.extend(summary.all_cells.iter().map(|scores| score(scores.average_precision())));
        rows.push(row);
    }
    aligned(&rows)
}

fn score(value: f64) -> String {
    if value.is_nan() { "-".into() } else { format!("{value:.3}") }
}

/// Columns of equal width: the first to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|text| text.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let cell = |(column, (text, width)): (usize, (&String, &usize))| match column {
        0 => format!("{text:<width$}"),
        _ => format!("{text:>width$}"),
    };
    let line = |row: &Vec<String>| row.iter().zip(&widths).enumerate().map(cell).collect::<Vec<_>>().join("  ");
    rows.iter().map(|row| line(row).trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// One object with the scores of all images, their means and sums. A score that does not exist is null.
pub(super) fn json(images: &[Evaluation], summary: &Summary) -> Result<String, Failure> {
    let scores = |all: &[Scores]| -> Vec<Value> { all.iter().map(scores_json).collect() };
    let image = |image: &Evaluation| {
        let boundary: Vec<Value> = image.boundary.iter().map(boundary_json).collect();
        json!({
            "image": image.name,
            "frame": image.frame,
            "truth": image.files[0],
            "predicted": image.files[1],
            "cells_true": image.cells[0],
            "cells_predicted": image.cells[1],
            "scores": scores(&image.scores),
            "aggregated_jaccard_index": image.aggregated_jaccard_index,
            "boundary": boundary,
        })
    };
    let all = json!({
        "images": images.iter().map(image).collect::<Vec<_>>(),
        "mean": {
            "average_precision": summary.average_precision,
            "aggregated_jaccard_index": summary.aggregated_jaccard_index,
            "boundary_f_score": summary.f_score,
        },
        "all_cells": scores(&summary.all_cells),
        "unpaired": summary.unpaired,
    });
    serde_json::to_string(&all).map_err(Failure::run)
}

fn scores_json(at: &Scores) -> Value {
    json!({
        "threshold": at.threshold,
        "true_positives": at.true_positives,
        "false_positives": at.false_positives,
        "false_negatives": at.false_negatives,
        "average_precision": at.average_precision(),
        "precision": at.precision(),
        "recall": at.recall(),
        "f1": at.f1(),
    })
}

fn boundary_json(at: &BoundaryScores) -> Value {
    json!({ "scale": at.scale, "precision": at.precision, "recall": at.recall, "f_score": at.f_score })
}
