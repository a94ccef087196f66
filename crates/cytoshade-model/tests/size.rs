//! Size models: numpy's pickled dictionaries, through the same gate as torch files.

mod common;

use common::fixture;
use cytoshade_model::{Error, LoadOptions, ReadLimits, Sha256, SizeModel, ValueLimits, load_size_model};
use proptest::prelude::*;

fn try_load(bytes: &[u8]) -> Result<SizeModel, Error> {
    load_size_model(bytes, &LoadOptions::default())
}

/// The style that the expected diameter belongs to: a plain numpy array of f32.
fn style() -> Vec<f32> {
    fixture("size_style.npy")[128..].as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
}

#[test]
fn the_reference_estimate_comes_out() {
    let expected: f64 = String::from_utf8(fixture("size_expected.txt")).unwrap().trim().parse().unwrap();
    for name in ["size_model.npy", "size_model_numpy1.npy"] {
        let model = try_load(&fixture(name)).unwrap();
        assert_eq!((model.diam_mean(), model.intercept(), model.slopes().len()), (17.0, 3.25, 256), "{name}");
        let found = model.diameter(&style()).unwrap();
        assert!(expected > 5.0 && (found / expected - 1.0).abs() < 1e-12, "{name}: {found}, expected {expected}");
        assert_eq!(model.diameter(&style()[1..]), None);
        let mut other = style();
        other[7] += 0.01;
        assert!((model.diameter(&other).unwrap() / expected - 1.0).abs() > 1e-9, "every channel counts");
    }
    assert_eq!(try_load(&fixture("size_model.npy")).unwrap(), try_load(&fixture("size_model_numpy1.npy")).unwrap());
}

#[test]
fn no_estimate_is_below_five_pixels() {
    let model = try_load(&fixture("size_model.npy")).unwrap();
    let far: Vec<f32> = model.slopes().iter().map(|&slope| -1e6 * slope as f32).collect();
    assert_eq!(model.diameter(&far), Some(5.0));
}

#[test]
fn what_is_no_size_model_is_refused() {
    assert!(matches!(try_load(&fixture("size_style.npy")), Err(Error::UnknownFormat { .. })));
    assert!(matches!(try_load(&fixture("zip.pth")), Err(Error::UnknownFormat { .. })));
    let error = try_load(&fixture("size_model_no_smean.npy")).unwrap_err();
    assert!(error.to_string().contains("smean"), "{error}");
    let header = fixture("size_model.npy")[..128].to_vec();
    let evil = [&header[..], b"\x80\x03cposix\nsystem\nX\x02\0\0\0id\x85R."].concat();
    assert!(matches!(try_load(&evil), Err(Error::Global { name }) if name == "posix.system"));
    // What torch files may mention, these may not.
    let torch = [&header[..], b"\x80\x03ctorch\nSize\n)R."].concat();
    assert!(matches!(try_load(&torch), Err(Error::Global { .. })));
    for pickle in [&b"\x80\x03}."[..], b"\x80\x03N.", b"\x80\x03cnumpy\nndarray\n)R."] {
        assert!(matches!(try_load(&[&header[..], pickle].concat()), Err(Error::Damaged { .. })));
    }
}

#[test]
fn values_that_are_not_finite_are_named() {
    let mut bytes = fixture("size_model.npy");
    let at = bytes.windows(8).position(|at| at == 3.25f64.to_be_bytes()).unwrap();
    bytes[at..at + 8].copy_from_slice(&f64::NAN.to_be_bytes());
    assert!(matches!(try_load(&bytes), Err(Error::NotFinite { name, .. }) if name == "ymean"));
}

#[test]
fn hash_and_limits_hold() {
    let bytes = fixture("size_model.npy");
    let other = LoadOptions { sha256: Some(Sha256([0; 32])), ..LoadOptions::default() };
    assert!(matches!(load_size_model(&bytes, &other), Err(Error::Hash { .. })));
    let values = ValueLimits { string_bytes: 100, ..ValueLimits::default() };
    let limits = ReadLimits { values, ..ReadLimits::default() };
    let small = LoadOptions { limits, ..LoadOptions::default() };
    assert!(matches!(load_size_model(&bytes, &small), Err(Error::Limit { field: "values.string_bytes", .. })));
}

#[test]
fn every_truncation_is_refused() {
    let bytes = fixture("size_model.npy");
    for end in 0..bytes.len() {
        assert!(try_load(&bytes[..end]).is_err(), "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_bytes_never_panic(at in 0usize..5000, byte: u8, older: bool) {
        let mut bytes = fixture(if older { "size_model_numpy1.npy" } else { "size_model.npy" });
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = try_load(&bytes);
    }
}
