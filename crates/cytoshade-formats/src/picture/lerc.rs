//! LERC (Limited Error Raster Compression, Esri), inside TIFF.

use lerc::SampleData;

use super::{Allowed, Picture};
use crate::error::one_line;
use crate::{Error, Format, SampleKind, SampleType};

/// Decodes one raster of up to `samples` values per pixel; masked pixels are 0.
pub(crate) fn decode(bytes: &[u8], samples: usize, allowed: Allowed<'_, '_>) -> Result<Picture, Error> {
    let damaged = |error: lerc::LercError| Error::damaged(Format::Tiff, one_line(&error));
    let info = lerc::decode_info(bytes).map_err(damaged)?;
    allowed.check(Format::Tiff, info.width.into(), info.height.into(), 16)?;
    if info.depth as usize > samples {
        let what = format!("a strip or tile is a raster of {} samples a pixel, expected {samples}", info.depth);
        return Err(Error::damaged(Format::Tiff, what));
    }
    if info.bands != 1 {
        return Err(Error::unsupported(Format::Tiff, format!("LERC of {} bands", info.bands), "one band a tile"));
    }
    let image = lerc::decode(bytes).map_err(damaged)?;
    macro_rules! bytes_of {
        ($values:expr) => {
            $values.iter().flat_map(|value| value.to_ne_bytes()).collect()
        };
    }
    let (kind, bits, pixels): (_, _, Vec<u8>) = match &image.data {
        SampleData::I8(values) => (SampleKind::Signed, 8, bytes_of!(values)),
        SampleData::U8(values) => (SampleKind::Unsigned, 8, values.clone()),
        SampleData::I16(values) => (SampleKind::Signed, 16, bytes_of!(values)),
        SampleData::U16(values) => (SampleKind::Unsigned, 16, bytes_of!(values)),
        SampleData::I32(values) => (SampleKind::Signed, 32, bytes_of!(values)),
        SampleData::U32(values) => (SampleKind::Unsigned, 32, bytes_of!(values)),
        SampleData::F32(values) => (SampleKind::Float, 32, bytes_of!(values)),
        SampleData::F64(values) => (SampleKind::Float, 64, bytes_of!(values)),
    };
    Ok(Picture {
        width: image.width as usize,
        height: image.height as usize,
        channels: image.depth as usize,
        sample_type: SampleType { kind, bits },
        pixels,
        warnings: Vec::new(),
    })
}
