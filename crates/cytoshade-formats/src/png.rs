//! PNG: reading images, writing labels and pictures.

use std::io::{Cursor, Write};

use png::{BitDepth, ColorType, Compression, Decoder, DecodingError, Encoder, EncodingError, Transformations};

use crate::error::one_line;
use crate::{
    Error, Format, Image, LabelView, Limits,
    limits::{DecodeBudget, reserve, zeros},
    planar::planar,
};

/// Reads the (first) picture; palettes are applied, 1 to 4 bits are stretched to 8, alpha is dropped.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Image, Error> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // The header first: the decoder itself would refuse an image for its sides, in words of its own.
    let (width, height) = decoder.read_header_info().map_err(damaged)?.size();
    let pixels = u64::from(width) * u64::from(height);
    limits.check_sides(width.into(), height.into())?;
    let mut reader = decoder.read_info().map_err(damaged)?;
    // The decoder takes it for granted that a palette is of whole colours, and panics otherwise.
    let palette = reader.info().palette.as_ref().map_or(0, |palette| palette.len());
    if palette % 3 != 0 {
        return Err(Error::damaged(
            Format::Png,
            format!("its palette has {palette} bytes, expected three for a color"),
        ));
    }
    let (color, depth) = reader.output_color_type();
    let sample_bytes = if depth == BitDepth::Sixteen { 2 } else { 1 };
    let stored = color.samples();
    DecodeBudget::new(limits, bytes).take(pixels, stored as u64, sample_bytes)?;
    // Deflate stores at most 1032 bytes in one, and a pixel has at least one bit.
    if pixels / 8 > bytes.len() as u64 * 1032 {
        let found = bytes.len();
        return Err(Error::damaged(
            Format::Png,
            format!("it states {height} x {width} pixels (height x width), but has only {found} bytes"),
        ));
    }
    let too_large = || Error::Memory { bytes: pixels.saturating_mul((stored * sample_bytes) as u64) };
    let mut data = zeros(reader.output_buffer_size().ok_or_else(too_large)?)?;
    reader.next_frame(&mut data).map_err(damaged)?;
    reader.finish().map_err(damaged)?;

    let keep = if matches!(color, ColorType::Grayscale | ColorType::GrayscaleAlpha) { 1 } else { 3 };
    let (height, width) = (height as usize, width as usize);
    if sample_bytes == 1 {
        Ok(Image::new(planar(&data, stored, keep), keep, height, width)?)
    } else {
        let (pairs, _) = data.as_chunks();
        let data: Vec<u16> = pairs.iter().map(|pair| u16::from_be_bytes(*pair)).collect();
        Ok(Image::new(planar(&data, stored, keep), keep, height, width)?)
    }
}

fn damaged(error: DecodingError) -> Error {
    Error::damaged(Format::Png, one_line(&error))
}

/// Writes the labels of an image as a 16-bit gray PNG.
///
/// # Errors
/// [`Error::Write`]; [`Error::Output`] for a stack, for a label above 65,535 and for labels without pixels.
pub fn write_labels_png<'a, W: Write>(out: W, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
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
    write(out, size, ColorType::Grayscale, BitDepth::Sixteen, &bytes)
}

/// Writes interleaved pixels, 16-bit ones big-endian.
pub(crate) fn write<W: Write>(
    out: W,
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
