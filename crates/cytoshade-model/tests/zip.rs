//! Zip archives: the directory, the records' own headers and the descriptors behind them say the same, or the archive is
//! refused with what disagrees.

mod common;

use common::{fixture, network, try_load};
use cytoshade_model::Error;

/// One description of a record: what the directory, the record's header or its descriptor says.
#[derive(Clone, Debug)]
struct Description {
    name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    packed: u64,
    size: u64,
    /// Whether the sizes are in a zip64 field.
    wide: bool,
    extra: Vec<u8>,
}

/// A record, as an archive may describe it in three places.
#[derive(Clone, Debug)]
struct Record {
    data: Vec<u8>,
    central: Description,
    local: Description,
    descriptor: Vec<u8>,
    /// Bytes between the record before and this one.
    before: Vec<u8>,
    offset: Option<u32>,
}

const DESCRIPTOR: u16 = 1 << 3;

impl Record {
    fn new(name: &str, data: &[u8]) -> Self {
        let crc = crc32(data);
        let size = data.len() as u64;
        let central = Description {
            name: name.into(),
            flags: 0,
            method: 0,
            crc,
            packed: size,
            size,
            wide: false,
            extra: Vec::new(),
        };
        let (data, local) = (data.to_vec(), central.clone());
        Self { data, central, local, descriptor: Vec::new(), before: Vec::new(), offset: None }
    }

    /// As writers do that cannot go back: the header has no sizes, which follow the data.
    fn streamed(name: &str, data: &[u8], signature: bool, wide: bool) -> Self {
        let mut record = Self::new(name, data);
        record.central.flags = DESCRIPTOR;
        record.local = Description { crc: 0, packed: 0, size: 0, ..record.central.clone() };
        let mut descriptor = if signature { b"PK\x07\x08".to_vec() } else { Vec::new() };
        descriptor.extend(record.central.crc.to_le_bytes());
        for size in [record.central.packed, record.central.size] {
            descriptor.extend(&size.to_le_bytes()[..if wide { 8 } else { 4 }]);
        }
        Self { descriptor, ..record }
    }
}

/// Bit by bit, as APPNOTE defines it: another implementation than the reader's.
fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (if crc & 1 == 1 { 0xedb8_8320 } else { 0 }))
    })
}

impl Description {
    /// Version needed up to the lengths of name and extra fields, then the rest.
    fn parts(&self, offset: Option<u64>) -> (Vec<u8>, Vec<u8>) {
        let narrow = |value: u64| if self.wide { u32::MAX } else { value as u32 };
        let mut extra = Vec::new();
        if self.wide {
            let values = [self.size, self.packed].into_iter().chain(offset).flat_map(u64::to_le_bytes);
            let values: Vec<u8> = values.collect();
            extra = [&[1, 0, values.len() as u8, 0][..], &values].concat();
        }
        extra.extend(&self.extra);
        let mut fixed = vec![20, 0];
        fixed.extend(self.flags.to_le_bytes());
        fixed.extend(self.method.to_le_bytes());
        fixed.extend([0; 4]);
        fixed.extend(self.crc.to_le_bytes());
        fixed.extend(narrow(self.packed).to_le_bytes());
        fixed.extend(narrow(self.size).to_le_bytes());
        fixed.extend((self.name.len() as u16).to_le_bytes());
        fixed.extend((extra.len() as u16).to_le_bytes());
        (fixed, [&self.name[..], &extra].concat())
    }
}

fn archive(records: &[Record]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for record in records {
        bytes.extend(&record.before);
        let offset = record.offset.unwrap_or(bytes.len() as u32);
        let (fixed, rest) = record.local.parts(None);
        bytes.extend([b"PK\x03\x04", &fixed[..], &rest, &record.data, &record.descriptor].concat());
        let (fixed, rest) = record.central.parts(record.central.wide.then_some(offset.into()));
        let narrow = if record.central.wide { u32::MAX } else { offset };
        directory.extend([b"PK\x01\x02\x14\0", &fixed[..], &[0; 10], &narrow.to_le_bytes(), &rest].concat());
    }
    let (count, offset) = (records.len() as u16, bytes.len() as u32);
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count.to_le_bytes(), count.to_le_bytes()].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

const PICKLE: &[u8] = b"\x80\x02}.";

