//! JPEG.

use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use super::{Allowed, Picture, unsigned};
#[cfg(not(feature = "rare"))]
use crate::Warning;
use crate::error::one_line;
use crate::limits::zeros;
use crate::{Error, Format};

#[cfg(feature = "rare")]
mod markers;
#[cfg(feature = "rare")]
mod repair;

type Decoder<'b> = JpegDecoder<ZCursor<&'b [u8]>>;

/// The colour space to which three or more components are decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "rare"), allow(dead_code, reason = "strips and tiles may be pictures"))]
pub(crate) enum Colors {
    /// RGB, from any stored colour space.
    Rgb,
    /// The stored colour space.
    Stored,
}

/// Decodes an 8-bit grey or colour image.
///
/// JPEG has no checksums. Stray bytes between headers and a missing end marker are warnings, as in libjpeg; invalid or
/// missing codes are an error.
pub(crate) fn decode(bytes: &[u8], colors: Colors, allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let mut warnings = Vec::new();
    #[cfg(feature = "rare")]
    let clean = repair::clean(bytes, &mut warnings);
    #[cfg(feature = "rare")]
    let bytes = clean.as_deref().unwrap_or(bytes);
    let (mut decoder, stored) = headers(bytes, true)?;
    let (width, height) = decoder.dimensions().unwrap_or((0, 0));
    let components = if stored == ColorSpace::Luma { 1 } else { 3 };
    allowed.check(Format::Jpeg, width as u64, height as u64, components)?;
    // A block of 8 x 8 pixels takes at least one bit.
    if width as u64 * height as u64 / 512 > bytes.len() as u64 {
        let found = bytes.len();
        return Err(Error::damaged(
            Format::Jpeg,
            format!("it states {height} x {width} pixels (height x width), but has only {found} bytes"),
        ));
    }
    let output = match (stored, colors) {
        (ColorSpace::Luma, _) => ColorSpace::Luma,
        (_, Colors::Rgb) => ColorSpace::RGB,
        (stored, Colors::Stored) => stored,
    };
    let channels = output.num_components();
    let pixels = if has_end(bytes) {
        pixels(&mut decoder, output).map_err(|what| Error::damaged(Format::Jpeg, what))?
    } else {
        let what = "its last scan is not followed by an end-of-image marker";
        without_end(bytes, output, &mut warnings).ok_or_else(|| Error::damaged(Format::Jpeg, what))?
    };
    Ok(Picture { width, height, channels, sample_type: unsigned(8), pixels, warnings })
}

/// Height, width, samples per pixel and their type, from the headers of a file.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn size(bytes: &[u8]) -> Result<(usize, usize, usize, crate::SampleType), Error> {
    #[cfg(feature = "rare")]
    let clean = repair::clean(bytes, &mut Vec::new());
    #[cfg(feature = "rare")]
    let bytes = clean.as_deref().unwrap_or(bytes);
    let (decoder, stored) = headers(bytes, true)?;
    let (width, height) = decoder.dimensions().unwrap_or((0, 0));
    Ok((height, width, if stored == ColorSpace::Luma { 1 } else { 3 }, unsigned(8)))
}

#[cfg(feature = "rare")]
use repair::without_end;

/// The decoder fills missing data at the end of a file with grey.
#[cfg(not(feature = "rare"))]
fn without_end(_: &[u8], _: ColorSpace, _: &mut Vec<Warning>) -> Option<Vec<u8>> {
    None
}

/// A decoder that has read the headers, and the stored colour space.
fn headers(bytes: &[u8], strict: bool) -> Result<(Decoder<'_>, ColorSpace), Error> {
    // The sides are checked afterwards, with our own messages.
    let options = DecoderOptions::default()
        .set_strict_mode(strict)
        .set_max_width(u16::MAX.into())
        .set_max_height(u16::MAX.into());
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let damaged = |error: DecodeErrors| Error::damaged(Format::Jpeg, one_line(&error));
    decoder.decode_headers().map_err(damaged)?;
    let stored = decoder.input_colorspace().unwrap_or(ColorSpace::YCbCr);
    Ok((decoder, stored))
}

fn pixels(decoder: &mut Decoder<'_>, output: ColorSpace) -> Result<Vec<u8>, String> {
    let options = decoder.options().jpeg_set_out_colorspace(output);
    decoder.set_options(options);
    let mut pixels = zeros(decoder.output_buffer_size().unwrap_or(0)).map_err(|error| error.to_string())?;
    decoder.decode_into(&mut pixels).map_err(|error| one_line(&error))?;
    Ok(pixels)
}

/// True if an end-of-image marker follows the last scan.
///
/// (A thumbnail has its own markers, but before the scans of the image.)
fn has_end(bytes: &[u8]) -> bool {
    let last = |code| bytes.windows(2).rposition(|pair| pair == [0xff, code]);
    let (scan, end) = (last(0xda), last(0xd9));
    scan.is_some() && end > scan
}
