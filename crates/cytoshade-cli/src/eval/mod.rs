//! `cytoshade eval`: compares segmentations with a ground truth.

mod pairs;
mod picture;
mod plot;
mod report;

use std::path::{Path, PathBuf};

use clap::Args;
use cytoshade_formats::{Error, LabelView, Limits};
use cytoshade_measure::{BoundaryScores, Overlap, Scores, boundary_scores};
use cytoshade_safe_io::{Existing, printable_path};

use crate::endings::EVAL;
use crate::failure::Failure;
use crate::flows_file::plane_labels;
use crate::interrupt;
use crate::label_file::LabelFile;
use crate::output::folder;
use crate::outputs::Outputs;
use crate::report::{print_line, warn};
use pairs::Pair;
use report::{Evaluation, Summary};

/// The thresholds of the plot: 0.5, 0.55 to 0.95.
const PLOTTED: [f64; 10] = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95];

#[derive(Debug, Args)]
pub(crate) struct Eval {
    /// Label image or STEM_seg.npy, or a folder of them
    ///
    /// Label images are TIFF, PNG or NPY.
    #[arg(value_name = "PREDICTED")]
    predicted: PathBuf,
    /// Ground truth, likewise
    ///
    /// Files of two folders are pairs if their names are equal without endings such as _cp_masks, _masks, _label, _seg and
    /// _img.
    #[arg(value_name = "TRUTH")]
    truth: PathBuf,
    /// Intersections over unions from which two cells match
    #[arg(long, value_name = "IOU,...", value_delimiter = ',', default_values_t = [0.5, 0.75, 0.9])]
    thresholds: Vec<f64>,
    /// Distances that count as near an outline
    ///
    /// For the boundary scores, relative to the cells' median diameter.
    #[arg(long, value_name = "F,...", value_delimiter = ',', default_values_t = [0.1])]
    boundary_scales: Vec<f64>,
    /// Print one JSON object with all scores
    #[arg(long)]
    json: bool,
    /// Write a plot of the average precision
    ///
    /// Against the threshold, 0.5 to 0.95.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    /// Write a picture of matches for each image
    ///
    /// Cells that match at the first threshold, missed cells and extra cells.
    #[arg(long, value_name = "DIR")]
    pictures: Option<PathBuf>,
}

pub(crate) fn run(args: &Eval) -> Result<(), Failure> {
    check(args)?;
    let (pairs, alone) = pairs::find(&args.predicted, &args.truth)?;
    for path in &alone {
        warn(format_args!("{}: no file of the same name to compare with; left out", printable_path(path)));
    }
    let mut outputs = Outputs::new(pairs.iter().flat_map(|pair| [&pair.predicted, &pair.truth]));
    args.svg.iter().try_for_each(|path| outputs.check(path))?;
    args.pictures.as_deref().map_or(Ok(()), folder)?;
    interrupt::catch();
    let (mut images, mut failed) = (Vec::new(), 0);
    for pair in &pairs {
        if interrupt::is_interrupted() {
            return Err(Failure::Interrupted { done: images.len(), of: pairs.len() });
        }
        match evaluate(args, pair, &mut outputs) {
            Ok(evaluations) => images.extend(evaluations),
            Err(failure) => {
                failure.print();
                failed += 1;
            }
        }
    }
    let summary = Summary::new(&images, alone.len());
    if args.json {
        print_line(report::json(&images, &summary)?);
    } else {
        print_line(report::table(&images, &summary));
    }
    if let Some(path) = &args.svg {
        let svg = plot::svg(&images);
        outputs.save(path, Existing::Replace, |out| {
            std::io::Write::write_all(out, svg.as_bytes()).map_err(Error::Write)
        })?;
    }
    if failed > 0 { Err(Failure::Some { failed, of: pairs.len() }) } else { Ok(()) }
}

fn check(args: &Eval) -> Result<(), Failure> {
    if let Some(found) = args.thresholds.iter().find(|&&threshold| !(threshold > 0.0 && threshold <= 1.0)) {
        return Err(Failure::usage(format!("threshold {found}; pass --thresholds with numbers above 0, at most 1")));
    }
    if let Some(found) = args.boundary_scales.iter().find(|scale| !(0.0..=100.0).contains(*scale)) {
        return Err(Failure::usage(format!(
            "boundary scale {found}; pass --boundary-scales with numbers from 0 to 100"
        )));
    }
    Ok(())
}

/// Compares the time points of a pair of files.
fn evaluate(args: &Eval, pair: &Pair, outputs: &mut Outputs) -> Result<Vec<Evaluation>, Failure> {
    let limits = Limits::default();
    let (predicted, truth) = (LabelFile::read(&pair.predicted, &limits)?, LabelFile::read(&pair.truth, &limits)?);
    let shapes = [&predicted, &truth].map(|file| file.points().map(|point| point.shape()).collect::<Vec<_>>());
    let at = |message: String| Failure::at(&pair.predicted, message);
    if shapes[0] != shapes[1] {
        let name =
            |shapes: &[Vec<usize>]| shapes.iter().map(|shape| format!("{shape:?}")).collect::<Vec<_>>().join(", ");
        let (found, expected) = (name(&shapes[0]), name(&shapes[1]));
        return Err(at(format!(
            "labels of shape {found}, but those of {} have {expected}",
            printable_path(&pair.truth)
        )));
    }
    let mut evaluations = Vec::new();
    for (frame, (predicted_point, truth_point)) in predicted.points().zip(truth.points()).enumerate() {
        let frame = predicted.is_time_series().then_some(frame);
        let overlap =
            Overlap::new(truth_point.as_slice(), predicted_point.as_slice()).map_err(|e| at(e.to_string()))?;
        evaluations.push(evaluation(args, pair, frame, &overlap, [truth_point, predicted_point])?);
        if let (Some(folder), Some(&threshold)) = (&args.pictures, args.thresholds.first()) {
            let matches = overlap.matches(threshold).map_err(Failure::run)?;
            let picture = picture::picture(truth_point, predicted_point, &matches).map_err(Failure::run)?;
            let frame = frame.map_or_else(String::new, |frame| format!("_t{frame}"));
            let path = folder.join(format!("{}{frame}{EVAL}", pair.name));
            outputs.save(&path, Existing::Replace, |out| picture.write_png(out))?;
        }
    }
    Ok(evaluations)
}

fn evaluation(
    args: &Eval,
    pair: &Pair,
    frame: Option<usize>,
    overlap: &Overlap,
    [truth, predicted]: [LabelView<'_>; 2],
) -> Result<Evaluation, Failure> {
    let scores = |thresholds: &[f64]| -> Result<Vec<Scores>, Failure> {
        thresholds.iter().map(|&threshold| overlap.scores(threshold).map_err(Failure::run)).collect()
    };
    // Stacks have no boundary scores.
    let boundary: Vec<BoundaryScores> = match plane_labels(truth).zip(plane_labels(predicted)) {
        Some((truth, predicted)) => boundary_scores(&truth, &predicted, &args.boundary_scales).map_err(Failure::run)?,
        None => Vec::new(),
    };
    Ok(Evaluation {
        name: pair.name.clone(),
        frame,
        files: [text(&pair.truth), text(&pair.predicted)],
        cells: [overlap.truth().len(), overlap.predicted().len()],
        scores: scores(&args.thresholds)?,
        plotted: scores(&PLOTTED)?,
        aggregated_jaccard_index: overlap.aggregated_jaccard_index(),
        boundary,
    })
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