fn pickle() -> Record {
    Record::new("m/data.pkl", PICKLE)
}

/// The archive is in order; what it holds is no network.
#[track_caller]
fn opens(records: &[Record]) {
    let result = try_load(&archive(records));
    assert!(matches!(result, Err(Error::NoNetwork { .. })), "{result:?}");
}

#[track_caller]
fn refused(records: &[Record], what: &str) {
    let error = try_load(&archive(records)).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }) && error.to_string().contains(what), "{what}: {error}");
}

#[test]
fn every_honest_form_opens() {
    opens(&[pickle()]);
    for signature in [true, false] {
        for wide in [true, false] {
            opens(&[Record::streamed("m/data.pkl", PICKLE, signature, wide), Record::new("m/version", b"3")]);
        }
    }
    let mut wide = pickle();
    (wide.central.wide, wide.local.wide) = (true, true);
    opens(&[wide.clone(), wide_named("m/version")]);
    // Only the directory has the zip64 field.
    wide.local.wide = false;
    opens(&[wide]);
    // An extra field as torch pads with, and padding of fewer than four bytes.
    let mut padded = pickle();
    padded.local.extra = [&b"FB\x06\0ZZZZZZ"[..], &[0; 3]].concat();
    opens(&[padded]);
    // A hint at the packing's strength.
    let mut hint = pickle();
    hint.local.flags = 2;
    opens(&[hint]);
    // Bytes between records that are no record.
    let mut gap = Record::new("m/version", b"3");
    gap.before = vec![0; 9];
    opens(&[pickle(), gap]);
    // Without checksums, as torch writes it on demand.
    let mut unchecked = pickle();
    (unchecked.central.crc, unchecked.local.crc) = (0, 0);
    opens(&[unchecked]);
}

fn wide_named(name: &str) -> Record {
    let mut record = Record::new(name, b"3");
    (record.central.wide, record.local.wide) = (true, true);
    record
}

#[test]
fn two_descriptions_that_disagree_are_refused_with_what_disagrees() {
    type Change = fn(&mut Description);
    let differ: [(&str, Change); 9] = [
        ("another encryption", |d| d.flags = 1),
        ("another set of flags", |d| d.flags = 1 << 6),
        ("another set of flags", |d| d.flags = 1 << 13),
        ("another set of flags", |d| d.flags = 1 << 11),
        ("another compression method", |d| d.method = 8),
        ("another checksum", |d| d.crc ^= 1),
        ("another packed size", |d| d.packed += 1),
        ("another size", |d| d.size += 1),
        ("another name", |d| d.name = b"m/data.pkx".to_vec()),
    ];
    for (what, change) in differ {
        for streamed in [false, true] {
            let mut record = if streamed { Record::streamed("m/data.pkl", PICKLE, true, false) } else { pickle() };
            change(&mut record.local);
            refused(&[record], what);
        }
    }
    // The size in the zip64 field counts.
    let mut wide = wide_named("m/data.pkl");
    wide.local.size += 1;
    refused(&[wide], "another size");
    // A descriptor for a record that announces none, and none for one that does.
    let mut record = Record::streamed("m/data.pkl", PICKLE, true, false);
    record.central.flags = 0;
    refused(&[record], "another set of flags");
    let mut record = Record::streamed("m/data.pkl", PICKLE, true, false);
    record.descriptor.clear();
    refused(&[record], "another descriptor");
    for at in 4..16 {
        let mut record = Record::streamed("m/data.pkl", PICKLE, true, false);
        record.descriptor[at] ^= 1;
        refused(&[record], "another descriptor");
    }
}

