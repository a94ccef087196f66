//! Loading networks: the reference's own files, and files that are damaged, wrong or hostile.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cytoshade_core::arch::unet::UNet;
use cytoshade_model::{Error, LoadOptions, Problem, ReadLimits, Sha256, load, load_path, load_with_origin};
use proptest::prelude::*;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/network")
}

/// A network of one level, written by the reference.
fn one_level() -> Vec<u8> {
    std::fs::read(fixtures().join("one_level.safetensors")).unwrap()
}

/// Tensors by name: type, shape and bytes.
type Parts = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

fn parts(bytes: &[u8]) -> Parts {
    let file = SafeTensors::deserialize(bytes).unwrap();
    file.iter()
        .map(|(name, view)| (name.to_string(), (view.dtype(), view.shape().to_vec(), view.data().to_vec())))
        .collect()
}

fn file(parts: &Parts) -> Vec<u8> {
    let views = parts
        .iter()
        .map(|(name, (dtype, shape, data))| (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
    serialize(views, None).unwrap()
}

fn problems(parts: &Parts) -> Vec<Problem> {
    match load(&file(parts), &LoadOptions::default()) {
        Err(Error::StateDict { problems }) => problems,
        other => panic!("{other:?}"),
    }
}

#[test]
fn channel_counts_and_diameters_come_from_the_tensors() {
    for (name, nbase, nout) in [
        ("one_level.safetensors", None, None),
        ("five_outputs.safetensors", Some(vec![3, 6, 10]), Some(5)),
        ("odd_widths.safetensors", Some(vec![1, 5, 7, 9]), Some(3)),
        ("four_levels_f16.safetensors", None, Some(3)),
    ] {
        let network = load(&std::fs::read(fixtures().join(name)).unwrap(), &LoadOptions::default()).unwrap();
        if let Some(nbase) = nbase {
            assert_eq!(UNet::from_network(&network).unwrap().nbase(), nbase, "{name}");
        }
        assert!(nout.is_none_or(|nout| network.description().outputs.count == nout), "{name}");
        assert!(network.diam_mean() > 0.0 && network.diam_labels() > 0.0, "{name}");
    }
}

#[test]
fn every_tensor_that_is_missing_is_named() {
    let all = parts(&one_level());
    for name in all.keys() {
        let mut without = all.clone();
        without.remove(name);
        let optional = name.ends_with("num_batches_tracked") || name.starts_with("diam_");
        match load(&file(&without), &LoadOptions::default()) {
            Ok(_) => assert!(optional, "{name} is not missed"),
            Err(error) => assert!(!optional && error.to_string().contains(&format!("{name} is missing")), "{error}"),
        }
    }
}

#[test]
fn several_problems_are_told_at_once() {
    let mut damaged = parts(&one_level());
    damaged.remove("output.2.bias");
    let (_, shape, data) = damaged.get_mut("output.0.weight").unwrap();
    shape.push(1);
    assert!(!data.is_empty());
    damaged.insert("output.line\nbreak".into(), (Dtype::F32, vec![1], vec![0; 4]));
    let problems = problems(&damaged);
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert!(problems.contains(&Problem::Missing { name: "output.2.bias".into() }));
    assert!(problems.contains(&Problem::Surplus { name: "output.line\\nbreak".into() }));
    assert!(matches!(&problems[..], [.., Problem::Shape { name, .. }, _] | [Problem::Shape { name, .. }, ..]
        if name == "output.0.weight"));
}

#[test]
fn tensors_beside_the_network_are_told() {
    let mut more = parts(&one_level());
    for at in 0..7 {
        more.insert(format!("optimizer.{at}"), (Dtype::I64, vec![1], vec![0; 8]));
    }
    let (network, origin) = load_with_origin(&file(&more), &LoadOptions::default()).unwrap();
    assert_eq!(network, load(&one_level(), &LoadOptions::default()).unwrap());
    let shown = "optimizer.0, optimizer.1, optimizer.2, optimizer.3, optimizer.4 and 2 more";
    assert!(origin.ignored.iter().any(|told| told.contains(shown)), "{:?}", origin.ignored);
}

#[test]
fn of_two_wrapped_networks_none_is_chosen() {
    let named = |prefix: &'static str| {
        let parts = parts(&one_level());
        parts.into_iter().map(move |(name, part)| (format!("{prefix}{name}"), part))
    };
    let open = |parts: Parts| load(&file(&parts), &LoadOptions::default());
    assert!(open(named("net.").collect()).is_ok());
    assert!(open(named("").chain(named("ema.")).collect()).is_ok(), "the one without a prefix");
    let error = open(named("net.").chain(named("ema.")).collect()).unwrap_err();
    let expected = "networks with the prefixes “ema.”, “net.”";
    assert!(matches!(&error, Error::NoNetwork { found } if found == expected), "{error}");
    // A prefix is whole words.
    assert!(open(named("x").collect()).is_err());
}

#[test]
fn options_do_not_print_what_is_in_parts() {
    let mut options = LoadOptions::default();
    options.external.insert("alice.data".into(), vec![77; 3].into());
    options.external_sha256.insert("alice.data".into(), Sha256::digest(b""));
    let shown = format!("{options:?}");
    assert!(shown.contains("1 parts of 3 bytes") && shown.contains("1 hashes"), "{shown}");
    assert!(!shown.contains("77") && !shown.contains("alice"), "{shown}");
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Each of these would be waited for, or read without end.
    for path in [&pipe, folder.path(), "/dev/zero".as_ref()] {
        let Err(Error::Io { source, .. }) = load_path(path, &LoadOptions::default()) else { panic!("it is read") };
        assert_eq!(source.kind(), std::io::ErrorKind::InvalidInput);
    }
}

#[test]
fn weights_that_are_not_finite_are_named() {
    for value in [f32::NAN, f32::INFINITY] {
        let mut damaged = parts(&one_level());
        damaged.get_mut("output.2.weight").unwrap().2[4..8].copy_from_slice(&value.to_le_bytes());
        match load(&file(&damaged), &LoadOptions::default()) {
            Err(Error::NotFinite { name, index: 1, .. }) => assert_eq!(name, "output.2.weight"),
            other => panic!("{other:?}"),
        }
    }
    let mut damaged = parts(&one_level());
    damaged.get_mut("output.0.running_var").unwrap().2[..4].copy_from_slice(&(-1.0f32).to_le_bytes());
    let error = load(&file(&damaged), &LoadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("output.0"), "{error}");
}

#[test]
fn other_types_are_named() {
    let mut damaged = parts(&one_level());
    let (dtype, ..) = damaged.get_mut("output.2.weight").unwrap();
    *dtype = Dtype::I32;
    assert!(matches!(
        load(&file(&damaged), &LoadOptions::default()),
        Err(Error::Type { name, found }) if name == "output.2.weight" && found == "I32"
    ));
}

#[test]
fn bf16_is_read_as_f32_is() {
    let mut halved = parts(&one_level());
    let mut cut = halved.clone();
    for (dtype, _, data) in halved.values_mut().filter(|(dtype, ..)| *dtype == Dtype::F32) {
        // The upper two bytes of an f32 are a bf16.
        *dtype = Dtype::BF16;
        *data = data.chunks_exact(4).flat_map(|b| [b[2], b[3]]).collect();
    }
    for (_, _, data) in cut.values_mut().filter(|(dtype, ..)| *dtype == Dtype::F32) {
        data.chunks_exact_mut(4).for_each(|b| b[..2].fill(0));
    }
    let load = |parts: &Parts| load(&file(parts), &LoadOptions::default()).unwrap();
    assert_eq!(load(&halved), load(&cut));
}

#[test]
fn a_demanded_hash_is_demanded() {
    let bytes = one_level();
    let right = LoadOptions { sha256: Some(Sha256::digest(&bytes)), ..LoadOptions::default() };
    load(&bytes, &right).unwrap();
    let mut other = bytes.clone();
    *other.last_mut().unwrap() ^= 1;
    assert!(matches!(load(&other, &right), Err(Error::Hash { .. })));
    // The hash comes before the parser: what is no model at all is refused by its hash too.
    assert!(matches!(load(b"anything", &right), Err(Error::Hash { .. })));
}

#[test]
fn every_truncation_is_refused() {
    let bytes = one_level();
    for end in 0..bytes.len() {
        assert!(load(&bytes[..end], &LoadOptions::default()).is_err(), "{end}");
    }
}

#[test]
fn limits_are_named() {
    let bytes = one_level();
    let with = |limits| load(&bytes, &LoadOptions { limits, ..LoadOptions::default() });
    for (expected, limits) in [
        ("file_bytes", ReadLimits { file_bytes: 100, ..ReadLimits::default() }),
        ("header_bytes", ReadLimits { header_bytes: 100, ..ReadLimits::default() }),
        ("tensors", ReadLimits { tensors: 3, ..ReadLimits::default() }),
    ] {
        match with(limits) {
            Err(Error::Limit { field, .. }) => assert_eq!(field, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn headers_that_lie_are_refused() {
    for header in [
        r#"{"a":{"dtype":"F32","shape":[18446744073709551615,18446744073709551615],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999]}}"#,
        r#"{"a":{"dtype":"Q9","shape":[1],"data_offsets":[0,4]}}"#,
        &format!("{{\"a\":{}", "[".repeat(100_000)),
        "{}",
    ] {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.bytes());
        bytes.extend([0; 4]);
        assert!(load(&bytes, &LoadOptions::default()).is_err(), "{}", &header[..header.len().min(80)]);
    }
    let mut huge = u64::MAX.to_le_bytes().to_vec();
    huge.extend(b"{}");
    assert!(matches!(load(&huge, &LoadOptions::default()), Err(Error::Limit { field: "header_bytes", .. })));
}

#[test]
fn other_files_are_told_apart() {
    for (bytes, what) in [
        (&b""[..], "empty"),
        (b"\x80\x02\x8a\x0a", "pickle"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"<!DOCTYPE html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "LFS"),
    ] {
        let error = load(bytes, &LoadOptions::default()).unwrap_err();
        assert!(matches!(error, Error::UnknownFormat { .. }) && error.to_string().contains(what), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damaged_bytes_never_panic(at in 0usize..18_000, byte: u8) {
        let mut bytes = one_level();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = load(&bytes, &LoadOptions::default());
    }

    #[test]
    fn any_header_never_panics(header in "\\PC{0,200}") {
        let mut bytes = (header.len() as u64 + 1).to_le_bytes().to_vec();
        bytes.push(b'{');
        bytes.extend(header.bytes());
        let _ = load(&bytes, &LoadOptions::default());
    }
}
