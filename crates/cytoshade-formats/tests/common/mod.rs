//! What the fixtures hold: the pattern of `fixtures/make.py`.

use std::path::PathBuf;

use cytoshade_core::{Image, Samples};

/// Height and width of the fixtures.
pub(crate) const SIZE: (usize, usize) = (17, 23);

pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// The pattern before it is fitted to a type, for one channel.
pub(crate) fn base(channel: usize, (height, width): (usize, usize)) -> impl Iterator<Item = i64> {
    let at = move |y: usize, x: usize| ((channel * 89 + y * 31 + x * 7 + x * y) % 251) as i64;
    (0..height).flat_map(move |y| (0..width).map(move |x| at(y, x)))
}

/// The pattern in the type that numpy calls `dtype`; `bool` is what an image makes of it.
pub(crate) fn pattern(dtype: &str, channels: &[usize], size: (usize, usize)) -> Image {
    let all: Vec<i64> = channels.iter().flat_map(|&channel| base(channel, size)).collect();
    let float = || all.iter().map(|p| *p as f64 / 8.0 - 3.0);
    let integer = |offset: i64, bytes: u32| all.iter().map(move |p| (p - offset).wrapping_mul(257i64.pow(bytes - 1)));
    let samples = match dtype {
        "bool" => Samples::U8(all.iter().map(|p| u8::from(p % 3 == 0)).collect()),
        "u1" => Samples::U8(integer(0, 1).map(|v| v as u8).collect()),
        "i1" => Samples::I8(integer(125, 1).map(|v| v as i8).collect()),
        "u2" => Samples::U16(integer(0, 2).map(|v| v as u16).collect()),
        "i2" => Samples::I16(integer(125, 2).map(|v| v as i16).collect()),
        "u4" => Samples::U32(integer(0, 4).map(|v| v as u32).collect()),
        "i4" => Samples::I32(integer(125, 4).map(|v| v as i32).collect()),
        "u8" => Samples::U64(integer(0, 8).map(|v| v as u64).collect()),
        "i8" => Samples::I64(integer(125, 8).collect()),
        "f2" | "f4" => Samples::F32(float().map(|v| v as f32).collect()),
        "f8" => Samples::F64(float().collect()),
        other => panic!("no such type: {other}"),
    };
    Image::from_samples(samples, channels.len(), size.0, size.1).unwrap()
}
