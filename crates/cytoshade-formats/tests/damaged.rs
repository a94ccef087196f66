//! Files that end early, are noise, or state more than they hold while no limit is set: each must end in images or in a
//! typed error, without a panic, and without memory that is out of proportion to the bytes that are there. Files made
//! to attack the readers under the default limits are in the workspace's tests/hostile.

use std::{
    io::Write,
    sync::{LazyLock, Mutex, PoisonError},
};

use cytoshade_formats::{Error, Format, Image, ImageFile, Limits, ReadOptions, read_bytes};
use flate2::{Compression, write::ZlibEncoder};
use peak_alloc::PeakAlloc;
use proptest::prelude::*;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Tests that measure memory take turns.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1 << 20;

/// Reads, and checks that no more than `most` bytes of memory were in use for it at any time.
#[track_caller]
fn within(most: usize, bytes: &[u8], options: &ReadOptions) -> Result<Vec<Image>, Error> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    let result = read_bytes(bytes, options);
    let used = MEMORY.peak_usage().saturating_sub(before);
    assert!(used <= most, "{used} bytes of memory for a file of {} bytes", bytes.len());
    result
}

/// No limit on sizes, so that what stops a lying file is what it holds.
fn unlimited() -> ReadOptions {
    let all = u64::MAX;
    let sides = Limits { width: all, height: all, pixels: all, ..Limits::default() };
    let limits = Limits { file_bytes: all, decoded_bytes: all, chunk_bytes: all, pages: all, ..sides };
    ReadOptions { limits, ..ReadOptions::default() }
}

#[track_caller]
fn assert_damaged(format: Format, bytes: &[u8]) {
    match within(MIB, bytes, &unlimited()) {
        Err(Error::Damaged { format: found, .. }) if found == format => {}
        other => panic!("expected a damaged {format}, found {:?}", other.map(|images| images.len())),
    }
}

#[track_caller]
fn assert_limit(expected: &str, bytes: &[u8]) {
    match within(MIB, bytes, &ReadOptions::default()) {
        Err(Error::Limit { field, .. }) if field == expected => {}
        other => panic!("expected the limit {expected}, found {:?}", other.map(|images| images.len())),
    }
}

static FIXTURES: LazyLock<Vec<(String, Vec<u8>)>> = LazyLock::new(|| {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let folders = [tests.join("fixtures"), tests.join("codecs")];
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let images = files.filter(|path| path.extension().is_some_and(|extension| extension != "py"));
    let found: Vec<_> = images.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    assert!(found.len() > 110);
    found
});

#[test]
fn every_beginning_of_every_file() {
    let options = ReadOptions::default();
    for (name, bytes) in FIXTURES.iter() {
        let whole = read_bytes(bytes, &options).ok();
        for end in 0..bytes.len() {
            match within(16 * MIB, &bytes[..end], &options) {
                Err(error) => assert!(!error.to_string().is_empty()),
                // The last bytes of a TIFF or a WebP may be padding, and those of a JPEG no more than its end. What is read must then
                // be all of it, but for planes of which the file says that they are missing.
                Ok(images) => {
                    let may = [".tif", ".jpg", ".webp", "pnm.text.pgm"].iter().any(|ending| name.ends_with(ending));
                    assert!(may, "{name} is read from its first {end} bytes");
                    let is_told = !ImageFile::from_bytes(&bytes[..end], &options).unwrap().warnings().is_empty();
                    // Numbers in text may lose their last digit.
                    let is_all = Some(images) == whole || name.ends_with("pnm.text.pgm");
                    assert!(is_all || name.contains("truncated_stack") && is_told, "{name}: its first {end} bytes");
                }
            }
        }
    }
}

