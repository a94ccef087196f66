//! The end points of the integration, and their histogram.

/// Zeros around the histogram of end points on each side, in bins (`rpad` in the reference).
pub const HISTOGRAM_PAD: usize = 20;

/// The points at which the integration ends for each active pixel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EndPoints {
    /// The active pixels, those above the cellprob threshold: row * width + column, ascending.
    pub pixels: Vec<u32>,
    /// Row of each end point, 0 to height - 1.
    pub y: Vec<f32>,
    /// Column of each end point, 0 to width - 1.
    pub x: Vec<f32>,
}

/// The number of pixels that end in each bin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Counts of shape [height + 40, width + 40]: bin (y + 20, x + 20) counts the end points that truncate to (y, x).
    pub counts: Vec<u32>,
    /// Height of the plane, without the padding.
    pub height: usize,
    /// Width of the plane, without the padding.
    pub width: usize,
}

impl Histogram {
    /// Bins in a row: the plane's width and the padding.
    pub fn stride(&self) -> usize {
        self.width + 2 * HISTOGRAM_PAD
    }

    /// The bin of an end point: truncated and clamped to the plane.
    pub fn bin(&self, y: f32, x: f32) -> usize {
        let y = (y as usize).min(self.height.saturating_sub(1)) + HISTOGRAM_PAD;
        let x = (x as usize).min(self.width.saturating_sub(1)) + HISTOGRAM_PAD;
        y * self.stride() + x
    }
}
