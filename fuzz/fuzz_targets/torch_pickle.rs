//! The pickle of a zip file, in an archive that is always in order: an archive's structure is hard to hit by chance.
#![no_main]

use cytoshade_fuzz::{network, small};
use cytoshade_model::Format;
use libfuzzer_sys::{Corpus, fuzz_target};

/// A real file: the storages that a pickle may refer to. Its directory gives no checksums.
const REAL: &[u8] = include_bytes!("../seeds/small_zip.pth");
const NAME: &[u8] = b"m/data.pkl";

/// The real file with this pickle in the place of its first record, and the directory's offsets moved.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let number = |at: usize, length: usize| {
        REAL[at..at + length].iter().rev().fold(0usize, |value, &byte| value << 8 | usize::from(byte))
    };
    let directory = REAL.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    assert!(REAL[30..].starts_with(NAME));
    let rest = 30 + number(26, 2) + number(28, 2) + number(18, 4);
    let size = (pickle.len() as u32).to_le_bytes();
    let mut bytes = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend([size, size].concat());
    bytes.extend([NAME.len() as u8, 0, 0, 0]);
    bytes.extend([NAME, pickle].concat());
    let moved = |offset: usize| (offset + bytes.len() - rest) as u32;
    let mut listing = REAL[directory..].to_vec();
    listing[20..28].copy_from_slice(&[size, size].concat());
    let mut at = 0;
    while listing[at..].starts_with(b"PK\x01\x02") {
        let offset = number(directory + at + 42, 4);
        let offset = if offset == 0 { 0 } else { moved(offset) };
        listing[at + 42..at + 46].copy_from_slice(&offset.to_le_bytes());
        at += 46 + number(directory + at + 28, 2) + number(directory + at + 30, 2) + number(directory + at + 32, 2);
    }
    let end = listing.len() - 6;
    listing[end..end + 4].copy_from_slice(&moved(directory).to_le_bytes());
    [&bytes[..], &REAL[rest..directory], &listing].concat()
}

fuzz_target!(|pickle: &[u8]| -> Corpus { network(Format::TorchZip, &archive(pickle), &small()) });
