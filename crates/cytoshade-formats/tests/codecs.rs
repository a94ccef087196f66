//! Every compression and picture format behind a feature, against what `codecs/make.py` put into the files with other
//! programs.
#![cfg(all(
    feature = "bmp",
    feature = "fax",
    feature = "jpeg2000",
    feature = "jpegxl",
    feature = "lerc",
    feature = "lzma",
    feature = "pnm",
    feature = "webp",
    feature = "zstd"
))]

mod common;

use std::path::PathBuf;

use common::{SIZE, base, fixture, pattern};
use cytoshade_core::{Image, Samples};
use cytoshade_formats::{Format, ImageFile, ReadOptions, read};

fn file(name: &str) -> PathBuf {
    fixture(&format!("../codecs/{name}"))
}

fn one(name: &str) -> Image {
    let mut images = read(file(name), &ReadOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(images.len(), 1, "{name}");
    images.remove(0)
}

#[track_caller]
fn assert_one(name: &str, dtype: &str, channels: usize) {
    let channels: Vec<usize> = (0..channels).collect();
    let image = one(name);
    assert!(image == pattern(dtype, &channels, SIZE), "{name} does not hold the pattern");
    assert!(image != pattern(dtype, &vec![7; channels.len()], SIZE), "{name}: another pattern is not seen");
}

/// What another decoder gives, in an array beside the file; samples may differ by so much.
#[track_caller]
fn assert_stored(name: &str, array: &str, most: u8) {
    let (image, expected) = (one(name), one(array));
    let (Samples::U8(found), Samples::U8(wanted)) = (image.samples(), expected.samples()) else {
        assert!(image == expected, "{name} is not {array}");
        return;
    };
    assert_eq!((image.channels(), found.len()), (expected.channels(), wanted.len()), "{name}");
    let apart = |a: &[u8]| a.iter().zip(wanted).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(apart(found) <= Some(most), "{name}: {:?}", apart(found));
    let mut changed = found.clone();
    changed[40] ^= 0x10;
    assert!(apart(&changed) > Some(most), "{name}: a changed sample is not seen");
}

#[test]
fn compressions_without_loss() {
    for name in ["zstd", "zstd_predictor", "lzma", "png", "jpeg2000", "jpegxl", "lerc"] {
        assert_one(&format!("{name}.tif"), "u2", 1);
    }
    assert_one("lerc_f4.tif", "f4", 1);
    assert_one("webp.tif", "u1", 3);
}

#[test]
fn fax() {
    let black = base(0, SIZE).map(|p| u8::from(p % 3 == 0)).collect();
    let expected = Image::new(black, 1, SIZE.0, SIZE.1).unwrap();
    for name in ["fax3.tif", "fax4.tif", "fax_rle.tif"] {
        // Pillow writes white as 0, and the samples are given as they are stored.
        let image = one(name);
        let Samples::U8(samples) = image.samples() else { panic!("{name} is not 8-bit") };
        let inverted = Image::new(samples.iter().map(|bit| 1 - bit).collect(), 1, SIZE.0, SIZE.1).unwrap();
        assert!(image == expected || inverted == expected, "{name}");
    }
}

#[test]
fn rarer_baseline_variants() {
    for name in ["fill_order", "no_byte_counts", "zero_byte_counts", "sample_format_4", "deflate_no_byte_counts"] {
        assert_one(&format!("{name}.tif"), "u1", 1);
    }
    assert_stored("integers_24_bits.tif", "integers_24_bits.npy", 0);
    assert_stored("ycbcr_2x2.tif", "ycbcr_2x2.npy", 0);
    assert!(one("sparse_tiles.tif") == Image::new(vec![0u16; 32 * 48], 1, 32, 48).unwrap());
}

#[test]
fn jpeg_inside_tiff() {
    for name in ["jpeg_ycbcr_11", "jpeg_ycbcr_21", "jpeg_ycbcr_22", "jpeg_tables"] {
        assert_stored(&format!("{name}.tif"), &format!("{name}.npy"), 3);
    }
    assert_stored("old_jpeg_whole.tif", "old_jpeg.npy", 2);
    assert_stored("old_jpeg_tables.tif", "old_jpeg.npy", 2);
}

#[test]
fn pictures() {
    for (name, format) in [("bmp.grey.bmp", Format::Bmp), ("pnm.grey.pgm", Format::Pnm), ("pnm.text.pgm", Format::Pnm)]
    {
        assert_one(name, "u1", 1);
        assert_eq!(ImageFile::open(file(name), &ReadOptions::default()).unwrap().format(), format);
    }
    for name in ["bmp.rgb.bmp", "pnm.rgb.ppm", "webp.rgb.webp", "jpeg2000.rgb.j2k", "jpegxl.rgb.jxl"] {
        assert_one(name, "u1", 3);
    }
    for name in ["pnm.grey16.pgm", "jpeg2000.grey16.jp2", "jpegxl.grey16.jxl"] {
        assert_one(name, "u2", 1);
    }
    // Of five samples none is transparency.
    assert_one("pnm.five.pam", "u1", 5);
}
