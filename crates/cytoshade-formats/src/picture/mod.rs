//! Decoders of single-image formats, for whole files and for TIFF strips and tiles in these formats.

use cytoshade_core::Samples;

use crate::limits::Meter;
use crate::sample::{Held, bytes_mut, gather};
use crate::{Error, Format, Image, SampleKind, SampleType, Warning};

#[cfg(feature = "bmp")]
pub(crate) mod bmp;
pub(crate) mod jpeg;
#[cfg(feature = "jpeg2000")]
pub(crate) mod jpeg2000;
#[cfg(feature = "jpegxl")]
pub(crate) mod jpegxl;
#[cfg(feature = "lerc")]
pub(crate) mod lerc;
pub(crate) mod png;
#[cfg(feature = "pnm")]
pub(crate) mod pnm;
#[cfg(feature = "webp")]
pub(crate) mod webp;

/// A decoded image.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Samples per pixel.
    pub(crate) channels: usize,
    pub(crate) sample_type: SampleType,
    /// The samples in native byte order, interleaved.
    pub(crate) pixels: Vec<u8>,
    pub(crate) warnings: Vec<Warning>,
}

/// The size that a decoder may return.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "rare"), allow(dead_code, reason = "strips and tiles may be pictures"))]
pub(crate) enum Allowed<'m, 'l> {
    /// Any size within the limits, charged to the meter.
    Metered(&'m std::cell::RefCell<Meter<'l>>),
    /// The size of a strip or tile, already charged: exactly this width, and at most this height.
    Chunk {
        /// Width in pixels.
        width: usize,
        /// Maximum height in pixels.
        height: usize,
    },
}

impl Allowed<'_, '_> {
    /// Checks the size in an image's header before decoding. The decoder needs `scratch` bytes per pixel.
    pub(crate) fn check(&self, format: Format, width: u64, height: u64, scratch: u64) -> Result<(), Error> {
        match self {
            Allowed::Metered(meter) => {
                let mut meter = meter.borrow_mut();
                meter.limits().check_sides(width, height)?;
                meter.bytes(width.saturating_mul(height).saturating_mul(scratch))
            }
            Allowed::Chunk { width: expected, height: most } => {
                if width == *expected as u64 && height <= *most as u64 {
                    return Ok(());
                }
                Err(Error::damaged(
                    format,
                    format!(
                        "a strip or tile is an image of {height} x {width} pixels (height x width), expected {most} x {expected}"
                    ),
                ))
            }
        }
    }
}

impl Picture {
    /// Keeps the first `keep` samples of each pixel, as planes.
    pub(crate) fn image(&self, format: Format, keep: usize) -> Result<Image, Error> {
        let held = Held::new(format, self.sample_type)?;
        let keep = keep.min(self.channels);
        let plane = self.width * self.height * held.bytes;
        let mut samples: Samples = held.zeros(self.width * self.height * keep)?;
        for (channel, plane) in bytes_mut(&mut samples).chunks_exact_mut(plane.max(1)).enumerate() {
            let from = self.pixels.get(channel * held.bytes..).unwrap_or_default();
            gather(from, self.channels, held.bytes, plane);
        }
        Ok(Image::from_samples(samples, keep, self.height, self.width)?)
    }
}

/// Unsigned integers of 8 or 16 bits.
pub(crate) fn unsigned(bits: usize) -> SampleType {
    SampleType { kind: SampleKind::Unsigned, bits }
}
