//! Image files in, segmentation files out.
//!
//! [`read`] and [`read_bytes`] take TIFF (OME-TIFF and ImageJ too), PNG, JPEG and NPY, told apart by their first
//! bytes, never by their name, and give [`Image`]s. The `write_*` functions write results to anything that implements
//! [`std::io::Write`]; [`save`] puts such a result at a path in one step, so that no half-written file is ever seen.
//!
//! [`read_seg`] reads Cellpose's `_seg.npy` as plain data, [`write_seg`] writes one.
//!
//! Files are not trusted: every size that a file states is checked against [`Limits`] and against the bytes that are
//! there before memory is reserved for it. Messages carry no path, since only the caller knows what the user typed.
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

mod csv;
mod error;
mod flow_view;
mod format;
mod geojson;
mod jpeg;
mod label_array;
mod label_view;
mod limits;
mod npy;
mod options;
mod outlines;
mod overlay;
mod planar;
mod png;
mod polygons;
mod read;
mod rois;
mod sample;
#[cfg(not(target_family = "wasm"))]
mod save;
mod seg;
mod tiff;

pub use csv::write_csv;
pub use cytoshade_core::{Image, LabelVolume, Labels};
pub use cytoshade_pickle::Plain;
pub use cytoshade_pickle::numpy::{self, Array};
pub use cytoshade_safe_io::Redacted;
pub use error::Error;
pub use flow_view::FlowView;
pub use format::Format;
pub use geojson::write_geojson;
pub use label_array::{LabelArray, read_labels};
pub use label_view::{LabelPlane, LabelView};
pub use limits::Limits;
pub use npy::{write_flows_npy, write_labels_npy, write_npy_f32};
pub use options::{Pages, ReadOptions};
pub use outlines::{Outline, outline_labels, outlines, write_outlines};
pub use overlay::{write_overlay_png, write_overlay_tiff};
pub use png::write_labels_png;
pub use polygons::{Polygon, polygons};
pub use read::read_bytes;
#[cfg(not(target_family = "wasm"))]
pub use read::{read, read_file};
pub use rois::{write_hyperstack_rois, write_rois};
#[cfg(not(target_family = "wasm"))]
pub use save::{SaveFile, save, save_new};
pub use seg::{Seg, SegParts, read_seg, write_seg};
pub use tiff::{PixelSize, TiffMetadata, write_images_tiff, write_labels_tiff, write_labels_tiff_with};
