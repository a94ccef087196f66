//! JPEG markers, to distinguish a missing end marker or stray bytes from real damage.
//!
//! Source: ITU-T T.81 (1992), annex B.

/// The file without stray bytes between the segments of its headers; `None` if it has none.
pub(super) fn without_stray_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut clean = bytes.get(..2)?.to_vec();
    let mut at = 2;
    let mut is_stray = false;
    loop {
        let rest = bytes.get(at..)?;
        // Any number of bytes 0xff may precede a marker.
        let marker = rest.windows(2).position(|pair| matches!(pair, [0xff, 0x01..=0xfe]))?;
        is_stray |= rest.get(..marker)?.iter().any(|byte| *byte != 0xff);
        let rest = rest.get(marker..)?;
        let length = 2 + usize::from(u16::from_be_bytes(*rest.get(2..)?.first_chunk::<2>()?));
        if rest.get(1) == Some(&0xda) {
            clean.extend(rest);
            return is_stray.then_some(clean);
        }
        clean.extend(rest.get(..length)?);
        at += marker + length;
    }
}

/// True if every component has a scan. A cut in the last scan shows only during decoding.
///
/// False for progressive files and those with restarts, in which decoding does not reveal a cut in the last scan.
pub(super) fn are_complete(bytes: &[u8]) -> bool {
    let mut components: Vec<(u8, bool)> = Vec::new();
    let mut rest = bytes;
    while let Some((marker, segment, after)) = next(rest) {
        match marker {
            // Frames of baseline and extended sequential coding.
            0xc0 | 0xc1 => {
                let found = segment.get(6..).unwrap_or_default().chunks_exact(3);
                components = found.filter_map(|one| one.first()).map(|id| (*id, false)).collect();
            }
            // With restarts, decoding does not reveal a cut either.
            0xdd if segment != [0, 0] => return false,
            0xda => {
                let Some((count, scan)) = segment.split_first() else { return false };
                for id in scan.chunks_exact(2).take(usize::from(*count)).filter_map(|one| one.first()) {
                    components.iter_mut().filter(|(found, _)| found == id).for_each(|(_, has_scan)| *has_scan = true);
                }
            }
            _ => {}
        }
        rest = after;
    }
    !components.is_empty() && components.iter().all(|(_, has_scan)| *has_scan)
}

/// The next marker with a segment, the segment, and the rest.
fn next(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let mut rest = bytes;
    loop {
        let has_segment = |pair: &[u8]| matches!(pair, [0xff, 0xc0..=0xcf | 0xda..=0xfe]);
        let at = rest.windows(2).position(has_segment)?;
        let (marker, after) = (rest.get(at + 1)?, rest.get(at + 2..)?);
        let length = usize::from(u16::from_be_bytes(*after.first_chunk::<2>()?)).max(2);
        match after.get(2..length) {
            Some(segment) => return Some((*marker, segment, after.get(length..)?)),
            None => rest = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTIZATION: [u8; 6] = [0xff, 0xdb, 0, 4, 1, 2];
    const FRAME: [u8; 19] = [0xff, 0xc0, 0, 17, 8, 0, 9, 0, 9, 3, 1, 0x11, 0, 2, 0x11, 1, 3, 0x11, 1];
    const SCAN: [u8; 11] = [0xff, 0xda, 0, 9, 1, 1, 0, 0, 63, 0, 7];

    #[test]
    fn stray_bytes_are_dropped() {
        let clean = [&[0xff, 0xd8][..], &QUANTIZATION, &FRAME, &SCAN, &[7, 0xff, 0xd9]].concat();
        assert_eq!(without_stray_bytes(&clean), None);
        let stray = [&[0xff, 0xd8, 3, 0][..], &QUANTIZATION, &[9, 0xff], &FRAME, &SCAN, &[7, 0xff, 0xd9]].concat();
        assert_eq!(without_stray_bytes(&stray), Some(clean.clone()));
        for end in 0..clean.len() {
            assert_eq!(without_stray_bytes(&clean[..end]), None);
        }
    }

    #[test]
    fn every_component_needs_a_scan() {
        let scans = |ids: &[u8]| {
            let mut bytes = [&[0xff, 0xd8][..], &FRAME].concat();
            for id in ids {
                bytes.extend([0xff, 0xda, 0, 8, 1, *id, 0, 0, 63, 0, 1, 2]);
            }
            are_complete(&bytes)
        };
        assert!(scans(&[1, 2, 3]));
        assert!(!scans(&[1, 2]) && !scans(&[]));
        assert!(!are_complete(&[0xff, 0xd8, 0xff, 0xdd, 0, 4, 0, 9]));
    }
}
