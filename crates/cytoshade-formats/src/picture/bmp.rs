//! BMP.

use zune_bmp::BmpDecoder;
use zune_bmp::zune_core::bytestream::ZCursor;
use zune_bmp::zune_core::options::DecoderOptions;

use super::{Allowed, Picture, unsigned};
use crate::error::one_line;
use crate::{Error, Format};

/// Decodes a picture: palettes are applied, and a palette of greys gives grey.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let damaged = |what: String| Error::damaged(Format::Bmp, what);
    // The sides are checked afterwards, in words of our own.
    let options = DecoderOptions::default().set_max_width(usize::MAX >> 1).set_max_height(usize::MAX >> 1);
    let mut decoder = BmpDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(format!("{error:?}")))?;
    let (width, height) = decoder.dimensions().unwrap_or((0, 0));
    allowed.check(Format::Bmp, width as u64, height as u64, 5)?;
    // Runs of up to 255 pixels take two bytes.
    if (width as u64).saturating_mul(height as u64) / 1024 > bytes.len() as u64 {
        let found = bytes.len();
        return Err(damaged(format!(
            "it states {height} x {width} pixels (height x width), but has only {found} bytes"
        )));
    }
    let mut pixels = decoder.decode().map_err(|error| damaged(one_line(&format!("{error:?}"))))?;
    let mut channels = decoder.colorspace().map_or(3, |colors| colors.num_components());
    if pixels.len() != width * height * channels {
        return Err(damaged(format!("it holds {} samples, expected {}", pixels.len(), width * height * channels)));
    }
    let is_grey =
        channels == 3 && pixels.as_chunks::<3>().0.iter().all(|[red, green, blue]| red == green && red == blue);
    let bits = bytes.get(28).copied().unwrap_or(24);
    if is_grey && bits <= 8 {
        pixels = pixels.iter().step_by(3).copied().collect();
        channels = 1;
    }
    Ok(Picture { width, height, channels, sample_type: unsigned(8), pixels, warnings: Vec::new() })
}
