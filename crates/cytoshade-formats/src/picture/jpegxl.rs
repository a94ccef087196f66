//! JPEG XL.

use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage};

use super::{Allowed, Picture, unsigned};
use crate::error::one_line;
use crate::limits::zeros;
use crate::{Error, Format, SampleKind, SampleType, Warning};

/// Decodes the first frame of a file, with all its channels.
pub(crate) fn decode(bytes: &[u8], allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let damaged = |what: String| Error::damaged(Format::JpegXl, what);
    let broken = |error: Box<dyn std::error::Error + Send + Sync>| damaged(one_line(&error));
    let tracker = AllocTracker::with_limit(0);
    let mut uninitialized = JxlImage::builder().alloc_tracker(tracker.clone()).build_uninit();
    tracker.expand_limit(HEADERS);
    uninitialized.feed_bytes(bytes).map_err(broken)?;
    let InitializeResult::Initialized(mut image) = uninitialized.try_init().map_err(broken)? else {
        return Err(damaged("it ends within its header".into()));
    };
    let (width, height) = (image.width(), image.height());
    let colors = if image.pixel_format().is_grayscale() { 1 } else { 3 };
    let channels = colors + image.image_header().metadata.ec_info.len();
    let scratch = (channels as u64).saturating_mul(16);
    allowed.check(Format::JpegXl, width.into(), height.into(), scratch)?;
    let most = u64::from(width).saturating_mul(height.into()).saturating_mul(scratch);
    tracker.expand_limit(usize::try_from(most).unwrap_or(usize::MAX / 2));
    image.finalize().map_err(broken)?;
    let mut warnings = Vec::new();
    match image.num_loaded_keyframes() {
        0 => return Err(damaged("it ends within its first image".into())),
        1 => {}
        pictures => warnings.push(Warning::FirstPicture { pictures }),
    }
    let render = image.render_frame(0).map_err(broken)?;
    let frame = render.image_all_channels();
    let (width, height, channels) = (frame.width(), frame.height(), frame.channels());
    let (sample_type, pixels) = match image.image_header().metadata.bit_depth {
        BitDepth::IntegerSample { bits_per_sample: bits @ 1..=16 } => {
            let bits = bits as usize;
            (unsigned(bits), integers(frame.buf(), bits)?)
        }
        BitDepth::FloatSample { .. } => {
            let floats = SampleType { kind: SampleKind::Float, bits: 32 };
            (floats, frame.buf().iter().flat_map(|sample| sample.to_ne_bytes()).collect())
        }
        BitDepth::IntegerSample { bits_per_sample } => {
            let found = format!("integers of {bits_per_sample} bits");
            return Err(Error::unsupported(Format::JpegXl, found, "integers of 1 to 16 bits, or floats"));
        }
    };
    Ok(Picture { width, height, channels, sample_type, pixels, warnings })
}

/// Limit in bytes on a decoder's headers.
const HEADERS: usize = 16 << 20;

/// Converts samples from 0 to 1 to integers.
fn integers(samples: &[f32], bits: usize) -> Result<Vec<u8>, Error> {
    let most = ((1u32 << bits) - 1) as f32;
    let integers = samples.iter().map(|sample| (sample * most).round().clamp(0.0, most) as u16);
    if bits <= 8 {
        return Ok(integers.map(|sample| sample as u8).collect());
    }
    let mut bytes = zeros(samples.len() * 2)?;
    bytes.as_chunks_mut::<2>().0.iter_mut().zip(integers).for_each(|(out, sample)| *out = sample.to_ne_bytes());
    Ok(bytes)
}
