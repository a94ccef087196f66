//! What is written as safetensors holds what was read, bit by bit.

mod common;

use std::collections::BTreeMap;

use common::{fixture, network, plain, try_load};
use cytoshade_core::Network;
use cytoshade_model::{
    Error, Format, Identity, LoadOptions, SaveOptions, Sha256, convert, convert_path, load_with_origin, to_safetensors,
};
use safetensors::tensor::Dtype;
use safetensors::{SafeTensors, serialize};

const TORCH: [&str; 4] = ["zip.pth", "legacy.pth", "nested_state_dict.pth", "zip_f16.pth"];

fn f32s() -> SaveOptions {
    SaveOptions::default()
}

fn halves() -> SaveOptions {
    SaveOptions { half: true, ..SaveOptions::default() }
}

fn bundled() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/cytoshade-demo.safetensors")).unwrap()
}

/// Every array of a network, to compare its bits.
fn bits(network: &Network) -> Vec<u32> {
    let convs =
        network.weights().convs().iter().flat_map(|conv| [conv.scale(), conv.shift(), conv.weight(), conv.bias()]);
    let linears = network.weights().linears().iter().flat_map(|linear| [linear.weight(), linear.bias()]);
    let diameters = [network.diam_mean(), network.diam_labels()];
    convs.chain(linears).chain([&diameters[..]]).flatten().map(|value| value.to_bits()).collect()
}

#[test]
fn converted_networks_are_those_of_the_source() {
    for name in
        TORCH.iter().chain(&["plain.safetensors", "no_diameters.pth", "script_17.onnx", "folded_projections.onnx"])
    {
        let source = fixture(name);
        let converted = convert(&source, &LoadOptions::default(), &f32s()).unwrap();
        let (again, origin) = load_with_origin(&converted.bytes, &LoadOptions::default()).unwrap();
        assert_eq!(origin.format, Format::Safetensors);
        assert_eq!(bits(&again), bits(&network(name)), "{name}");
        assert_eq!(converted.network, again, "{name}");
        assert_eq!(converted.origin.sha256, Sha256::digest(&source));
        assert_eq!(converted.bytes, convert(&source, &LoadOptions::default(), &f32s()).unwrap().bytes, "{name}");
    }
    let converted = convert(&bundled(), &LoadOptions::default(), &f32s()).unwrap();
    assert_eq!(bits(&try_load(&converted.bytes).unwrap()), bits(&try_load(&bundled()).unwrap()));
}

#[test]
fn a_state_dict_keeps_its_own_tensors() {
    // The reference's tensors, as safetensors in Python wrote them.
    let reference = fixture("plain.safetensors");
    let reference = SafeTensors::deserialize(&reference).unwrap();
    for name in ["zip.pth", "legacy.pth", "plain.safetensors"] {
        let converted = convert(&fixture(name), &LoadOptions::default(), &f32s()).unwrap();
        let converted = SafeTensors::deserialize(&converted.bytes).unwrap();
        let mut expected: Vec<_> = reference.names();
        expected.retain(|name| !name.ends_with("num_batches_tracked"));
        let mut found = converted.names();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{name}");
        for tensor in found {
            let (found, expected) = (converted.tensor(tensor).unwrap(), reference.tensor(tensor).unwrap());
            assert_eq!((found.shape(), found.data()), (expected.shape(), expected.data()), "{name}: {tensor}");
        }
    }
}

#[test]
fn a_network_alone_is_written_bit_by_bit() {
    for name in TORCH.iter().chain(&["script_13_f16.onnx"]) {
        let network = network(name);
        assert_eq!(bits(&try_load(&to_safetensors(&network, &f32s()).unwrap()).unwrap()), bits(&network), "{name}");
    }
    // A change of one weight is seen.
    let other = plain(|name, value| *value += if name == "output.2.bias" { 1e-3 } else { 0.0 });
    let written = try_load(&to_safetensors(&other, &f32s()).unwrap()).unwrap();
    assert_ne!(bits(&written), bits(&network("plain.safetensors")));
}

