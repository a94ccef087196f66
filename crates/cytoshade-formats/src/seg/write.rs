//! Writes a `_seg.npy`.

use std::borrow::Cow;
use std::io::Write;

use cytoshade_core::Samples;
use cytoshade_pickle::Plain;
use cytoshade_pickle::numpy::{Array, Data, Dtype, Kind};

use crate::flow_pictures;
use crate::limits::{reserve, zeros};
use crate::outlines::mark_outlines;
use crate::{Error, FlowView, Image, LabelView, overlay};

/// The contents to write to a `_seg.npy`.
#[derive(Clone, Copy, Debug)]
pub struct SegParts<'a> {
    /// The cells of an image [Y, X] or a stack [Z, Y, X].
    pub labels: LabelView<'a>,
    /// The image, or the z-slices of the stack; may be empty.
    ///
    /// The GUI shows it if it does not find `filename`. The reference omits it from version 3 on.
    pub images: &'a [Image],
    /// Flows and cell probability.
    ///
    /// From those of an image the GUI can compute masks again with other thresholds.
    pub flows: Option<FlowView<'a>>,
    /// The image's path, where the GUI looks for it (and beside the `_seg.npy`).
    pub filename: &'a str,
    /// The channel to segment and the nuclear channel, as Cellpose counts them.
    pub channels: [usize; 2],
    /// The diameter in pixels used for segmentation.
    pub diameter: f64,
}

/// Writes a `_seg.npy` as Cellpose 3.1.1.2 does (`io.masks_flows_to_seg`).
///
/// It has the same keys with the same types and shapes, and also `est_diam`, `colors` and `img`, which Cellpose's GUI
/// reads.
///
/// # Errors
/// [`Error::Write`], [`Error::Memory`]; [`Error::Output`] if labels, images and flows do not match, and for a time
/// series, which the format does not support.
pub fn write_seg<W: Write>(out: W, parts: &SegParts<'_>) -> Result<(), Error> {
    let labels = parts.labels;
    check(parts)?;
    // The file is assembled in memory; the parts below are allocated without further checks.
    drop(reserve::<u8>(size(parts))?);
    let cells = labels.max() as usize;
    let text = |key: &'static str| Plain::Text(Cow::Borrowed(key));
    let mut pairs = vec![
        (text("outlines"), label_array(&labels.shape(), labels.max(), &outlines(labels)?)?),
        (text("masks"), label_array(&labels.shape(), labels.max(), labels.as_slice())?),
        (text("chan_choose"), Plain::List(parts.channels.map(|channel| Plain::Int(channel as i128)).to_vec())),
        (text("ismanual"), array(vec![cells], Dtype::little_endian(Kind::Bool, 1), vec![0; cells])?),
        (text("filename"), Plain::Text(Cow::Borrowed(parts.filename))),
    ];
    if let Some(flows) = &parts.flows {
        let pictures = if flows.is_stack() { stack_flows(flows)? } else { image_flows(flows, labels)? };
        pairs.push((text("flows"), Plain::List(pictures)));
    }
    pairs.push((text("diameter"), Plain::Float(parts.diameter)));
    pairs.push((text("est_diam"), Plain::Float(parts.diameter)));
    let colors: Vec<u8> = (1..=labels.max()).flat_map(|label| overlay::color(label).map(|part| part as u8)).collect();
    pairs.push((text("colors"), array(vec![cells, 3], Dtype::little_endian(Kind::Uint, 1), colors)?));
    if !parts.images.is_empty() {
        pairs.push((text("img"), image_array(parts.images, labels.slices().is_some())?));
    }
    cytoshade_pickle::write_npy(out, &Plain::Dict(pairs)).map_err(Error::Write)
}

fn check(parts: &SegParts<'_>) -> Result<(), Error> {
    let labels = parts.labels;
    labels.picture_size()?;
    let refuse = |found: String, expected| Err(Error::Output { found, expected });
    if labels.frames().is_some() {
        return refuse("the labels of a time series".into(), "those of one image or stack in a _seg.npy");
    }
    if parts.flows.is_some_and(|flows| flows.is_stack() != labels.slices().is_some()) {
        return refuse("labels and flows, only one of them a stack".into(), "both of an image or both of a stack");
    }
    let images = parts.images.len();
    if images != 0 && images != labels.slices().unwrap_or(1) {
        return refuse(format!("{images} images for labels of shape {:?}", labels.shape()), "an image for each plane");
    }
    // Colors and `ismanual` have an entry for each number up to the highest label.
    let most = labels.as_slice().len().max(1 << 16);
    if labels.max() as usize > most {
        return refuse(
            format!("label {} among {} pixels", labels.max(), labels.as_slice().len()),
            "cells numbered from 1",
        );
    }
    Ok(())
}