#[test]
fn every_byte_of_every_start_changed() {
    for (_, bytes) in FIXTURES.iter() {
        let mut bytes = bytes.clone();
        for at in 0..bytes.len().min(300) {
            let original = bytes[at];
            for changed in [0, 0xff, original ^ 1, original.wrapping_add(1)] {
                bytes[at] = changed;
                let _ = within(64 * MIB, &bytes, &ReadOptions::default());
            }
            bytes[at] = original;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn noise_behind_a_magic_number(magic in 0..MAGIC.len(), noise in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = within(32 * MIB, &[MAGIC[magic], &noise].concat(), &ReadOptions::default());
    }

    #[test]
    fn noise_in_a_real_file(which: prop::sample::Index, at: prop::sample::Index, noise in prop::collection::vec(any::<u8>(), 1..40)) {
        let mut bytes = FIXTURES[which.index(FIXTURES.len())].1.clone();
        let at = at.index(bytes.len());
        let end = bytes.len().min(at + noise.len());
        bytes[at..end].copy_from_slice(&noise[..end - at]);
        let _ = within(32 * MIB, &bytes, &ReadOptions::default());
    }
}

const MAGIC: [&[u8]; 10] = [
    b"II\x2a\0\x08\0\0\0",
    b"MM\0\x2a\0\0\0\x08",
    b"II\x2b\0\x08\0\0\0\x10\0\0\0\0\0\0\0",
    b"MM\0\x2b\0\x08\0\0\0\0\0\0\0\0\0\x10",
    b"\x89PNG\r\n\x1a\n",
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    b"\xff\xd8\xff",
    b"\x93NUMPY\x01\0",
    b"\x93NUMPY\x02\0",
    b"\x93NUMPY\x01\0\x40\0{'descr': '<f4', 'fortran_order': False, 'shape': (",
];

/// `count` zeros, compressed in pieces, since a large buffer would be counted by a test that measures meanwhile.
fn compressed_zeros(count: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    let piece = [0; 1 << 12];
    for start in (0..count).step_by(piece.len()) {
        encoder.write_all(&piece[..piece.len().min(count - start)]).unwrap();
    }
    encoder.finish().unwrap()
}

const SHORT: u16 = 3;
const LONG: u16 = 4;

/// A TIFF of one page: `data` from byte 8 on, then the directory.
fn tiff(data: &[u8], entries: &[(u16, u16, u32, u32)]) -> Vec<u8> {
    let mut bytes = b"II\x2a\0".to_vec();
    bytes.extend((8 + data.len() as u32).to_le_bytes());
    bytes.extend(data);
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend(count.to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

/// One strip of `width` x `height` 8-bit pixels.
fn strip(data: &[u8], (width, height): (u32, u32), compression: u32) -> Vec<u8> {
    let strip = [
        (256, LONG, 1, width),
        (257, LONG, 1, height),
        (258, SHORT, 1, 8),
        (259, SHORT, 1, compression),
        (273, LONG, 1, 8),
        (279, LONG, 1, data.len() as u32),
    ];
    tiff(data, &strip)
}

#[test]
fn tiff_that_states_more_than_it_holds() {
    assert!(within(MIB, &strip(&[7; 6], (3, 2), 1), &ReadOptions::default()).is_ok(), "the honest file");
    assert_limit("pixels", &strip(&[7; 6], (65_536, 65_536), 1));
    assert_limit("width", &strip(&[7; 6], (u32::MAX, 2), 1));
    for compression in [1, 5, 8, 32773] {
        assert_damaged(Format::Tiff, &strip(&[7; 6], (65_536, 65_536), compression));
        assert_damaged(Format::Tiff, &strip(&[7; 6], (u32::MAX, u32::MAX), compression));
    }

    let sides = [(256, LONG, 1, 3), (257, LONG, 1, 2), (258, SHORT, 1, 8)];
    let rest = [(273, LONG, 1, 8), (279, LONG, 1, 6)];
    let with = |entry| tiff(&[7; 6], &[&sides[..], &[entry], &rest].concat());
    assert_damaged(Format::Tiff, &with((277, SHORT, 1, 65_535)));
    assert_damaged(Format::Tiff, &with((277, SHORT, u32::MAX, 8)));
    assert_damaged(Format::Tiff, &with((277, SHORT, 0, 8)));
    assert_damaged(Format::Tiff, &with((322, LONG, 1, u32::MAX)));
    assert_damaged(Format::Tiff, &tiff(&[7; 6], &sides));
    let many = [(256, LONG, 1, 2), (257, LONG, 1, u32::MAX), (258, SHORT, 1, 8), (278, LONG, 1, 1)];
    assert_damaged(Format::Tiff, &tiff(&[7; 6], &[&many[..], &rest].concat()));
    let offsets = [(273, LONG, u32::MAX, 8), (279, LONG, u32::MAX, 8)];
    assert_damaged(Format::Tiff, &tiff(&[7; 6], &[&many[..], &offsets].concat()));
}

#[test]
fn tiff_parts_that_are_not_read_are_named() {
    let with = |entry, bits| {
        let page = [(256, LONG, 1, 2), (257, LONG, 1, 2), (258, SHORT, 1, bits), (273, LONG, 1, 8), (279, LONG, 1, 6)];
        read_bytes(&tiff(&[0x12, 0x3a, 0xbc, 0, 0x1f, 0xff], &[&page[..], &[entry]].concat()), &ReadOptions::default())
    };
    let images = with((259, SHORT, 1, 1), 12).unwrap();
    assert!(images[0] == Image::new(vec![0x123u16, 0xabc, 1, 0xfff], 1, 2, 2).unwrap());
    for (entry, bits, word) in [
        ((259, SHORT, 1, 4711), 8, "4711"),
        ((259, SHORT, 1, 34661), 8, "JBIG"),
        ((339, SHORT, 1, 6), 8, "complex"),
        ((339, SHORT, 1, 3), 8, "8-bit float"),
        ((339, SHORT, 1, 2), 12, "12-bit integer"),
        ((259, SHORT, 1, 1), 128, "128-bit"),
        ((277, SHORT, 2, 8 << 16 | 9), 8, "8"),
    ] {
        let Err(error) = with(entry, bits) else { panic!("{entry:?} is read") };
        assert!(matches!(error, Error::Unsupported { .. } | Error::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn bombs() {
    // 64 MiB behind a strip that is said to have 6 bytes: only 6 are taken.
    let bomb = compressed_zeros(64 * MIB);
    let images = within(MIB, &strip(&bomb, (3, 2), 8), &ReadOptions::default()).unwrap();
    assert_eq!((images[0].height(), images[0].width()), (2, 3));
    // 16 MiB that are really there are read, with no more than a second copy of them.
    let honest = compressed_zeros(16 * MIB);
    let images = within(33 * MIB, &strip(&honest, (4096, 4096), 8), &ReadOptions::default()).unwrap();
    assert_eq!(images.len(), 1);
    let small = Limits { decoded_bytes: 16 * MIB as u64 - 1, ..Limits::default() };
    let options = ReadOptions { limits: small, ..ReadOptions::default() };
    assert!(matches!(within(MIB, &strip(&honest, (4096, 4096), 8), &options), Err(Error::Limit { .. })));

    // The same for PNG, where the bomb is in the picture, and in a profile that is not of interest.
    let _ = within(MIB, &png((3, 2), &bomb), &ReadOptions::default());
    let profile = [b"icc\0\0".as_slice(), &bomb].concat();
    let pixels = compressed_zeros(8);
    let file = png_of(&[(b"IHDR", &header((3, 2))), (b"iCCP", &profile), (b"IDAT", &pixels), (b"IEND", &[])]);
    assert!(within(MIB, &file, &ReadOptions::default()).is_ok());
}

fn header((width, height): (u32, u32)) -> Vec<u8> {
    [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat()
}

fn png_of(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        let mut crc = flate2::Crc::new();
        crc.update(*name);
        crc.update(data);
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(*name);
        bytes.extend(*data);
        bytes.extend(crc.sum().to_be_bytes());
    }
    bytes
}

/// 8-bit grey.
fn png(size: (u32, u32), data: &[u8]) -> Vec<u8> {
    png_of(&[(b"IHDR", &header(size)), (b"IDAT", data), (b"IEND", &[])])
}

#[test]
fn png_that_states_more_than_it_holds() {
    let data = compressed_zeros(8);
    assert!(within(MIB, &png((3, 2), &data), &ReadOptions::default()).is_ok(), "the honest file");
    assert_limit("pixels", &png((65_536, 65_536), &data));
    for size in [(65_536, 65_536), (0x7fff_ffff, 0x7fff_ffff), (0x8000_0000, 2), (0, 0), (u32::MAX, u32::MAX)] {
        assert!(within(MIB, &png(size, &data), &unlimited()).is_err(), "{size:?}");
    }
    assert_damaged(Format::Png, &png((65_536, 65_536), &data));
    assert_damaged(Format::Png, &png((3, 3), &data));
}

#[test]
fn jpeg_that_states_more_than_it_holds() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/grey.jpg");
    let mut bytes = std::fs::read(path).unwrap();
    let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
    bytes[frame + 5..frame + 9].fill(0xff);
    assert_limit("pixels", &bytes);
    assert_damaged(Format::Jpeg, &bytes);
}

fn npy(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\0", &length[..], header.as_bytes(), data].concat()
}

#[test]
fn npy_that_states_more_than_it_holds() {
    let shape = |shape: &str| format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    assert!(within(MIB, &npy(&shape("(2, 3)"), &[0; 24]), &ReadOptions::default()).is_ok(), "the honest file");
    assert_damaged(Format::Npy, &npy(&shape("(65536, 65536)"), &[0; 24]));
    for lie in [
        "(2, 4)",
        "(65536, 65536)",
        "(4294967296, 4294967296)",
        "(18446744073709551615, 18446744073709551615)",
        "(3, 4294967296, 4294967296)",
        "(9999999999, 3, 4294967296, 4294967296)",
        "(99999999999999999999999999, 2)",
        "(-1, 2)",
    ] {
        assert_damaged(Format::Npy, &npy(&shape(lie), &[0; 24]));
    }
    // No image at all: an axis of length 0.
    for empty in ["(0, 3)", "(0, 0)", "(0, 7, 7)", "(7, 7, 0)", "(0, 2, 7, 7)"] {
        assert!(within(MIB, &npy(&shape(empty), &[0; 24]), &unlimited()).is_err(), "{empty}");
    }
    assert_damaged(Format::Npy, b"\x93NUMPY\x02\0\xff\xff\xff\xff{'descr'");
    assert_damaged(Format::Npy, &npy(&"(".repeat(60_000), &[]));
    assert_damaged(Format::Npy, &npy(&format!("{{'shape': {}", "[".repeat(60_000)), &[]));
}

#[test]
fn images_that_are_too_small() {
    let shape = |height, width| format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({height}, {width}), }}");
    let data = compressed_zeros(8);
    for (height, width) in [(1, 1), (1, 9), (9, 1)] {
        for bytes in
            [npy(&shape(height, width), &[0; 9]), strip(&[0; 9], (width, height), 1), png((width, height), &data)]
        {
            let error = within(MIB, &bytes, &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, Error::Image(cytoshade_core::Error::ImageTooSmall { .. })), "{error}");
            assert!(error.to_string().contains(&format!("{height} x {width}")), "{error}");
        }
    }
    let error = within(MIB, &strip(&[0; 9], (0, 0), 1), &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Image(_)), "{error}");
}

/// What fuzzing found, each a file of tests/hostile.
#[track_caller]
fn found_by_fuzzing(name: &str) -> Error {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile");
    read_bytes(&std::fs::read(folder.join(name)).unwrap(), &ReadOptions::default()).unwrap_err()
}

#[test]
fn a_palette_of_no_whole_colors_is_refused() {
    let error = found_by_fuzzing("png_palette_cut.png");
    assert!(matches!(error, Error::Damaged { .. }) && error.to_string().contains("49 bytes"), "{error}");
}

#[test]
fn messages_are_one_line_whatever_is_in_the_file() {
    for name in ["jpeg_line_break.jpg", "npy_type_control.npy", "npy_type_long.npy"] {
        let message = found_by_fuzzing(name).to_string();
        assert!(message.len() < 500 && !message.contains(char::is_control), "{message:?}");
    }
}
