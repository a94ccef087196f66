//! How a file is read, and what is taken of it.

use crate::{AxisKind, Limits};

/// How many planes of unstated meaning are still taken for channels rather than for a list: the reference's
/// `transforms.convert_image` draws the same line.
pub(crate) const MAX_AUTO_CHANNELS: usize = 5;

/// How to read a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What is taken of the file.
    pub selection: Selection,
    /// Takes NaN for background: it becomes the least number of its plane. Without it, NaN is refused when the image is
    /// segmented, as infinity always is.
    pub nan_background: bool,
    /// How much the file may make the reader take in.
    pub limits: Limits,
}

impl ReadOptions {
    /// Options that take each file for one stack.
    pub fn stack() -> Self {
        Self::pages(Pages::Stack)
    }

    /// Options that take pages so.
    pub fn pages(pages: Pages) -> Self {
        Self { selection: Selection { pages, ..Selection::default() }, ..Self::default() }
    }
}

/// What is taken of a file: which series, and what its axes mean.
///
/// Where the file names its axes, they mean what they are called: `C` and `S` are channels, each time point is an image or
/// a stack of its own, `Z` are the layers of a stack or a list of images, and all others are lists. Axes without a name
/// are taken by [`Pages`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// What pages and axes without a name are.
    pub pages: Pages,
    /// The one series to take, from 0; without it, all that are not left out.
    pub series: Option<usize>,
    /// The names of all axes, the slowest first, in place of those that the file states.
    pub axes: Option<Vec<AxisKind>>,
    /// The axis that is the channels, counted from 0, from the end if negative.
    pub channel_axis: Option<isize>,
    /// The axis that is the z-slices, likewise.
    pub z_axis: Option<isize>,
    /// The axis that is the time points, likewise.
    pub time_axis: Option<isize>,
}

/// What pages, and axes without a name, are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// Images, as the file says. If it says nothing:
    ///
    /// 2 to 5 pages of one sample each are the channels of one image, and any others are a list.
    ///
    /// Arrays: axes of length 1 are dropped if there are more than three. [H, W]; three axes of which the shortest, at most
    /// 5 long, are the channels (the last axis if several are the shortest); three longer axes, of which the shortest is the
    /// list; four axes, of which the shortest, at most 5 long, are the channels and the first of the others is the list.
    ///
    /// The line at 5 is where the reference's `transforms.convert_image` draws it.
    #[default]
    Auto,
    /// All pages are channels of one image, whatever the file says. Arrays: the shortest of three axes are the channels,
    /// however long.
    Channels,
    /// Each page is an image of its own, whatever the file says. Arrays: the first axis of three or four is the list.
    List,
    /// Stacks, as the file says. If it says nothing, each page is a z-slice. Arrays: [Z, H, W]; four axes of which the
    /// shortest, at most 5 long, are the channels and the first of the others are the z-slices.
    Stack,
}