#[test]
fn the_file_says_where_it_comes_from() {
    let source = fixture("zip.pth");
    let metadata = BTreeMap::from([("source_name".to_string(), "a \"name\"\n".to_string())]);
    let save = SaveOptions { metadata, half: false };
    let converted = convert(&source, &LoadOptions::default(), &save).unwrap();
    let (network, origin) = load_with_origin(&converted.bytes, &LoadOptions::default()).unwrap();
    let says = |key: &str| origin.metadata.get(key).map(String::as_str);
    assert_eq!(says("source_sha256"), Some(Sha256::digest(&source).to_string().as_str()));
    assert_eq!(says("source_format"), Some("torch (zip)"));
    // What a file says is shown without control characters.
    assert_eq!(says("source_name"), Some(r#"a "name"\n"#));
    assert_eq!(says("diam_mean"), Some(network.diam_mean().to_string().as_str()));
    assert_eq!(says("diam_labels"), Some(network.diam_labels().to_string().as_str()));
    assert_eq!(origin.identity, Identity::Unknown);
    // The numbers of the header hold: a second reader, given the bytes alone, finds the same.
    let (_, header) = SafeTensors::read_metadata(&converted.bytes).unwrap();
    assert_eq!(header.metadata().as_ref().and_then(|says| says.get("source_name")).unwrap(), "a \"name\"\n");
}

#[test]
fn halves_are_near_and_half_as_large() {
    let wide = |name: &str| convert(&fixture(name), &LoadOptions::default(), &f32s()).unwrap();
    let (whole, half) = (wide("zip.pth"), convert(&fixture("zip.pth"), &LoadOptions::default(), &halves()).unwrap());
    let (exact, near) = (bits(&whole.network), bits(&half.network));
    assert_ne!(exact, near);
    for (&exact, &near) in exact.iter().zip(&near) {
        let (exact, near) = (f32::from_bits(exact), f32::from_bits(near));
        // 11 bits of significand; below the smallest normal number the error is absolute.
        assert!((exact - near).abs() <= (exact.abs() / 2048.0).max(3e-8), "{exact} became {near}");
    }
    assert_eq!(half.network.diam_labels(), whole.network.diam_labels());
    let file = SafeTensors::deserialize(&half.bytes).unwrap();
    for (name, tensor) in file.iter() {
        let expected = if tensor.shape().len() > 1 { Dtype::F16 } else { Dtype::F32 };
        assert_eq!(tensor.dtype(), expected, "{name}");
    }
    let demo = |save: &SaveOptions| convert(&bundled(), &LoadOptions::default(), save).unwrap().bytes.len();
    assert!((0.5..0.56).contains(&(demo(&halves()) as f64 / demo(&f32s()) as f64)));
}

#[test]
fn weights_beyond_f16_are_refused() {
    let bytes = fixture("plain.safetensors");
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for (value, fits) in [(65_504.0f32, true), (65_520.0, false), (-1e6, false)] {
        let mut data = file.tensor("output.2.weight").unwrap().data().to_vec();
        data[4..8].copy_from_slice(&value.to_le_bytes());
        let views = file.iter().map(|(name, view)| match name {
            "output.2.weight" => {
                (name, safetensors::tensor::TensorView::new(Dtype::F32, view.shape().to_vec(), &data).unwrap())
            }
            _ => (name, view),
        });
        let large = serialize(views, None).unwrap();
        match convert(&large, &LoadOptions::default(), &halves()) {
            Ok(_) => assert!(fits, "{value}"),
            Err(Error::HalfRange { name, index: 1, value: found }) => {
                assert!(!fits && name == "output.2.weight" && found == value, "{value}");
            }
            Err(other) => panic!("{other}"),
        }
        convert(&large, &LoadOptions::default(), &f32s()).unwrap();
    }
}

#[test]
fn a_demanded_hash_and_parts_beside_are_the_source_s() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dynamo_18.onnx");
    let converted = convert_path(&path, &LoadOptions::default(), &f32s()).unwrap();
    let (_, origin) = load_with_origin(&converted.bytes, &LoadOptions::default()).unwrap();
    assert_eq!(origin.metadata.get("source_name").map(String::as_str), Some("dynamo_18.onnx"));
    let expected = cytoshade_model::load_path(&path, &LoadOptions::default()).unwrap();
    assert_eq!(bits(&converted.network), bits(&expected));
    let options = LoadOptions { sha256: Some(Sha256([0; 32])), ..LoadOptions::default() };
    assert!(matches!(convert(&fixture("zip.pth"), &options, &f32s()), Err(Error::Hash { .. })));
    // What is demanded of the source is not demanded of what becomes of it.
    let options = LoadOptions { sha256: Some(Sha256::digest(&fixture("zip.pth"))), ..LoadOptions::default() };
    convert(&fixture("zip.pth"), &options, &halves()).unwrap();
}