#[test]
fn what_no_reader_should_take_is_refused() {
    for (what, flags) in [("encrypted", 1), ("encrypted", 1 << 6), ("encrypted", 1 << 13), ("patch", 1 << 5)] {
        let mut record = pickle();
        (record.central.flags, record.local.flags) = (flags, flags);
        refused(&[record], what);
    }
    let mut record = pickle();
    (record.central.method, record.local.method) = (12, 12);
    refused(&[record], "method 12");
    let mut record = pickle();
    (record.central.size, record.local.size) = (3, 3);
    refused(&[record], "stored in 4 bytes");
    // Two names, of which readers choose differently.
    refused(&[pickle(), pickle()], "comes twice");
    refused(&[Record::new("m/data.pkl\0.txt", PICKLE)], "zero byte");
    let mut record = pickle();
    record.central.extra = b"\x75\x70\x01\0x".to_vec();
    refused(&[record], "second name");
    let mut record = pickle();
    record.central.extra = [1, 0, 0, 0, 1, 0, 0, 0].to_vec();
    refused(&[record], "two zip64 fields");
    // Records that share bytes, and one that only a reader without the directory finds.
    let mut second = Record::new("m/version", PICKLE);
    second.offset = Some(0);
    second.central.name = b"m/data.pkl".to_vec();
    refused(&[pickle(), second], "twice");
    let inner = archive(&[Record::new("m/version", b"3")]);
    let outer = Record::new("m/data.pkl", &inner[..40]);
    let mut second = Record::new("m/version", b"3");
    second.offset = Some(40);
    refused(&[outer, second], "overlaps");
    let hidden = archive(&[Record::new("m/data.pkl", b"other")]);
    let mut second = Record::new("m/version", b"3");
    second.before = hidden[..45].to_vec();
    refused(&[pickle(), second], "does not list");
}

#[test]
fn end_records_that_disagree_are_refused() {
    let honest = archive(&[pickle()]);
    let end = honest.len() - 22;
    for (what, at) in [
        ("several files", 4),
        ("several files", 6),
        ("several files", 8),
        ("does not end where", 12),
        ("does not end where", 16),
    ] {
        let mut other = honest.clone();
        other[end + at] ^= 1;
        let error = try_load(&other).unwrap_err().to_string();
        assert!(error.contains(what), "{what}: {error}");
    }
    // With a zip64 end record, which may differ only in the numbers that do not fit.
    let offset = u64::from(u32::from_le_bytes(honest[end + 16..end + 20].try_into().unwrap()));
    let length = u64::from(u32::from_le_bytes(honest[end + 12..end + 16].try_into().unwrap()));
    let wide = |count: u64, length: u64, offset: u64, narrow: Option<[u8; 12]>| {
        let mut bytes = honest[..end].to_vec();
        bytes.extend(b"PK\x06\x06\x2c\0\0\0\0\0\0\0\x2d\0\x2d\0\0\0\0\0\0\0\0\0");
        bytes.extend([count, count, length, offset].into_iter().flat_map(u64::to_le_bytes));
        bytes.extend(b"PK\x06\x07\0\0\0\0");
        bytes.extend((end as u64).to_le_bytes());
        bytes.extend(1u32.to_le_bytes());
        bytes.extend(&honest[end..end + 8]);
        bytes.extend(narrow.unwrap_or(honest[end + 8..end + 20].try_into().unwrap()));
        bytes.extend([0, 0]);
        try_load(&bytes).unwrap_err()
    };
    assert!(matches!(wide(1, length, offset, None), Error::NoNetwork { .. }));
    assert!(matches!(wide(1, length, offset, Some([0xff; 12])), Error::NoNetwork { .. }));
    for error in [wide(2, length, offset, None), wide(1, length - 1, offset, None), wide(1, length, offset + 1, None)] {
        assert!(error.to_string().contains("disagree"), "{error}");
    }
}

/// Torch's own archives, with descriptors: no bit of a header can be changed unnoticed but in times, versions and hints.
#[test]
fn every_bit_of_torch_s_headers_counts() {
    let (honest, expected) = (fixture("zip.pth"), network("zip.pth"));
    let headers: Vec<usize> =
        honest.windows(4).enumerate().filter(|(_, at)| at == b"PK\x03\x04").map(|(at, _)| at).collect();
    assert!(headers.len() > 50);
    let mut refused = 0;
    for &start in headers.iter().step_by(7) {
        for at in start + 4..start + 30 {
            for bit in 0..8 {
                let mut other = honest.clone();
                other[at] ^= 1 << bit;
                match try_load(&other) {
                    Ok(network) => assert!(network == expected, "byte {} of a header", at - start),
                    Err(_) => refused += 1,
                }
            }
        }
    }
    let per_header = refused / headers.iter().step_by(7).count();
    // Flags but the hints, method, checksum, sizes and lengths, of 26 bytes.
    assert!(per_header >= 8 * 14, "{per_header}");
}
