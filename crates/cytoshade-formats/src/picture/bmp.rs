//! BMP.

use std::io::Cursor;

use image::codecs::bmp::BmpDecoder;
use image::{ImageDecoder, ImageError};

use super::{Allowed, Picture, unsigned};
use crate::error::one_line;
use crate::limits::zeros;
use crate::{Error, Format};

/// Decodes a file. Palettes are applied; a palette of greys yields grey.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let damaged = |error: ImageError| Error::damaged(Format::Bmp, one_line(&error));
    let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    let mut channels = usize::from(decoder.color_type().channel_count());
    allowed.check(Format::Bmp, width.into(), height.into(), channels as u64)?;
    // Runs of up to 255 pixels take two bytes.
    if u64::from(width) * u64::from(height) / 1024 > bytes.len() as u64 {
        let found = bytes.len();
        return Err(Error::damaged(
            Format::Bmp,
            format!("it states {height} x {width} pixels (height x width), but has only {found} bytes"),
        ));
    }
    let (width, height) = (width as usize, height as usize);
    let mut pixels = zeros(width * height * channels)?;
    if decoder.total_bytes() != pixels.len() as u64 {
        return Err(Error::unsupported(Format::Bmp, "samples of more than 8 bits", "8 bits a sample"));
    }
    decoder.read_image(&mut pixels).map_err(damaged)?;
    // Offset of the bits per pixel in the header; up to 8 bits are palette indices.
    let has_palette = bytes.get(28).is_some_and(|bits| *bits <= 8);
    let is_grey = |[red, green, blue]: &[u8; 3]| red == green && red == blue;
    if has_palette && channels == 3 && pixels.as_chunks().0.iter().all(is_grey) {
        pixels = pixels.iter().step_by(3).copied().collect();
        channels = 1;
    }
    Ok(Picture { width, height, channels, sample_type: unsigned(8), pixels, warnings: Vec::new() })
}
