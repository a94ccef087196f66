//! Compressions of bytes.
//!
//! Source: TIFF 6.0 (Adobe, 1992), sections 9 (PackBits) and 13 (LZW); Adobe Photoshop TIFF Technical Notes (2002) for
//! Deflate; libtiff for Zstandard and LZMA.

use crate::Error;
use crate::limits::zeros;

/// At most `expected` bytes; fewer if the data end early.
pub(super) fn deflate(stored: &[u8], expected: usize) -> Result<Result<Vec<u8>, String>, Error> {
    #[cfg(not(target_family = "wasm"))]
    if let Some(bytes) = fast_deflate(stored, expected)? {
        return Ok(Ok(bytes));
    }
    let mut bytes = zeros(expected)?;
    let mut inflate = flate2::Decompress::new(true);
    let mut written = 0;
    loop {
        let from = stored.get(inflate.total_in() as usize..).unwrap_or_default();
        let to = bytes.get_mut(written..).unwrap_or_default();
        let before = (inflate.total_in(), written);
        let status = match inflate.decompress(from, to, flate2::FlushDecompress::Finish) {
            Ok(status) => status,
            Err(error) => return Ok(Err(error.to_string())),
        };
        written = inflate.total_out() as usize;
        let is_stuck = before == (inflate.total_in(), written);
        if written == expected || status == flate2::Status::StreamEnd || is_stuck {
            break;
        }
    }
    bytes.truncate(written);
    Ok(Ok(bytes))
}

/// [`deflate`] by a faster decoder; `None` leaves long and damaged data to the other one.
///
/// It reports an early end as damage, and it writes literals without a look at its limit: 8 bytes for a stored byte at most.
/// The browser's build does without, for its size.
#[cfg(not(target_family = "wasm"))]
fn fast_deflate(stored: &[u8], expected: usize) -> Result<Option<Vec<u8>>, Error> {
    /// More room than the decoder leaves before it writes on; else it would enlarge its output.
    const ROOM: usize = 512;
    const MOST_STORED: usize = 1 << 20;
    if stored.len() > MOST_STORED {
        return Ok(None);
    }
    drop(crate::limits::reserve::<u8>(expected.saturating_add(ROOM))?);
    // Checksums do not detect damage that a reader of images must refuse: libtiff ignores them too.
    let options = zune_inflate::DeflateOptions::default()
        .set_limit(expected)
        .set_size_hint(expected.saturating_add(ROOM))
        .set_confirm_checksum(false);
    let decoded = zune_inflate::DeflateDecoder::new_with_options(stored, options).decode_zlib();
    // What follows the expected bytes does not matter.
    let bytes = decoded.or_else(|error| if error.data.len() >= expected { Ok(error.data) } else { Err(()) });
    Ok(bytes.ok().map(|mut bytes| {
        bytes.truncate(expected);
        bytes
    }))
}

/// At most `expected` bytes; fewer if the data end early.
pub(super) fn lzw(stored: &[u8], expected: usize) -> Result<Result<Vec<u8>, String>, Error> {
    use weezl::{BitOrder, LzwStatus, decode::Configuration};

    let mut decoder = Configuration::with_tiff_size_switch(BitOrder::Msb, 8).with_yield_on_full_buffer(true).build();
    let mut bytes = zeros(expected)?;
    let (mut read, mut written) = (0, 0);
    while written < expected {
        let from = stored.get(read..).unwrap_or_default();
        let result = decoder.decode_bytes(from, bytes.get_mut(written..).unwrap_or_default());
        read += result.consumed_in;
        written += result.consumed_out;
        match result.status {
            Ok(LzwStatus::Ok) if result.consumed_in + result.consumed_out > 0 => {}
            Ok(_) => break,
            Err(error) => return Ok(Err(error.to_string())),
        }
    }
    bytes.truncate(written);
    Ok(Ok(bytes))
}

