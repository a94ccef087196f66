//! The pickle of a zip file, in an archive that is always in order: an archive's structure is hard to hit by chance.
#![no_main]

use cytoshade_fuzz::{network, small};
use cytoshade_model::Format;
use libfuzzer_sys::{Corpus, fuzz_target};

/// A real file: the storages that a pickle may refer to. Its directory gives no checksums.
const REAL: &[u8] = include_bytes!("../seeds/small_zip.pth");
const NAME: &[u8] = b"m/data.pkl";

/// The real file with this pickle: one record more, and the directory's first entry led to it.
fn archive(pickle: &[u8]) -> Vec<u8> {
    let directory = REAL.windows(4).position(|bytes| bytes == b"PK\x01\x02").unwrap();
    let mut bytes = REAL[..directory].to_vec();
    let record = bytes.len() as u32;
    let size = (pickle.len() as u32).to_le_bytes();
    bytes.extend(b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0");
    bytes.extend([size, size].concat());
    bytes.extend([NAME.len() as u8, 0, 0, 0]);
    bytes.extend(NAME);
    bytes.extend(pickle);
    let moved = bytes.len();
    bytes.extend(&REAL[directory..]);
    assert!(bytes[moved + 46..].starts_with(NAME));
    bytes[moved + 20..moved + 28].copy_from_slice(&[size, size].concat());
    bytes[moved + 42..moved + 46].copy_from_slice(&record.to_le_bytes());
    let end = bytes.len() - 6;
    bytes[end..end + 4].copy_from_slice(&(moved as u32).to_le_bytes());
    bytes
}

fuzz_target!(|pickle: &[u8]| -> Corpus { network(Format::TorchZip, &archive(pickle), &small()) });
