//! JPEG: reading images.

use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

use crate::error::one_line;
use crate::{
    Error, Format, Image, Limits,
    limits::{DecodeBudget, zeros},
    planar::planar,
};

/// Reads an 8-bit grey or colour picture; CMYK becomes RGB.
///
/// A file that is cut short, or whose codes make no sense, is an error. JPEG has no checksums, so other damage shows as
/// wrong pixels only.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<Image, Error> {
    check_end(bytes)?;
    let side = |limit| usize::try_from(limit).unwrap_or(usize::MAX);
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(side(limits.width.max(u16::MAX.into())))
        .set_max_height(side(limits.height.max(u16::MAX.into())));
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(damaged)?;
    let (width, height) = decoder.dimensions().unwrap_or((0, 0));
    let pixels = width as u64 * height as u64;
    limits.check_sides(width as u64, height as u64)?;

    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (output, channels) = if grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    DecodeBudget::new(limits, bytes).take(pixels, channels as u64, 1)?;
    // A block of 8 x 8 pixels takes at least one bit.
    if pixels / 512 > bytes.len() as u64 {
        let found = bytes.len();
        return Err(Error::damaged(
            Format::Jpeg,
            format!("it states {height} x {width} pixels (height x width), but has only {found} bytes"),
        ));
    }
    decoder.set_options(options.jpeg_set_out_colorspace(output));
    let mut data: Vec<u8> = zeros(decoder.output_buffer_size().unwrap_or(0))?;
    decoder.decode_into(&mut data).map_err(damaged)?;
    Ok(Image::new(planar(&data, channels, channels), channels, height, width)?)
}

/// The decoder fills what is missing at the end of a file with grey, so the end is looked for here: the last scan must
/// be followed by an end-of-image marker. (A thumbnail has its own markers, but before the scans of the picture.)
fn check_end(bytes: &[u8]) -> Result<(), Error> {
    let last = |code| bytes.windows(2).rposition(|pair| pair == [0xff, code]);
    let (scan, end) = (last(0xda), last(0xd9));
    if scan.is_some() && end > scan {
        Ok(())
    } else {
        Err(Error::damaged(Format::Jpeg, "its last scan is not followed by an end-of-image marker"))
    }
}

fn damaged(error: DecodeErrors) -> Error {
    Error::damaged(Format::Jpeg, one_line(&error))
}
