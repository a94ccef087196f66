//! How a file is read.

use crate::Limits;

/// How many planes are still taken for channels rather than for a stack: the reference's `transforms.convert_image`
/// draws the same line.
pub(crate) const MAX_AUTO_CHANNELS: usize = 5;

/// How to read a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// What the pages of a TIFF, or the axes of an array, are.
    pub pages: Pages,
    /// How much the file may make the reader take in.
    pub limits: Limits,
}

/// What the pages of a TIFF, or the axes of an array, are. PNG and JPEG hold one image in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// TIFF: as its ImageJ or OME metadata say (`channels`, `slices` and `frames`, or `SizeC`, `SizeZ`, `SizeT` and
    /// `DimensionOrder`: a list of the planes in Z and T, each with all its channels). Without them, 2 to 5 pages of
    /// one sample each that agree in size and type are the channels of one image, and anything else is a list.
    ///
    /// NPY: [H, W]; three axes of which the smallest is at most 5 long, which are then the channels, [C, H, W] or
    /// [H, W, C] (the last axis where several are the smallest); three longer axes, of which the smallest is the list;
    /// four axes, of which the smallest, at most 5 long, are the channels and the first of the others is the list.
    ///
    /// The line at 5 is where the reference's `transforms.convert_image` draws it.
    #[default]
    Auto,
    /// TIFF: all pages are channels of one image. NPY: the smallest of three axes are the channels, however long.
    Channels,
    /// TIFF: each page is an image of its own. NPY: the first axis of three or four is the list.
    List,
    /// The file is one stack, and the images are its layers. TIFF: as its ImageJ or OME metadata say, or the shape of
    /// four axes that tifffile writes, of which one of the first two, at most 5 long, are the channels; else each page
    /// is a layer. NPY: [Z, H, W], [Z, C, H, W] or [Z, H, W, C] with at most 5 channels.
    Stack,
}
