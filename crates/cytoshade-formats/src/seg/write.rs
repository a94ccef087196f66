//! A `_seg.npy` of our own.

use std::borrow::Cow;
use std::io::Write;

use cytoshade_core::{Planes, Samples};
use cytoshade_pickle::Plain;
use cytoshade_pickle::numpy::{Array, Data, Dtype, Kind};

use super::flow_pictures;
use crate::outlines::outline_labels;
use crate::{Error, Image, Labels, overlay};

/// What a `_seg.npy` is made of.
#[derive(Clone, Copy, Debug)]
pub struct SegParts<'a> {
    /// The cells.
    pub labels: &'a Labels,
    /// The image that was segmented. The graphical program shows it where it does not find `filename`. The reference's
    /// versions from 3 on leave it out.
    pub image: Option<&'a Image>,
    /// The network's dY and dX, of shape [2, H, W], and its cell probability, of shape [1, H, W]. The graphical program
    /// needs both to find masks again with other thresholds.
    pub flows: Option<(&'a Planes, &'a Planes)>,
    /// The image's path, where the graphical program looks for it (and beside the `_seg.npy`).
    pub filename: &'a str,
    /// The channel to segment and the nuclear one, as Cellpose counts them.
    pub channels: [usize; 2],
    /// The diameter in pixels that the cells were looked for with.
    pub diameter: f64,
}

/// Writes a `_seg.npy` as Cellpose 3.1.1.2 does (`io.masks_flows_to_seg`): the same keys with the same types and shapes,
/// and `est_diam`, `colors` and `img`, which its graphical program looks for too.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] where labels, image and flows do not fit each other.
pub fn write_seg<W: Write>(out: W, parts: &SegParts<'_>) -> Result<(), Error> {
    let labels = parts.labels;
    crate::labels_size(labels)?;
    let cells = labels.max() as usize;
    let text = |key: &'static str| Plain::Text(Cow::Borrowed(key));
    let mut pairs = vec![
        (text("outlines"), label_array(&outline_labels(labels))?),
        (text("masks"), label_array(labels)?),
        (text("chan_choose"), Plain::List(parts.channels.map(|channel| Plain::Int(channel as i128)).to_vec())),
        (text("ismanual"), array(vec![cells], Dtype::little_endian(Kind::Bool, 1), vec![0; cells])?),
        (text("filename"), Plain::Text(Cow::Borrowed(parts.filename))),
    ];
    if let Some((flows, cellprob)) = parts.flows {
        pairs.push((text("flows"), flow_list(flows, cellprob, labels)?));
    }
    pairs.push((text("diameter"), Plain::Float(parts.diameter)));
    pairs.push((text("est_diam"), Plain::Float(parts.diameter)));
    let colors: Vec<u8> = (1..=labels.max()).flat_map(|label| overlay::color(label).map(|part| part as u8)).collect();
    pairs.push((text("colors"), array(vec![cells, 3], Dtype::little_endian(Kind::Uint, 1), colors)?));
    if let Some(image) = parts.image {
        pairs.push((text("img"), image_array(image)?));
    }
    cytoshade_pickle::write_npy(out, &Plain::Dict(pairs)).map_err(Error::Write)
}

/// 16 bits where the labels are below 65,535, as the reference draws the line, else 32.
fn label_array(labels: &Labels) -> Result<Plain<'static>, Error> {
    let shape = vec![labels.height(), labels.width()];
    if labels.max() < u32::from(u16::MAX) {
        let bytes = labels.as_slice().iter().flat_map(|&label| (label as u16).to_le_bytes()).collect();
        return array(shape, Dtype::little_endian(Kind::Uint, 2), bytes);
    }
    let bytes = labels.as_slice().iter().flat_map(|label| label.to_le_bytes()).collect();
    array(shape, Dtype::little_endian(Kind::Uint, 4), bytes)
}

/// The five entries of `flows`, of which the pictures are as large as the masks.
fn flow_list(flows: &Planes, cellprob: &Planes, labels: &Labels) -> Result<Plain<'static>, Error> {
    let (height, width) = (flows.height(), flows.width());
    if (flows.channels(), cellprob.channels()) != (2, 1) || (cellprob.height(), cellprob.width()) != (height, width) {
        let shape = |planes: &Planes| [planes.channels(), planes.height(), planes.width()];
        return Err(Error::Output {
            found: format!("flows of shape {:?} and cell probabilities of shape {:?}", shape(flows), shape(cellprob)),
            expected: "shapes [2, H, W] and [1, H, W]",
        });
    }
    let size = [labels.height(), labels.width()];
    let picture = |mut shape: Vec<usize>, bytes| {
        shape.insert(0, 1);
        array(shape, Dtype::little_endian(Kind::Uint, 1), bytes)
    };
    let flow_colors = flow_pictures::resize(&flow_pictures::colors(flows), [height, width], size);
    let probability = flow_pictures::resize(&flow_pictures::brightness(cellprob.as_slice()), [height, width], size);
    let output = flows.as_slice().iter().chain(cellprob.as_slice()).flat_map(|value| value.to_le_bytes()).collect();
    Ok(Plain::List(vec![
        picture(vec![size[0], size[1], 3], flow_colors.concat())?,
        picture(size.to_vec(), probability)?,
        picture(vec![height, width, 3], vec![0; height * width * 3])?,
        Plain::List(Vec::new()),
        array(vec![3, height, width], Dtype::little_endian(Kind::Float, 4), output)?,
    ]))
}

/// [H, W] of one channel, else [C, H, W].
fn image_array(image: &Image) -> Result<Plain<'static>, Error> {
    let mut shape = vec![image.height(), image.width()];
    if image.channels() > 1 {
        shape.insert(0, image.channels());
    }
    macro_rules! samples {
        ($($variant:ident $kind:ident $size:literal),*) => {
            match image.samples() {
                $(Samples::$variant(values) => {
                    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                    array(shape, Dtype::little_endian(Kind::$kind, $size), bytes)
                })*
                _ => Err(Error::Output { found: "an image of an unknown type".into(), expected: "numbers" }),
            }
        };
    }
    samples!(
        U8 Uint 1, I8 Int 1, U16 Uint 2, I16 Int 2, U32 Uint 4, I32 Int 4, U64 Uint 8, I64 Int 8, F32 Float 4, F64 Float 8
    )
}

fn array(shape: Vec<usize>, dtype: Dtype, bytes: Vec<u8>) -> Result<Plain<'static>, Error> {
    Ok(Plain::Array(Array::new(shape, dtype, false, Data::Bytes(Cow::Owned(bytes)))?))
}
