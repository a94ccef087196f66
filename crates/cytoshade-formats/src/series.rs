//! The contents of a file: series of planes with named axes.
//!
//! # The model of dimensions
//!
//! A file holds one or more [`Series`]. A series is an array: its axes have names and lengths, the slowest first, and
//! its elements are stored in frames. A frame is a page of a TIFF, one of several planes stored behind one page, or a
//! whole NPY array; it holds the last axes of the series, and the other axes count the frames. A reader only lists the
//! series. [`crate::Selection`] then chooses the images: channels, z-slices, time points and lists are never guessed
//! from the number of pages if the file states more.
//!
//! Sources, in order: OME-XML, ImageJ's header, tifffile's `shape` and `axes`, MetaMorph's and Zeiss LSM's tags; else the
//! pages themselves, grouped by size and type.

use std::fmt;

/// The meaning of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AxisKind {
    /// Time points (`T`).
    Time,
    /// z-slices (`Z`).
    Z,
    /// Channels (`C`).
    Channel,
    /// Samples of a pixel, such as red, green and blue (`S`).
    Sample,
    /// Rows (`Y`).
    Y,
    /// Columns (`X`).
    X,
    /// Stage positions or tiles of a mosaic (`P`).
    Position,
    /// Pages whose meaning the file does not state (`I`).
    Page,
    /// An axis of an array whose meaning the file does not state (`Q`).
    Unknown,
    /// Any other axis that the file names, by its letter: a list of images.
    Other(char),
}

impl AxisKind {
    /// The letter of the axis, as tifffile writes it.
    pub fn letter(self) -> char {
        match self {
            AxisKind::Time => 'T',
            AxisKind::Z => 'Z',
            AxisKind::Channel => 'C',
            AxisKind::Sample => 'S',
            AxisKind::Y => 'Y',
            AxisKind::X => 'X',
            AxisKind::Position => 'P',
            AxisKind::Page => 'I',
            AxisKind::Unknown => 'Q',
            AxisKind::Other(letter) => letter,
        }
    }

    /// The axis of a letter; `None` if it is no ASCII letter.
    pub fn from_letter(letter: char) -> Option<Self> {
        Some(match letter.to_ascii_uppercase() {
            'T' => AxisKind::Time,
            'Z' => AxisKind::Z,
            'C' => AxisKind::Channel,
            'S' => AxisKind::Sample,
            'Y' => AxisKind::Y,
            'X' => AxisKind::X,
            'P' => AxisKind::Position,
            'I' => AxisKind::Page,
            'Q' => AxisKind::Unknown,
            letter @ 'A'..='Z' => AxisKind::Other(letter),
            _ => return None,
        })
    }
}

/// One axis of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axis {
    /// The meaning of the axis.
    pub kind: AxisKind,
    /// Its length, at least 1.
    pub length: usize,
}

impl Axis {
    pub(crate) fn new(kind: AxisKind, length: usize) -> Self {
        Self { kind, length }
    }
}

/// The stored type of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SampleType {
    /// Integers or floats.
    pub kind: SampleKind,
    /// Bits of a sample.
    pub bits: usize,
}

/// Kinds of samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SampleKind {
    /// Unsigned integers.
    Unsigned,
    /// Signed integers (two's complement).
    Signed,
    /// IEEE floats.
    Float,
    /// Any other kind, such as complex numbers, by the number of TIFF's SampleFormat: not read.
    Other(u16),
}

impl fmt::Display for SampleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bits;
        match self.kind {
            SampleKind::Unsigned => write!(f, "uint{bits}"),
            SampleKind::Signed => write!(f, "int{bits}"),
            SampleKind::Float => write!(f, "float{bits}"),
            SampleKind::Other(5 | 6) => write!(f, "complex{bits}"),
            SampleKind::Other(format) => write!(f, "undefined{format} of {bits} bits"),
        }
    }
}

/// Size of a pixel or voxel in micrometres, as far as the file states it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PixelSize {
    /// Distance of neighbouring columns.
    pub x: Option<f64>,
    /// Distance of neighbouring rows.
    pub y: Option<f64>,
    /// Distance of neighbouring z-slices.
    pub z: Option<f64>,
}

