//! GeoJSON: cells as polygons, for QuPath and other viewers.

use std::io::{self, Write};

use crate::polygons::{Polygon, plane_polygons};
use crate::{Error, LabelPlane, LabelView};

/// Writes a `FeatureCollection` with one feature for each cell, as QuPath opens it.
///
/// The geometry is a `Polygon`, or a `MultiPolygon` if the cell has several parts, with its holes. Coordinates are in
/// pixels from the image's upper left corner, along the edges of the pixels, so a polygon's area is the cell's number of
/// pixels. Properties: `objectType` (`detection`), `name` (the label as text) and `label`. For a stack and a time
/// series there is one feature for each plane that a cell is in, whose geometry has QuPath's `plane`: `c` is -1 (all
/// channels), `z` and `t` count from 0.
///
/// # Errors
/// [`Error::Write`], [`Error::Memory`].
pub fn write_geojson<'a, W: Write>(mut out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    out.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[").map_err(Error::Write)?;
    let mut separator = "\n";
    for plane in labels.into().planes() {
        let place = place(&plane);
        for (label, parts) in plane_polygons(plane.labels)? {
            out.write_all(separator.as_bytes()).map_err(Error::Write)?;
            separator = ",\n";
            feature(&mut out, label, &parts, &place).map_err(Error::Write)?;
        }
    }
    out.write_all(b"\n]}\n").and_then(|()| out.flush()).map_err(Error::Write)
}

/// QuPath's `plane` of a geometry; empty for a single image, for which QuPath assumes the plane 0, 0.
fn place(plane: &LabelPlane<'_>) -> String {
    if plane.slice.is_none() && plane.frame.is_none() {
        return String::new();
    }
    let (z, t) = (plane.slice.unwrap_or(0), plane.frame.unwrap_or(0));
    format!(",\"plane\":{{\"c\":-1,\"z\":{z},\"t\":{t}}}")
}

fn feature<W: Write>(out: &mut W, label: u32, parts: &[Polygon], place: &str) -> io::Result<()> {
    write!(out, "{{\"type\":\"Feature\",\"geometry\":{{\"type\":")?;
    match parts {
        [part] => {
            write!(out, "\"Polygon\",\"coordinates\":")?;
            polygon(out, part)?;
        }
        parts => {
            write!(out, "\"MultiPolygon\",\"coordinates\":[")?;
            listed(out, parts.iter(), polygon)?;
            write!(out, "]")?;
        }
    }
    let properties = format!("{{\"objectType\":\"detection\",\"name\":\"{label}\",\"label\":{label}}}");
    write!(out, "{place}}},\"properties\":{properties}}}")
}

fn polygon<W: Write>(out: &mut W, polygon: &Polygon) -> io::Result<()> {
    write!(out, "[")?;
    listed(out, polygon.rings(), |out, ring| {
        write!(out, "[")?;
        // A ring in GeoJSON repeats its first position at the end.
        listed(out, ring.iter().chain(ring.first()), |out, [x, y]| write!(out, "[{x},{y}]"))?;
        write!(out, "]")
    })?;
    write!(out, "]")
}

/// Writes items separated by commas.
fn listed<W: Write, T>(
    out: &mut W,
    items: impl Iterator<Item = T>,
    mut write_item: impl FnMut(&mut W, T) -> io::Result<()>,
) -> io::Result<()> {
    for (at, item) in items.enumerate() {
        if at > 0 {
            write!(out, ",")?;
        }
        write_item(out, item)?;
    }
    Ok(())
}
