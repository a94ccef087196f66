//! Every kind of file that is read, against what `fixtures/make.py` put into it with other programs.

mod common;

use common::{SIZE, base, fixture, pattern};
use cytoshade_core::{Image, Samples};
use cytoshade_formats::{Error, Format, ImageFile, LeftOut, Limits, Pages, ReadOptions, Warning, read, read_bytes};

fn with(pages: Pages) -> ReadOptions {
    ReadOptions::pages(pages)
}

fn one(name: &str) -> Image {
    let mut images = read(fixture(name), &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(images.len(), 1, "{name}");
    images.remove(0)
}

#[track_caller]
fn assert_one(name: &str, dtype: &str, channels: usize) {
    let channels: Vec<usize> = (0..channels).collect();
    assert!(one(name) == pattern(dtype, &channels, SIZE), "{name} does not hold the pattern");
}

#[test]
fn a_wrong_pattern_is_seen() {
    let image = one("strips_u2.tif");
    assert!(image != pattern("u2", &[1], SIZE));
    assert!(image != pattern("i2", &[0], SIZE));
    assert!(image != pattern("u2", &[0], (SIZE.1, SIZE.0)));
}

#[test]
fn tiff_types() {
    for dtype in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "bool"] {
        assert_one(&format!("strips_{dtype}.tif"), dtype, 1);
    }
    for dtype in ["u2", "i4", "f8", "u8"] {
        assert_one(&format!("big_endian_{dtype}.tif"), dtype, 1);
    }
    assert_one("bigtiff_u2.tif", "u2", 1);
    assert_one("bigtiff_big_endian_u2.tif", "u2", 1);
}

#[test]
fn tiff_tiles_and_compression() {
    for (name, dtype) in [
        ("tiled_u2", "u2"),
        ("tiled_deflate_u2", "u2"),
        ("tiled_lzw_predictor_u2", "u2"),
        ("tiled_deflate_predictor_f4", "f4"),
        ("lzw_u1", "u1"),
        ("lzw_predictor_big_endian_u4", "u4"),
        ("packbits_u2", "u2"),
        ("deflate_predictor_u8", "u8"),
        ("deflate_predictor_f2", "f2"),
        ("deflate_predictor_big_endian_f4", "f4"),
        ("deflate_predictor_f8", "f8"),
    ] {
        assert_one(&format!("{name}.tif"), dtype, 1);
    }
}

#[test]
fn tiff_samples() {
    assert_one("rgb_u1.tif", "u1", 3);
    assert_one("rgba_u2.tif", "u2", 4);
    assert_one("rgb_lzw_predictor_u2.tif", "u2", 3);
    assert_one("rgb_tiled_predictor_f4.tif", "f4", 3);
    assert_one("planar_u2.tif", "u2", 3);
    assert_one("planar_tiled_predictor_u1.tif", "u1", 3);
    assert_one("samples5_u1.tif", "u1", 5);
    // As the reference reads them: indices, and nothing inverted.
    assert_one("palette_u1.tif", "u1", 1);
    assert_one("white_is_zero_u1.tif", "u1", 1);
}

#[test]
fn tiff_pages() {
    let read = |name: &str, pages| read(fixture(name), &with(pages));
    let list = |dtype, pages: &[&[usize]]| pages.iter().map(|c| pattern(dtype, c, SIZE)).collect::<Vec<_>>();

    assert!(read("pages2_u1.tif", Pages::Auto).unwrap() == list("u1", &[&[0, 1]]));
    assert!(read("pages2_u1.tif", Pages::Channels).unwrap() == list("u1", &[&[0, 1]]));
    assert!(read("pages2_u1.tif", Pages::List).unwrap() == list("u1", &[&[0], &[1]]));
    assert!(read("pages5_f4.tif", Pages::Auto).unwrap() == list("f4", &[&[0, 1, 2, 3, 4]]));
    assert!(read("pages6_u2.tif", Pages::Auto).unwrap() == list("u2", &[&[0], &[1], &[2], &[3], &[4], &[5]]));
    assert!(read("pages6_u2.tif", Pages::Channels).unwrap() == list("u2", &[&[0, 1, 2, 3, 4, 5]]));
    assert!(read("pages_rgb_u1.tif", Pages::Auto).unwrap() == list("u1", &[&[0, 1, 2], &[3, 4, 5]]));
    assert!(read("pages_rgb_u1.tif", Pages::Channels).unwrap() == list("u1", &[&[0, 1, 2, 3, 4, 5]]));

    // Pages of another size are left out, unless each page is asked for.
    let two_sizes = [pattern("u1", &[0], SIZE), pattern("u1", &[0], (9, 11))];
    assert!(read("pages_of_two_sizes.tif", Pages::Auto).unwrap() == two_sizes[..1]);
    assert!(read("pages_of_two_sizes.tif", Pages::List).unwrap() == two_sizes);
    assert_eq!(warnings("pages_of_two_sizes.tif"), [Warning::LeftOut { pages: 1, why: LeftOut::OtherSize }]);
    assert!(read("thumbnail.tif", Pages::Auto).unwrap() == two_sizes[..1]);
    assert_eq!(warnings("thumbnail.tif"), [Warning::LeftOut { pages: 1, why: LeftOut::SmallerCopy }]);
}