impl PixelSize {
    /// True if the file states nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Drops invalid sizes: zero, negative, not finite.
    #[cfg(any(feature = "microscopy", not(target_family = "wasm")))]
    pub(crate) fn checked(self) -> Self {
        let keep = |size: Option<f64>| size.filter(|size| size.is_finite() && *size > 0.0);
        Self { x: keep(self.x), y: keep(self.y), z: keep(self.z) }
    }
}

/// The source of a series' axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// OME-XML.
    Ome,
    /// ImageJ's header.
    ImageJ,
    /// The description that tifffile writes.
    Tifffile,
    /// MetaMorph's tags.
    MetaMorph,
    /// Zeiss LSM's tag.
    Lsm,
    /// The pages of a TIFF themselves.
    Pages,
    /// The shape of an NPY array.
    Array,
    /// A picture format.
    Picture,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Origin::Ome => "OME-XML",
            Origin::ImageJ => "ImageJ's header",
            Origin::Tifffile => "tifffile's description",
            Origin::MetaMorph => "MetaMorph's tags",
            Origin::Lsm => "Zeiss LSM's tag",
            Origin::Pages => "its pages",
            Origin::Array => "its shape",
            Origin::Picture => "the picture",
        })
    }
}

/// Why a series is left out unless it is selected by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// Marked as a smaller copy of another page.
    SmallerCopy,
    /// Marked as a transparency mask.
    Mask,
    /// Its pages differ in size from the selected ones.
    OtherSize,
    /// Its pages differ in type or compression from the selected ones.
    OtherKind,
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftOut::SmallerCopy => "marked as a smaller copy of another page",
            LeftOut::Mask => "marked as a transparency mask",
            LeftOut::OtherSize => "of another size",
            LeftOut::OtherKind => "of another type or compression",
        })
    }
}

/// The position of a plane in a TIFF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file: 0 for the opened file, from 1 on for its siblings.
    pub file: usize,
    /// The page, from 0, in the order of the file.
    pub page: usize,
    /// The plane behind the page, from 0, if one page stands for several.
    pub plane: usize,
}

/// The storage of the elements of a series.
#[derive(Clone, Debug)]
pub(crate) enum Frames {
    /// Each frame is a page of a TIFF; `None` for a missing one.
    Pages(Vec<Option<Place>>),
    /// One frame, with the stride of each axis in elements.
    Array { strides: Vec<usize>, big_endian: bool, offset: u64 },
    /// One image, decoded as a whole: planes of samples, then rows.
    Picture,
}

/// Planes of one size and type, with named axes.
#[derive(Clone, Debug)]
pub struct Series {
    pub(crate) name: String,
    pub(crate) axes: Vec<Axis>,
    pub(crate) sample_type: SampleType,
    pub(crate) pixel_size: PixelSize,
    pub(crate) channel_names: Vec<String>,
    pub(crate) origin: Origin,
    pub(crate) left_out: Option<LeftOut>,
    pub(crate) frames: Frames,
    /// Number of last axes that a frame holds.
    pub(crate) frame_rank: usize,
}

impl Series {
    /// The name in the file; may be empty.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The axes, the slowest first.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// The letters of the axes, such as `TZCYX`.
    pub fn letters(&self) -> String {
        self.axes.iter().map(|axis| axis.kind.letter()).collect()
    }

    /// The lengths of the axes.
    pub fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| axis.length).collect()
    }

    /// The stored type of samples.
    pub fn sample_type(&self) -> SampleType {
        self.sample_type
    }

    /// Size of a pixel.
    pub fn pixel_size(&self) -> PixelSize {
        self.pixel_size
    }

    /// The names of the channels, as far as the file states them.
    pub fn channel_names(&self) -> &[String] {
        &self.channel_names
    }

    /// The source of the axes.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Why it is left out unless selected.
    pub fn left_out(&self) -> Option<LeftOut> {
        self.left_out
    }

    /// The places of its planes in a TIFF, in the order of the axes that count them.
    ///
    /// `None` marks a plane that the file states but does not hold. Empty for other formats.
    pub fn places(&self) -> &[Option<Place>] {
        match &self.frames {
            Frames::Pages(places) => places,
            Frames::Array { .. } | Frames::Picture => &[],
        }
    }

    /// Number of planes that the file states but does not hold.
    pub fn missing_planes(&self) -> usize {
        self.places().iter().filter(|place| place.is_none()).count()
    }
}
