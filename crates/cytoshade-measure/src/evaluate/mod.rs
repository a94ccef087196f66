//! Scores of a segmentation against a ground truth: `cellpose.metrics`.

mod assignment;
mod boundary;
mod overlap;

pub use boundary::{BoundaryScores, boundary_scores};
pub use overlap::{Match, Overlap, Scores};
