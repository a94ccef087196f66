//! Measurements of labelled cells, and scores of segmentations against a ground truth.
//!
//! [`Measurer`] measures the cells of an image or a stack: size, shape, intensities, and the agreement with the
//! network's outputs. Names and values are those of scikit-image's `regionprops_table`. [`Overlap`] compares the labels
//! of a segmentation with those of a ground truth, by the definitions of `cellpose.metrics`.
//!
//! The crate opens no file. Labels are numbers from 1 in any order, with or without gaps; 0 is background.
//!
//! ```
//! use cytoshade_core::Labels;
//! use cytoshade_measure::{Measurer, Overlap};
//!
//! let labels = Labels::new(vec![0, 1, 1, 0, 1, 1, 0, 0, 2], 3, 3)?;
//! let regions = Measurer::new(&labels).measure()?;
//! assert_eq!(regions.as_slice()[0].area, 4);
//! assert_eq!(regions.as_slice()[0].centroid, [0.0, 0.5, 1.5]);
//!
//! let truth = Labels::new(vec![0, 7, 7, 0, 7, 7, 0, 0, 0], 3, 3)?;
//! let scores = Overlap::new(truth.as_slice(), labels.as_slice())?.scores(0.5)?;
//! assert_eq!((scores.true_positives, scores.false_positives, scores.false_negatives), (1, 1, 0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod error;
mod evaluate;
mod label_image;
mod regions;

pub use error::Error;
pub use evaluate::{BoundaryScores, Match, Overlap, Scores, boundary_scores};
pub use label_image::LabelImage;
pub use regions::{COLUMNS, Column, ColumnKind, Intensity, Measurer, Physical, Region, Regions, Values};
