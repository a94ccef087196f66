//! Measurements of the cells of an image or a stack: scikit-image's `regionprops_table`.

mod columns;
mod extents;
mod hull;
mod hull_volume;
mod intensity;
mod measurer;
mod perimeter;
mod sums;

use std::ops::Range;

pub use columns::{COLUMNS, Column, ColumnKind, Values};
pub use intensity::Intensity;
pub use measurer::Measurer;

/// The measurements of one cell. Lengths are in pixels; in a stack, voxels count as cubes of side 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    /// The number of the cell in the labels.
    pub label: u32,
    /// Number of pixels, or of voxels in a stack.
    pub area: u64,
    /// Mean Z (0 in an image), Y and X of the pixels' centres; the centre of the first pixel is at 0.
    pub centroid: [f64; 3],
    /// The bounding box in Z (0..1 in an image), Y and X.
    pub bbox: [Range<usize>; 3],
    /// The length of the border; `None` in a stack.
    pub perimeter: Option<f64>,
    /// The diameter of a disk of the same area, or in a stack of a ball of the same volume.
    pub equivalent_diameter_area: f64,
    /// Length of the longest axis of the ellipse, or in a stack of the ellipsoid, with the same second moments.
    pub axis_major_length: f64,
    /// Length of the shortest axis of that ellipse or ellipsoid.
    pub axis_minor_length: f64,
    /// Distance of the ellipse's foci divided by its major axis, 0 (a disk) to 1 (a line). `None` in a stack.
    pub eccentricity: Option<f64>,
    /// Angle of the major axis to the Y axis in radians, -pi/2 to pi/2, counterclockwise. `None` in a stack.
    pub orientation: Option<f64>,
    /// Area divided by the area of the convex hull. In a stack `None` for a flat cell, which has no hull, and for a
    /// cell whose bounding box has a side of more than 131,072 voxels.
    pub solidity: Option<f64>,
    /// Area divided by the area of the bounding box.
    pub extent: f64,
    /// True if a pixel is at the border of the image or, in a stack, in the first or last z-slice.
    pub touches_border: bool,
    /// The intensities in each channel of the image; empty without an image.
    pub intensities: Vec<Intensity>,
    /// The mean squared difference between the flow of a cell of this shape and a fifth of the network's flow (the
    /// reference's `metrics.flow_error`). `None` without [`Measurer::flow_errors`].
    pub flow_error: Option<f64>,
    /// The mean of the network's cell probability, a logit as `cellprob_threshold`. `None` without
    /// [`Measurer::cellprob`].
    pub cellprob_mean: Option<f64>,
    /// The sizes in micrometres. `None` without [`Measurer::pixel_size`].
    pub physical: Option<Physical>,
}

/// The sizes of a cell in micrometres: scikit-image's values for `spacing`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Physical {
    /// Area in square micrometres, or volume in cubic micrometres.
    pub area: f64,
    /// The length of the border; `None` in a stack, and if pixels are not square.
    pub perimeter: Option<f64>,
    /// The diameter of a disk or ball of the same area or volume.
    pub equivalent_diameter_area: f64,
    /// Length of the longest axis of the ellipse or ellipsoid.
    pub axis_major_length: f64,
    /// Length of the shortest axis of the ellipse or ellipsoid.
    pub axis_minor_length: f64,
}

/// The measurements of all cells, by ascending label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Regions {
    regions: Vec<Region>,
    is_stack: bool,
    channels: usize,
    has_cellprob: bool,
    has_flow_errors: bool,
    has_pixel_size: bool,
}

impl Regions {
    /// The cells.
    pub fn as_slice(&self) -> &[Region] {
        &self.regions
    }

    /// True if the cells are those of a stack.
    pub fn is_stack(&self) -> bool {
        self.is_stack
    }

    /// Number of channels with intensities, 0 without images.
    pub fn channels(&self) -> usize {
        self.channels
    }
}
