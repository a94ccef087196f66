//! GeoJSON: cells as polygons, for QuPath and for whatever else reads maps.

use std::io::{self, Write};

use crate::polygons::{Polygon, polygons};
use crate::{Error, Labels};

/// Writes a `FeatureCollection` of one feature for each cell, as QuPath opens it: a `Polygon`, or a `MultiPolygon`
/// where the cell's parts lie apart, with its holes. The coordinates are in pixels from the image's upper left corner,
/// along the lines between pixels, so that a polygon's area is the cell's number of pixels. A feature's properties are
/// `objectType` (`detection`), `name` (the label as text) and `label`.
///
/// # Errors
/// [`Error::Write`].
pub fn write_geojson<W: Write>(mut out: W, labels: &Labels) -> Result<(), Error> {
    collection(&mut out, labels).map_err(Error::Write)
}

fn collection<W: Write>(out: &mut W, labels: &Labels) -> io::Result<()> {
    write!(out, "{{\"type\":\"FeatureCollection\",\"features\":[")?;
    listed(out, polygons(labels).iter(), |out, (label, parts)| {
        write!(out, "\n{{\"type\":\"Feature\",\"geometry\":{{\"type\":")?;
        match parts.as_slice() {
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
        write!(out, "}},\"properties\":{properties}}}")
    })?;
    writeln!(out, "\n]}}")?;
    out.flush()
}

fn polygon<W: Write>(out: &mut W, polygon: &Polygon) -> io::Result<()> {
    write!(out, "[")?;
    listed(out, [&polygon.exterior].into_iter().chain(&polygon.holes), |out, ring| {
        write!(out, "[")?;
        // A ring ends where it began.
        listed(out, ring.iter().chain(ring.first()), |out, [x, y]| write!(out, "[{x},{y}]"))?;
        write!(out, "]")
    })?;
    write!(out, "]")
}

/// Items with commas between them.
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
