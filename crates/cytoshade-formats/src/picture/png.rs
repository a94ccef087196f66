//! PNG: reads images, writes labels and overlays.

use std::io::{Cursor, Write};

use png::{BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, EncodingError, Transformations};

use super::{Allowed, Picture, unsigned};
#[cfg(not(target_family = "wasm"))]
use crate::SampleType;
use crate::error::one_line;
use crate::limits::{reserve, zeros};
use crate::sample::swap;
use crate::{Error, Format, LabelView};

/// Decodes the first frame of a file. Palettes are applied; 1 to 4 bits are stretched to 8.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // The header first: the decoder would refuse an image for its size with its own message.
    let (width, height) = decoder.read_header_info().map_err(damaged)?.size();
    let pixels = u64::from(width) * u64::from(height);
    allowed.check(Format::Png, width.into(), height.into(), 0)?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    // The decoder assumes three bytes per palette color and panics otherwise.
    let palette = reader.info().palette.as_ref().map_or(0, |palette| palette.len());
    if palette % 3 != 0 {
        return Err(Error::damaged(
            Format::Png,
            format!("its palette has {palette} bytes, expected a multiple of three"),
        ));
    }
    let (color, depth) = reader.output_color_type();
    let sample_bytes = if depth == BitDepth::Sixteen { 2 } else { 1 };
    let channels = color.samples();
    allowed.check(Format::Png, width.into(), height.into(), (channels * sample_bytes) as u64)?;
    // Deflate expands a byte to at most 1032 bytes, and a pixel has at least one bit.
    if pixels / 8 > bytes.len() as u64 * 1032 {
        let found = bytes.len();
        return Err(Error::damaged(
            Format::Png,
            format!("it states {height} x {width} pixels (height x width), but has only {found} bytes"),
        ));
    }
    let too_large = || Error::Memory { bytes: pixels.saturating_mul((channels * sample_bytes) as u64) };
    let mut data = zeros(reader.output_buffer_size().ok_or_else(too_large)?)?;
    reader.next_frame(&mut data).map_err(damaged)?;
    reader.finish().map_err(damaged)?;
    if sample_bytes == 2 && cfg!(target_endian = "little") {
        swap(&mut data, 2);
    }
    let sample_type = unsigned(8 * sample_bytes);
    let (width, height) = (width as usize, height as usize);
    Ok(Picture { width, height, channels, sample_type, pixels: data, warnings: Vec::new() })
}

/// Height, width, samples per pixel and their type, from the start of a file.
///
/// The samples are those of a decoded pixel, with transparency, except for the one that a later `tRNS` chunk adds.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn size(start: &[u8]) -> Result<(usize, usize, usize, SampleType), Error> {
    let mut decoder = Decoder::new(Cursor::new(start));
    let info = decoder.read_header_info().map_err(damaged)?;
    let channels = match info.color_type {
        ColorType::Indexed => ColorType::Rgb.samples(),
        color => color.samples(),
    };
    let bits = if info.bit_depth == BitDepth::Sixteen { 16 } else { 8 };
    Ok((info.height as usize, info.width as usize, channels, unsigned(bits)))
}

/// The number of samples per pixel without transparency.
pub(crate) fn opaque(channels: usize) -> usize {
    match channels {
        2 => 1,
        4 => 3,
        channels => channels,
    }
}

fn damaged(error: DecodingError) -> Error {
    Error::damaged(Format::Png, one_line(&error))
}

/// Writes the labels of an image as a 16-bit gray PNG.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] for a stack, for a label above 65,535 and for labels without pixels.
pub fn write_labels_png<'a, W: Write>(mut out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    let labels = labels.into().only_plane("PNG")?;
    let size = labels.picture_size()?;
    let mut bytes = reserve(labels.as_slice().len() * 2)?;
    for &label in labels.as_slice() {
        let label = u16::try_from(label).map_err(|_| Error::Output {
            found: format!("label {label}"),
            expected: "labels of at most 65,535 in a PNG; write a TIFF",
        })?;
        bytes.extend(label.to_be_bytes());
    }
    write(&mut out, size, ColorType::Grayscale, BitDepth::Sixteen, &bytes)
}

/// Writes interleaved pixels, 16-bit ones big-endian.
pub(crate) fn write(
    out: &mut dyn Write,
    (width, height): (u32, u32),
    color: ColorType,
    depth: BitDepth,
    pixels: &[u8],
) -> Result<(), Error> {
    let mut encoder = Encoder::new(out, width, height);
    encoder.set_color(color);
    encoder.set_depth(depth);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header().map_err(write_error)?;
    writer.write_image_data(pixels).map_err(write_error)?;
    writer.finish().map_err(write_error)
}

fn write_error(error: EncodingError) -> Error {
    Error::Write(match error {
        EncodingError::IoError(error) => error,
        other => std::io::Error::other(other),
    })
}
