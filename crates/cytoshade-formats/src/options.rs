//! Options for reading a file and selecting its images.

use crate::{AxisKind, Limits};

/// Up to this many planes of unstated meaning are channels; more are a list.
///
/// The reference's `transforms.convert_image` uses the same threshold.
pub(crate) const MAX_AUTO_CHANNELS: usize = 5;

/// How to read a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// The images to take from the file.
    pub selection: Selection,
    /// Treats NaN as background: it becomes the minimum of its plane.
    ///
    /// Without this option, segmentation refuses NaN, as it always refuses infinity.
    pub nan_background: bool,
    /// Limits on the memory and work that the file can cause.
    pub limits: Limits,
}

impl ReadOptions {
    /// Options that read each file as one stack.
    pub fn stack() -> Self {
        Self::pages(Pages::Stack)
    }

    /// Options with this interpretation of pages.
    pub fn pages(pages: Pages) -> Self {
        Self { selection: Selection { pages, ..Selection::default() }, ..Self::default() }
    }
}

/// Selects images from a file: the series, and the meaning of their axes.
///
/// Named axes have the meaning of their names: `C` and `S` are channels, each time point is a separate image or stack,
/// `Z` holds the z-slices of a stack or a list of images, and all others are lists. [`Pages`] interprets unnamed axes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The meaning of pages and unnamed axes.
    pub pages: Pages,
    /// The one series to take, from 0. `None` takes all that are not left out.
    pub series: Option<usize>,
    /// The names of all axes, the slowest first, in place of those in the file.
    pub axes: Option<Vec<AxisKind>>,
    /// The channel axis, counted from 0, or from the end if negative.
    pub channel_axis: Option<isize>,
    /// The axis of z-slices, likewise.
    pub z_axis: Option<isize>,
    /// The axis of time points, likewise.
    pub time_axis: Option<isize>,
}

/// The meaning of pages and of unnamed axes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// Images, as the file states. If it states nothing:
    ///
    /// 2 to 5 pages of one sample each are the channels of one image; any others are a list.
    ///
    /// Arrays: axes of length 1 are dropped if there are more than three. Two axes are [H, W]. Of three axes, the
    /// shortest is the channels if it is at most 5 long (the last axis if several are the shortest), else the list. Of
    /// four axes, the shortest is the channels if it is at most 5 long, and the first of the others is the list.
    ///
    /// The threshold of 5 is that of the reference's `transforms.convert_image`.
    #[default]
    Auto,
    /// All pages are channels of one image, whatever the file states.
    ///
    /// Arrays: the shortest of three axes is the channels, at any length.
    Channels,
    /// Each page is a separate image, whatever the file states.
    ///
    /// Arrays: the first axis of three or four is the list.
    List,
    /// Stacks, as the file states.
    ///
    /// If it states nothing, each page is a z-slice. Arrays: [Z, H, W]; of four axes, the shortest is the channels if
    /// it is at most 5 long, and the first of the others is the z-slices.
    Stack,
}
