//! JPEG 2000: files (JP2) and bare codestreams.

use hayro_jpeg2000::{ComponentData, DecodeSettings, DecoderContext, Image};

use super::{Allowed, Picture, unsigned};
use crate::error::one_line;
use crate::{Error, Format};

/// Decodes an image of integers of up to 16 bits, with its components as stored.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let damaged = |error: hayro_jpeg2000::DecodeError| Error::damaged(Format::Jpeg2000, one_line(&error));
    let settings = DecodeSettings { resolve_palette_indices: true, strict: true, target_resolution: None };
    let image = Image::new(bytes, &settings).map_err(damaged)?;
    let (width, height) = (image.width() as usize, image.height() as usize);
    let components = u64::from(image.color_space().num_channels()) + u64::from(image.has_alpha());
    // During decoding samples are floats, and coefficients take as much again.
    allowed.check(Format::Jpeg2000, width as u64, height as u64, components.saturating_mul(12))?;
    // A code block of 64 x 64 samples takes at least one bit, as does a larger image without any.
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(damaged)?;
    let components = decoded.components();
    let bits = components.iter().map(ComponentData::bit_depth).max().unwrap_or(0);
    let pixels = width * height;
    if !(1..=16).contains(&bits) || components.iter().any(|component| component.samples().len() != pixels) {
        return Err(Error::unsupported(
            Format::Jpeg2000,
            format!("{} components of up to {bits} bits", components.len()),
            "components of one size and of 1 to 16 bits",
        ));
    }
    let bits = usize::from(bits);
    let sample_bytes = bits.div_ceil(8);
    let channels = components.len();
    let mut out = crate::limits::zeros(pixels * channels * sample_bytes)?;
    let most = ((1u32 << bits) - 1) as f32;
    for (channel, component) in components.iter().enumerate() {
        let samples = component.samples().iter().map(|sample| sample.round().clamp(0.0, most) as u16);
        if sample_bytes == 1 {
            out.iter_mut().skip(channel).step_by(channels).zip(samples).for_each(|(out, sample)| *out = sample as u8);
        } else {
            let pairs = out.as_chunks_mut::<2>().0.iter_mut().skip(channel).step_by(channels);
            pairs.zip(samples).for_each(|(out, sample)| *out = sample.to_ne_bytes());
        }
    }
    Ok(Picture { width, height, channels, sample_type: unsigned(bits), pixels: out, warnings: Vec::new() })
}
