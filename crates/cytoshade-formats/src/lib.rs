//! Image files in, segmentation files out.
//!
//! [`ImageFile`] opens TIFF (including OME-TIFF, ImageJ, MetaMorph and Zeiss LSM), PNG, JPEG, NPY and other formats. It
//! detects the format by the first bytes, never by the name. It lists the [`Series`] of the file, with named axes; a
//! [`Selection`] takes [`Image`]s from them. [`read`] and [`read_bytes`] do both at once. The `write_*` functions write
//! results to any [`std::io::Write`]; [`save`] puts such a result at a path atomically, so that no partial file ever
//! appears.
//!
//! [`read_seg`] reads Cellpose's `_seg.npy` as plain data, [`write_seg`] writes one.
//!
//! Files are not trusted: every size in a file is checked against [`Limits`] and against the length of the data before
//! memory is reserved. Messages contain no path: only the caller has the path that the user typed.
//!
//! # Features
//!
//! All are on by default; the browser package omits them. `microscopy` reads OME-XML, the tags of MetaMorph and Zeiss
//! LSM, and pixel sizes. `bmp`, `pnm`, `webp`, `jpeg2000` and `jpegxl` read files of these formats. `fax`, `jpeg2000`,
//! `jpegxl`, `lerc`, `lzma`, `rare`, `webp` and `zstd` read TIFF strips and tiles with these compressions.
//!
//! ```
//! use cytoshade_formats::{Labels, ReadOptions, read_bytes, write_labels_tiff};
//! let labels = Labels::new(vec![0, 1, 1, 0, 2, 2], 2, 3)?;
//! let mut file = std::io::Cursor::new(Vec::new());
//! write_labels_tiff(&mut file, &labels)?;
//! let images = read_bytes(&file.into_inner(), &ReadOptions::default())?;
//! assert_eq!((images[0].height(), images[0].width()), (2, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod arrange;
mod csv;
mod error;
mod flow_pictures;
mod flow_view;
mod format;
mod geojson;
#[cfg(not(target_family = "wasm"))]
mod header;
mod image_file;
mod items;
mod label_array;
mod label_view;
mod limits;
mod npy;
mod options;
mod outlines;
mod overlay;
mod parallel;
mod picture;
mod polygons;
mod read;
mod renderings;
mod rgb;
mod rois;
mod sample;
#[cfg(not(target_family = "wasm"))]
mod save;
mod seg;
mod series;
mod siblings;
mod source;
mod stored_zip;
mod tiff;
#[cfg(not(target_family = "wasm"))]
pub mod transfer;
mod warning;

pub use csv::write_csv;
pub use cytoshade_core::{Image, LabelVolume, Labels};
pub use cytoshade_pickle::Plain;
pub use cytoshade_pickle::numpy::{self, Array};
pub use cytoshade_safe_io::Redacted;
pub use cytoshade_safe_io::{CostLimits, ValueLimits};
pub use error::Error;
pub use flow_view::FlowView;
pub use format::Format;
pub use geojson::write_geojson;
#[cfg(not(target_family = "wasm"))]
pub use header::{Header, read_header};
pub use image_file::ImageFile;
pub use items::Item;
pub use label_array::{LabelArray, read_labels};
pub use label_view::{LabelPlane, LabelView};
pub use limits::{Limits, machine_memory, parse_size};
pub use npy::{write_flows_npy, write_labels_npy, write_npy_f32};
pub use options::{Pages, ReadOptions, Selection};
pub use outlines::{Outline, outline_labels, outlines, write_outlines};
pub use overlay::{write_overlay_png, write_overlay_tiff};
pub use picture::png::write_labels_png;
pub use polygons::{Polygon, polygons};
pub use read::read_bytes;
#[cfg(not(target_family = "wasm"))]
pub use read::{read, read_file};
pub use renderings::{
    flow_picture, label_picture, outline_picture, overlay_montage, overlay_picture, overlay_thumbnail,
};
pub use rgb::RgbPicture;
pub use rois::{write_hyperstack_rois, write_rois};
#[cfg(not(target_family = "wasm"))]
pub use save::{SaveFile, save, save_new};
pub use seg::{Seg, SegParts, read_seg, write_seg};
pub use series::{Axis, AxisKind, LeftOut, Origin, PixelSize, Place, SampleKind, SampleType, Series};
pub use tiff::{TiffMetadata, write_images_tiff, write_labels_tiff, write_labels_tiff_with};
pub use warning::Warning;
