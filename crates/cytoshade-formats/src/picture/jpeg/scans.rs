//! Which components the scans of a JPEG hold, to tell a file without an end from one that is cut.
//!
//! Source: ITU-T T.81 (1992), annex B.

/// True if every component has a scan. (The last scan itself may be cut; that shows when it is decoded.) False for
/// progressive files and those with restarts: there, a cut in the last scan does not show.
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
            // Between restarts a cut does not show either.
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

/// The next marker that has a segment, the segment, and what follows it.
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
