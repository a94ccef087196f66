//! ImageJ's regions of interest: a ZIP archive of `.roi` files.

use std::io::Write;

use crate::polygons::{Polygon, plane_polygons};
use crate::stored_zip::StoredZip;
use crate::{Error, LabelPlane, LabelView};

/// Version of the format that defines every field written here.
const VERSION: i16 = 227;
const RECTANGLE: u8 = 1;
const TRACED: u8 = 8;
/// Shows labels in overlays, on a background, as `roifile` does for regions made of points.
const OPTIONS: i16 = 8 | 32;
const MOVE_TO: f32 = 0.0;
const LINE_TO: f32 = 1.0;
const CLOSE: f32 = 4.0;
/// ImageJ reads larger 16-bit coordinates as negative.
const MAX_COORDINATE: u32 = 60_535;
const HEADER: usize = 64;
const HEADER2: usize = 64;

/// Writes every cell as a region for ImageJ and Fiji that covers exactly the cell's pixels.
///
/// A region runs along the edges of the pixels. It is a traced polygon if the cell is one connected part without holes,
/// else a composite. The archive holds `LABEL.roi`; for a stack and a time series, it holds `LABEL-PLANE.roi` for each
/// plane of each cell, whose position is the plane's number in a stack of one channel. A time series of stacks is a
/// hyperstack: its regions have the position of a z-slice and a frame.
///
/// The reference's `io.save_rois` instead joins the centers of the outermost pixels of a cell's largest part, so its
/// areas are smaller, and it drops cells whose contour has at most 4 pixels.
///
/// # Errors
/// [`Error::Write`], [`Error::Memory`].
pub fn write_rois<'a, W: Write>(out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    let labels = labels.into();
    archive(out, labels, labels.frames().is_some() && labels.slices().is_some())
}

/// [`write_rois`] for a stack or a time series of several channels, which is a hyperstack in ImageJ.
///
/// Regions have the position of a z-slice or a frame, in all channels.
///
/// # Errors
/// As [`write_rois`].
pub fn write_hyperstack_rois<'a, W: Write>(out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    archive(out, labels.into(), true)
}

fn archive<W: Write>(out: W, labels: LabelView<'_>, is_hyperstack: bool) -> Result<(), Error> {
    let mut archive = StoredZip::new(out);
    for (index, plane) in labels.planes().enumerate() {
        let place = Place::new(index, &plane, is_hyperstack);
        for (label, parts) in plane_polygons(plane.labels)? {
            let name = match place {
                Place::Image => format!("{label:06}"),
                _ => format!("{label:06}-{:04}", index + 1),
            };
            archive.add(&format!("{name}.roi"), &roi(&parts, &name, place)).map_err(Error::Write)?;
        }
    }
    archive.finish().map_err(Error::Write)
}

/// Position of a region, counted from 1; 0 means all.
#[derive(Clone, Copy)]
enum Place {
    Image,
    Plane(u32),
    Hyperstack { slice: u32, frame: u32 },
}

impl Place {
    fn new(index: usize, plane: &LabelPlane<'_>, is_hyperstack: bool) -> Self {
        let number = |index: Option<usize>| index.map_or(0, |index| index as u32 + 1);
        if plane.slice.is_none() && plane.frame.is_none() {
            Place::Image
        } else if is_hyperstack {
            Place::Hyperstack { slice: number(plane.slice), frame: number(plane.frame) }
        } else {
            Place::Plane(index as u32 + 1)
        }
    }
}

/// A `.roi` file: header, coordinates, second header, name; all numbers big-endian.
///
/// Source: ImageJ's `ij/io/RoiEncoder.java`.
fn roi(parts: &[Polygon], name: &str, place: Place) -> Vec<u8> {
    let polygon = only_polygon(parts);
    let bounds = |axis: usize| {
        let along = parts.iter().flat_map(|part| &part.exterior).map(|corner| corner[axis]);
        (along.clone().min().unwrap_or(0), along.max().unwrap_or(0))
    };
    let ((left, right), (top, bottom)) = (bounds(0), bounds(1));
    let (coordinates, points, path) = match polygon {
        Some(corners) => (traced(corners, left, top), corners.len() as u16, 0),
        None => {
            let path = composite(parts);
            let length = path.len() as u32;
            (path.into_iter().flat_map(f32::to_be_bytes).collect(), 0, length)
        }
    };
    let mut bytes = b"Iout".to_vec();
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend([if polygon.is_some() { TRACED } else { RECTANGLE }, 0]);
    for side in [top, left, bottom, right] {
        bytes.extend((side as u16).to_be_bytes());
    }
    bytes.extend(points.to_be_bytes());
    // Ends of a line, and the width of the stroke.
    bytes.extend([0; 16 + 2]);
    bytes.extend(path.to_be_bytes());
    // Colors of stroke and fill, and the subtype.
    bytes.extend([0; 4 + 4 + 2]);
    bytes.extend(OPTIONS.to_be_bytes());
    // Style and head of an arrow, and the arc of a rectangle.
    bytes.extend([0; 1 + 1 + 2]);
    let (plane, slice, frame) = match place {
        Place::Image => (0, 0, 0),
        Place::Plane(plane) => (plane, 0, 0),
        Place::Hyperstack { slice, frame } => (0, slice, frame),
    };
    bytes.extend(plane.to_be_bytes());
    let header2 = HEADER + coordinates.len();
    bytes.extend((header2 as u32).to_be_bytes());
    bytes.extend(coordinates);
    let units: Vec<u16> = name.encode_utf16().collect();
    // Reserved, then channel, slice and frame.
    for number in [0, 0, slice, frame, (header2 + HEADER2) as u32, units.len() as u32] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.resize(header2 + HEADER2, 0);
    bytes.extend(units.iter().flat_map(|unit| unit.to_be_bytes()));
    bytes
}

/// The ring of a cell, if it is one part without holes and fits 16-bit coordinates.
fn only_polygon(parts: &[Polygon]) -> Option<&[[u32; 2]]> {
    let [Polygon { exterior, holes }] = parts else { return None };
    let fits = exterior.iter().flatten().all(|&coordinate| coordinate <= MAX_COORDINATE);
    (holes.is_empty() && fits && exterior.len() <= usize::from(u16::MAX)).then_some(exterior)
}

/// All x, then all y, from the upper left corner of the region's box.
fn traced(corners: &[[u32; 2]], left: u32, top: u32) -> Vec<u8> {
    let along =
        |axis: usize, start| corners.iter().flat_map(move |corner| ((corner[axis] - start) as u16).to_be_bytes());
    along(0, left).chain(along(1, top)).collect()
}

/// A path of segments, each with type and coordinates, as in `java.awt.geom.PathIterator`.
fn composite(parts: &[Polygon]) -> Vec<f32> {
    let mut path = Vec::new();
    for ring in parts.iter().flat_map(Polygon::rings) {
        for (at, &[x, y]) in ring.iter().enumerate() {
            path.extend([if at == 0 { MOVE_TO } else { LINE_TO }, x as f32, y as f32]);
        }
        path.push(CLOSE);
    }
    path
}