fn warnings(name: &str) -> Vec<Warning> {
    ImageFile::open(fixture(name), &ReadOptions::default()).unwrap().warnings().to_vec()
}

#[test]
fn tiff_metadata() {
    let stacks: Vec<Image> = [[0, 1], [2, 3], [4, 5]].map(|c| pattern("u2", &c, SIZE)).into();
    for name in ["imagej_2c3z.tif", "ome_2c3z_xyczt.ome.tif", "ome_2c3z_xyzct.ome.tif"] {
        assert!(read(fixture(name), &with(Pages::Auto)).unwrap() == stacks, "{name}");
        assert_eq!(read(fixture(name), &with(Pages::List)).unwrap().len(), 6, "{name}");
    }
    // All planes behind one page.
    let planes = read(fixture("truncated_stack.tif"), &with(Pages::Auto)).unwrap();
    assert!(planes == [pattern("u1", &[0, 1, 2, 3], SIZE)], "{} channels", planes[0].channels());
}

#[test]
fn png_types() {
    for (dtype, kind) in [("u1", "u1"), ("u2", "u2")] {
        assert_one(&format!("grey_{kind}.png"), dtype, 1);
        assert_one(&format!("grey_alpha_{kind}.png"), dtype, 1);
        assert_one(&format!("rgb_{kind}.png"), dtype, 3);
        assert_one(&format!("rgba_{kind}.png"), dtype, 3);
    }
    assert_one("rgb_adam7.png", "u1", 3);
}

#[test]
fn png_small_depths_and_palettes() {
    let mapped = |channels: &[&dyn Fn(i64) -> i64]| {
        let samples = channels.iter().flat_map(|f| base(0, SIZE).map(f)).map(|v| v as u8);
        Image::new(samples.collect(), channels.len(), SIZE.0, SIZE.1).unwrap()
    };
    for (bits, scale) in [(1, 255), (2, 85), (4, 17)] {
        assert!(one(&format!("grey_{bits}_bits.png")) == mapped(&[&|p| p % (1 << bits) * scale]), "{bits} bits");
    }
    let palette = |modulo: i64| mapped(&[&|p| p % modulo, &|p| 2 * (p % modulo) % 256, &|p| 3 * (p % modulo) % 256]);
    assert!(one("palette_8_bits.png") == palette(256));
    assert!(one("palette_8_bits_transparent.png") == palette(256));
    assert!(one("palette_4_bits.png") == palette(16));
}

#[test]
fn jpeg_kinds() {
    for name in ["grey", "rgb_444", "rgb_420", "rgb_progressive", "rgb_restarts"] {
        let image = one(&format!("{name}.jpg"));
        let expected = one(&format!("{name}.jpg.npy"));
        let (Samples::U8(found), Samples::U8(wanted)) = (image.samples(), expected.samples()) else {
            panic!("{name} is not 8-bit");
        };
        assert_eq!((image.channels(), found.len()), (expected.channels(), wanted.len()), "{name}");
        let apart = |a: &[u8]| a.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
        // The standard leaves the rounding of the inverse transform, and the filter of enlarged colours, open.
        let allowed = if name == "rgb_420" { 6 } else { 2 };
        assert!(apart(found) <= Some(allowed), "{name}: {:?}", apart(found));
        let mut changed = found.clone();
        changed[40] ^= 0x10;
        assert!(apart(&changed) > Some(allowed), "{name}: a changed value is not seen");
    }
}

#[test]
fn npy_types() {
    for dtype in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8", "bool"] {
        assert_one(&format!("plane_{dtype}.npy"), dtype, 1);
    }
    assert_one("big_endian_u4.npy", "u4", 1);
    assert_one("big_endian_f2.npy", "f2", 1);
    assert_one("version2_f4.npy", "f4", 1);
    assert_one("version3_f4.npy", "f4", 1);
}