/// At most `expected` bytes; fewer if the data end early.
pub(super) fn pack_bits(stored: &[u8], expected: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = stored;
    while let (true, [head, tail @ ..]) = (bytes.len() < expected, rest) {
        let run = usize::from(*head);
        rest = match (run, tail) {
            (0..=127, _) => {
                let (literal, after) = tail.split_at(tail.len().min(run + 1));
                bytes.extend_from_slice(literal);
                after
            }
            (129..=255, [value, after @ ..]) => {
                bytes.extend(std::iter::repeat_n(*value, 257 - run));
                after
            }
            // 128 is a no-op.
            _ => tail,
        };
    }
    bytes.truncate(expected);
    bytes
}

/// At most `expected` bytes; fewer if the data end early.
#[cfg(feature = "zstd")]
pub(super) fn zstd(stored: &[u8], expected: usize) -> Result<Vec<u8>, String> {
    // The faster call refuses frames that hold more than is expected.
    let whole = zrip_decode::decompress_with_limit(stored, expected);
    whole.or_else(|_| take(zrip_decode::streaming::FrameDecoder::new(stored), expected))
}

/// At most `expected` bytes; fewer if the data end early.
#[cfg(feature = "lzma")]
pub(super) fn lzma(stored: &[u8], expected: usize) -> Result<Vec<u8>, String> {
    // Writers state dictionaries of up to 64 MiB, whatever the size of the data.
    const MOST_MEMORY_KIB: u32 = 80 << 10;
    take(lzma_rust2::XzReader::new_mem_limit(stored, false, MOST_MEMORY_KIB), expected)
}

#[cfg(any(feature = "zstd", feature = "lzma"))]
fn take(reader: impl std::io::Read, expected: usize) -> Result<Vec<u8>, String> {
    use std::io::Read as _;

    let mut bytes = Vec::new();
    reader.take(expected as u64).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deflate_takes_what_there_is_of_the_expected_bytes() {
        use std::io::Write as _;
        let content: Vec<u8> = (0..4000u32).map(|at| ((at * at) >> 7) as u8).collect();
        // Both decoders: data beyond a mebibyte are left to one of them.
        for copies in [1, 600] {
            let content = content.repeat(copies);
            let level = if copies == 1 { flate2::Compression::new(6) } else { flate2::Compression::none() };
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(&content).unwrap();
            let stored = encoder.finish().unwrap();
            let decode = |stored: &[u8], expected| deflate(stored, expected).unwrap();
            assert_eq!(decode(&stored, content.len()).unwrap(), content);
            assert_eq!(decode(&stored, 1000).unwrap(), content[..1000]);
            assert_eq!(decode(&stored, content.len() + 5).unwrap(), content, "the data hold less");
            // The checksum is lost.
            assert_eq!(decode(&stored[..stored.len() - 4], content.len()).unwrap(), content);
            let half = decode(&stored[..stored.len() / 2], content.len()).unwrap();
            assert!(half.len() < content.len() && content.starts_with(&half) && half.len() > content.len() / 4);
            assert!(decode(b"no zlib data", 8).is_err());
        }
    }

    #[test]
    #[cfg(not(target_family = "wasm"))]
    fn the_fast_decoder_takes_whole_data() {
        let stored = [120, 156, 75, 76, 74, 6, 0, 2, 77, 1, 39];
        assert_eq!(fast_deflate(&stored, 3).unwrap().unwrap(), b"abc");
        assert_eq!(fast_deflate(&stored[..4], 3).unwrap(), None);
    }

    #[test]
    fn pack_bits_of_the_specification() {
        let stored = [0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7, 0xaa];
        let mut expected = vec![0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22];
        expected.extend([0xaa; 10]);
        assert_eq!(pack_bits(&stored, 24), expected);
        assert_eq!(pack_bits(&stored, 5), expected[..5]);
        assert_eq!(pack_bits(&stored[..4], 24), [0xaa, 0xaa, 0xaa, 0x80]);
        assert_eq!(pack_bits(&[0x80, 0x80, 0xff], 24), []);
    }
}
