//! WebP.

use std::io::Cursor;

use image_webp::{DecodingError, WebPDecoder};

use super::{Allowed, Picture, unsigned};
use crate::error::one_line;
use crate::limits::zeros;
use crate::{Error, Format, Warning};

/// Decodes the first frame of a file: RGB, or RGBA if it has transparency.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let damaged = |error: DecodingError| Error::damaged(Format::WebP, one_line(&error));
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    allowed.check(Format::WebP, width.into(), height.into(), 8)?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let size = decoder.output_buffer_size();
    decoder.set_memory_limit(size.unwrap_or(0).saturating_mul(4).saturating_add(1 << 20));
    let mut pixels = zeros(size.unwrap_or(0))?;
    decoder.read_image(&mut pixels).map_err(damaged)?;
    let mut warnings = Vec::new();
    if decoder.is_animated() {
        warnings.push(Warning::FirstPicture { pictures: decoder.num_frames() as usize });
    }
    let (width, height) = (width as usize, height as usize);
    Ok(Picture { width, height, channels, sample_type: unsigned(8), pixels, warnings })
}