/// Bytes of memory for the contents of the file, including temporaries.
fn size(parts: &SegParts<'_>) -> usize {
    let labels = parts.labels.as_slice().len();
    let images: usize = parts.images.iter().map(|image| image.channels() * image.height() * image.width()).sum();
    let output = parts.flows.map_or(0, |flows| flows.shape().iter().product());
    // Outlines 4 bytes, both label arrays up to 4, flow images 7, samples up to 8, values 4, and as many temporary ones
    // per flow image.
    labels * (4 + 2 * 4 + 7) + images * 8 + output * 8
}

fn outlines(labels: LabelView<'_>) -> Result<Vec<u32>, Error> {
    let mut edges = zeros(labels.as_slice().len())?;
    let pixels = (labels.height() * labels.width()).max(1);
    for (plane, edges) in labels.planes().zip(edges.chunks_exact_mut(pixels)) {
        mark_outlines(plane.labels, edges)?;
    }
    Ok(edges)
}

/// 16 bits if the highest label is below 65,535, as in the reference, else 32.
fn label_array(shape: &[usize], highest: u32, labels: &[u32]) -> Result<Plain<'static>, Error> {
    if highest < u32::from(u16::MAX) {
        let bytes = labels.iter().flat_map(|&label| (label as u16).to_le_bytes()).collect();
        return array(shape.to_vec(), Dtype::little_endian(Kind::Uint, 2), bytes);
    }
    let bytes = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
    array(shape.to_vec(), Dtype::little_endian(Kind::Uint, 4), bytes)
}

/// The five entries of `flows` for an image. Their images have the size of the masks.
fn image_flows(flows: &FlowView<'_>, labels: LabelView<'_>) -> Result<Vec<Plain<'static>>, Error> {
    let [_, height, width] = flows.size();
    let size = [labels.height(), labels.width()];
    let flow_colors = flow_pictures::colors(flows.channel(0), flows.channel(1));
    let flow_colors = flow_pictures::resize(&flow_colors, [height, width], size).concat();
    let probability = flow_pictures::resize(&flow_pictures::brightness(flows.cellprob()), [height, width], size);
    Ok(vec![
        bytes(vec![1, size[0], size[1], 3], flow_colors)?,
        bytes(vec![1, size[0], size[1]], probability)?,
        bytes(vec![1, height, width, 3], vec![0; height * width * 3])?,
        Plain::List(Vec::new()),
        output(flows)?,
    ])
}

/// The five entries of `flows` for a stack. The third is an image of the first channel of the flows.
fn stack_flows(flows: &FlowView<'_>) -> Result<Vec<Plain<'static>>, Error> {
    let size = flows.size().to_vec();
    let first = flows.channel(0);
    let colors = match flows.channels() {
        3 => flow_pictures::volume_colors([first, flows.channel(1), flows.channel(2)]),
        _ => flow_pictures::colors(first, flows.channel(1)),
    };
    Ok(vec![
        bytes([&size[..], &[3]].concat(), colors.into_flattened())?,
        bytes(size.clone(), flow_pictures::brightness(flows.cellprob()))?,
        bytes(size, flow_pictures::direction(first))?,
        Plain::List(Vec::new()),
        output(flows)?,
    ])
}

/// The flows and the cell probability as one array.
fn output(flows: &FlowView<'_>) -> Result<Plain<'static>, Error> {
    let values = flows.flows().iter().chain(flows.cellprob()).flat_map(|value| value.to_le_bytes()).collect();
    array(flows.shape(), Dtype::little_endian(Kind::Float, 4), values)
}

/// [Y, X] or [C, Y, X] for an image, [Z, Y, X] or [Z, C, Y, X] for a stack.
fn image_array(images: &[Image], is_stack: bool) -> Result<Plain<'static>, Error> {
    let Some(first) = images.first() else { return Ok(Plain::None) };
    let size = |image: &Image| (image.channels(), image.height(), image.width());
    let differ = || Error::Output {
        found: "images of several sizes or types".into(),
        expected: "z-slices of one size and type",
    };
    let mut shape = if is_stack { vec![images.len()] } else { Vec::new() };
    if first.channels() > 1 {
        shape.push(first.channels());
    }
    shape.extend([first.height(), first.width()]);
    macro_rules! samples {
        ($($variant:ident $kind:ident $size:literal),*) => {
            match first.samples() {
                $(Samples::$variant(_) => {
                    let mut bytes = Vec::new();
                    for image in images {
                        match image.samples() {
                            Samples::$variant(values) if size(image) == size(first) => {
                                bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
                            }
                            _ => return Err(differ()),
                        }
                    }
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

fn bytes(shape: Vec<usize>, values: Vec<u8>) -> Result<Plain<'static>, Error> {
    array(shape, Dtype::little_endian(Kind::Uint, 1), values)
}

fn array(shape: Vec<usize>, dtype: Dtype, bytes: Vec<u8>) -> Result<Plain<'static>, Error> {
    Ok(Plain::Array(Array::new(shape, dtype, false, Data::Bytes(Cow::Owned(bytes)))?))
}