#[test]
fn npy_axes() {
    assert_one("fortran_i2.npy", "i2", 2);
    assert_one("channels_first_u2.npy", "u2", 3);
    assert_one("channels_last_u2.npy", "u2", 3);
    let read = |name: &str, pages| read(fixture(name), &with(pages)).unwrap();
    assert_eq!(read("planes6_u1.npy", Pages::Auto).len(), 6);
    assert!(read("planes6_u1.npy", Pages::Auto)[5] == pattern("u1", &[5], SIZE));
    assert!(read("planes6_u1.npy", Pages::Channels) == [pattern("u1", &[0, 1, 2, 3, 4, 5], SIZE)]);
    let stack = read("stack_3z2c_u1.npy", Pages::Auto);
    assert_eq!(stack.len(), 5);
    assert!(stack[1] == pattern("u1", &[2, 3], SIZE));
}

#[test]
fn npy_objects_are_refused_by_name() {
    for (name, word) in [("object", "pickled Python objects"), ("fields", "structured"), ("complex", "'<c8'")] {
        let error = read(fixture(&format!("refused_{name}.npy")), &ReadOptions::default()).unwrap_err();
        assert!(matches!(error, Error::Unsupported { format: Format::Npy, .. }), "{error}");
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn the_name_does_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("picture.png");
    std::fs::copy(fixture("strips_u1.tif"), &path).unwrap();
    assert!(read(&path, &ReadOptions::default()).unwrap()[0] == pattern("u1", &[0], SIZE));
}

#[test]
fn other_formats_are_named() {
    for (bytes, word) in [
        (&b""[..], "empty"),
        (b"GIF89a", "GIF"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"hello, world", "68 65 6c 6c 6f"),
        (b"II", "49 49"),
    ] {
        let error = read_bytes(bytes, &ReadOptions::default()).unwrap_err();
        assert!(matches!(error, Error::UnknownFormat { .. }) && error.to_string().contains(word), "{error}");
    }
    let error = read(fixture("no_such_file"), &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Read(_)), "{error}");
    let error = read(fixture(""), &ReadOptions::default()).unwrap_err();
    assert!(matches!(error, Error::Read(_)), "a folder: {error}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.tif");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Each of these would be waited for, or read without end.
    for path in [&pipe, folder.path(), "/dev/zero".as_ref()] {
        let Err(Error::Read(source)) = read(path, &ReadOptions::default()) else { panic!("it is read") };
        assert_eq!(source.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn every_limit_is_kept() {
    let limit = |name: &str, change: &dyn Fn(&mut Limits)| {
        let mut options = ReadOptions::default();
        change(&mut options.limits);
        match read(fixture(name), &options) {
            Ok(_) => "none",
            Err(Error::Limit { field, .. }) => field,
            Err(error) => panic!("{name}: {error}"),
        }
    };
    let (pixels, files) = (17 * 23, ["rgb_u1.tif", "rgb_u1.png", "rgb_444.jpg", "channels_first_u2.npy"]);
    for name in files {
        let size = std::fs::metadata(fixture(name)).unwrap().len();
        let bytes = if name.ends_with("npy") { 6 } else { 3 } * pixels;
        assert_eq!(limit(name, &|limits| limits.file_bytes = size), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.file_bytes = size - 1), "file_bytes", "{name}");
        assert_eq!(limit(name, &|limits| limits.width = 23), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.width = 22), "width", "{name}");
        assert_eq!(limit(name, &|limits| limits.height = 17), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.height = 16), "height", "{name}");
        assert_eq!(limit(name, &|limits| limits.pixels = pixels), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.pixels = pixels - 1), "pixels", "{name}");
        assert_eq!(limit(name, &|limits| limits.decoded_bytes = bytes), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.decoded_bytes = bytes - 1), "decoded_bytes", "{name}");
    }
    for (name, image_bytes) in [("pages6_u2.tif", 2 * pixels), ("planes6_u1.npy", pixels)] {
        assert_eq!(limit(name, &|limits| limits.pages = 6), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.pages = 5), "pages", "{name}");
        // All images of the file count together.
        assert_eq!(limit(name, &|limits| limits.decoded_bytes = 6 * image_bytes), "none", "{name}");
        assert_eq!(limit(name, &|limits| limits.decoded_bytes = 6 * image_bytes - 1), "decoded_bytes", "{name}");
    }
}
