//! ONNX exports: every exporter's file gives the network's weights, and other graphs are refused at the first node
//! that differs.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::{fixture, network, plain, try_load, with_limits};
use cytoshade_core::arch::unet::UNet;
use cytoshade_core::{Conv, Network};
use cytoshade_model::{
    CostLimits, Error, Format, LoadOptions, ReadLimits, Sha256, ValueLimits, load, load_path, load_with_origin,
};
use half::f16;
use proptest::prelude::*;

/// Files in which nothing was folded.
const EXACT: [&str; 10] = [
    "script_11.onnx",
    "script_14_no_style.onnx",
    "script_17.onnx",
    "dynamo_20_inline.onnx",
    "style_global_average_pool.onnx",
    "style_reduce_mean_13.onnx",
    "style_reduce_mean_18.onnx",
    "style_reduce_l2.onnx",
    "products.onnx",
    "pipeline.onnx",
];

fn assert_same_weights(found: &Network, expected: &Network, name: &str) {
    assert_eq!(UNet::from_network(found), UNet::from_network(expected), "{name}");
    // Without the values, which are many.
    assert!(found.weights().convs() == expected.weights().convs(), "{name}");
    assert!(found.weights().linears() == expected.weights().linears(), "{name}");
}

#[test]
fn every_export_gives_the_same_weights() {
    let expected = network("plain.safetensors");
    for name in EXACT.into_iter().chain(["renamed_typed.onnx"]) {
        let found = network(name);
        assert_same_weights(&found, &expected, name);
        assert_eq!((found.diam_mean(), found.diam_labels()), (30.0, 30.0), "{name} has no diameters");
    }
    let halves = plain(|_, value| *value = f16::from_f32(*value).to_f32());
    for name in ["script_13_f16.onnx", "dynamo_18_f16.onnx", "renamed_typed_f16.onnx"] {
        assert_same_weights(&network(name), &halves, name);
    }
}

#[test]
fn what_is_beside_the_network_is_told() {
    let origin = |name: &str| load_with_origin(&fixture(name), &LoadOptions::default()).unwrap().1;
    let alone = origin("script_17.onnx");
    assert_eq!((alone.format, alone.sha256), (Format::Onnx, Sha256::digest(&fixture("script_17.onnx"))));
    assert!(alone.ignored.is_empty(), "{:?}", alone.ignored);
    let ignored = origin("pipeline.onnx").ignored;
    for expected in ["1 Sigmoid", "1 Conv", "1 MaxPool", "1 ReduceMin", "1 ReduceMax"] {
        assert!(ignored.iter().any(|found| found == expected), "{expected} in {ignored:?}");
    }
    for (name, format) in
        [("plain.safetensors", Format::Safetensors), ("zip.pth", Format::TorchZip), ("legacy.pth", Format::TorchLegacy)]
    {
        assert_eq!(origin(name).format, format);
    }
}

/// A layer with what exporters fold: `proj`'s BatchNorm in itself, and the BatchNorm behind a convolution in it.
#[derive(Debug)]
struct Folded {
    name: String,
    scale: Vec<f64>,
    shift: Vec<f64>,
    weight: Vec<f64>,
    bias: Vec<f64>,
}

fn folded(network: &Network) -> Vec<Folded> {
    let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect::<Vec<_>>();
    let mut layers: Vec<Folded> = network
        .weights()
        .convs()
        .iter()
        .map(|conv: &Conv| Folded {
            name: conv.name().into(),
            scale: wide(conv.scale()),
            shift: wide(conv.shift()),
            weight: wide(conv.weight()),
            bias: wide(conv.bias()),
        })
        .collect();
    let shapes = UNet::from_network(network).unwrap().convs();
    for (at, shape) in shapes.iter().enumerate() {
        let layer = &mut layers[at];
        if !shape.relu {
            for (row, bias) in layer.weight.chunks_exact_mut(shape.inputs).zip(&mut layer.bias) {
                for ((weight, scale), shift) in row.iter_mut().zip(&layer.scale).zip(&layer.shift) {
                    *bias += *weight * shift;
                    *weight *= scale;
                }
            }
            (layer.scale, layer.shift) = (vec![1.0; shape.inputs], vec![0.0; shape.inputs]);
        } else if shape.name.starts_with("downsample") && (at % 5 == 2 || at % 5 == 4) {
            // conv_1 after conv_0, conv_3 after conv_2.
            let scale = std::mem::replace(&mut layer.scale, vec![1.0; shape.inputs]);
            let shift = std::mem::replace(&mut layer.shift, vec![0.0; shape.inputs]);
            let before = &mut layers[at - 1];
            let row = before.weight.len() / shape.inputs;
            for (channel, weights) in before.weight.chunks_exact_mut(row).enumerate() {
                weights.iter_mut().for_each(|weight| *weight *= scale[channel]);
                before.bias[channel] = before.bias[channel] * scale[channel] + shift[channel];
            }
        }
    }
    layers
}

/// The greatest difference of two networks after all that can be folded is folded, relative to the layer's largest.
fn difference(a: &Network, b: &Network) -> f64 {
    let mut greatest = 0.0f64;
    for (a, b) in folded(a).iter().zip(&folded(b)) {
        assert_eq!(a.name, b.name);
        for (a, b) in [(&a.scale, &b.scale), (&a.shift, &b.shift), (&a.weight, &b.weight), (&a.bias, &b.bias)] {
            let largest = a.iter().fold(1e-3f64, |most, value| most.max(value.abs()));
            let most = a.iter().zip(b).fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
            greatest = greatest.max(most / largest);
        }
    }
    greatest
}

#[test]
fn folded_exports_give_the_same_function() {
    let expected = network("plain.safetensors");
    for name in ["folded_script_17.onnx", "folded_dynamo_18.onnx", "folded_projections.onnx", "folded_simplified.onnx"]
    {
        let found = network(name);
        assert!(found.weights().convs() != expected.weights().convs(), "{name} has folded layers");
        assert!(found.weights().linears() == expected.weights().linears(), "{name}");
        let difference = difference(&expected, &found);
        assert!(difference < 1e-6, "{name}: {difference}");
    }
    let other = plain(|name, value| {
        if name == "downsample.down.res_down_1.conv.conv_1.0.running_mean" {
            *value += 1e-3;
        }
    });
    assert!(difference(&expected, &other) > 1e-5, "the comparison sees what is folded");
}

#[test]
fn a_layer_without_batch_norm_has_a_scale_of_exactly_one() {
    let network = network("folded_projections.onnx");
    let projection = &network.weights().convs()[0];
    assert!(
        projection.scale().iter().all(|&scale| scale == 1.0) && projection.shift().iter().all(|&shift| shift == 0.0)
    );
}

#[test]
fn other_graphs_are_refused_at_the_node_that_differs() {
    for (name, node, found) in [
        ("other.onnx", "Conv", "Conv"),
        ("other_no_head.onnx", "Sigmoid", "Sigmoid"),
        ("other_average_pool.onnx", "maxpool", "AveragePool"),
        ("other_bilinear.onnx", "Resize", "another Resize"),
    ] {
        match try_load(&fixture(name)) {
            Err(Error::Graph { node: at, found: is, .. }) => {
                assert!(at.contains(node) && is == found, "{name}: {at} is {is}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A folder with the model whose weights lie beside it.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in ["dynamo_18.onnx", "dynamo_18.onnx.data"] {
        std::fs::write(folder.path().join(name), fixture(name)).unwrap();
    }
    folder
}

fn open(folder: &Path) -> Result<Network, Error> {
    load_path(&folder.join("dynamo_18.onnx"), &LoadOptions::default())
}

#[test]
fn weights_beside_the_model_are_read() {
    let expected = network("plain.safetensors");
    let folder = folder();
    assert_same_weights(&open(folder.path()).unwrap(), &expected, "by path");
    let (bytes, part) = (fixture("dynamo_18.onnx"), fixture("dynamo_18.onnx.data"));
    let external = BTreeMap::from([("dynamo_18.onnx.data".to_string(), part.clone().into())]);
    let given = LoadOptions { external: external.clone(), ..LoadOptions::default() };
    assert_same_weights(&load(&bytes, &given).unwrap(), &expected, "by name");
    assert_eq!(load_with_origin(&bytes, &given).unwrap().1.parts, ["dynamo_18.onnx.data"]);
    assert!(matches!(try_load(&bytes), Err(Error::External { name, .. }) if name == "dynamo_18.onnx.data"));
    // A demanded hash is demanded of every part.
    let mut hashed = LoadOptions { external, sha256: Some(Sha256::digest(&bytes)), ..LoadOptions::default() };
    assert!(matches!(load(&bytes, &hashed), Err(Error::External { .. })));
    hashed.external_sha256.insert("dynamo_18.onnx.data".into(), Sha256::digest(&part));
    load(&bytes, &hashed).unwrap();
    hashed.external_sha256.insert("dynamo_18.onnx.data".into(), Sha256::digest(b"other"));
    assert!(matches!(load(&bytes, &hashed), Err(Error::Hash { .. })));
    // A part that is too short, and one over the limit.
    std::fs::write(folder.path().join("dynamo_18.onnx.data"), &part[..part.len() - 1]).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::External { .. })));
    let limits = ReadLimits { file_bytes: bytes.len() as u64 + 10, ..ReadLimits::default() };
    let small = LoadOptions { limits, ..LoadOptions::default() };
    let error = load_path(&folder.path().join("dynamo_18.onnx"), &small).unwrap_err();
    assert!(matches!(error, Error::Limit { field: "file_bytes", .. }), "{error}");
    std::fs::remove_file(folder.path().join("dynamo_18.onnx.data")).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::Io { .. })));
}

#[test]
fn nothing_outside_of_the_folder_is_read() {
    let folder = folder();
    let model = folder.path().join("dynamo_18.onnx");
    // Names of the same length, so that the file stays what it is otherwise.
    let real = "dynamo_18.onnx.data";
    for name in [
        "../_18.onnx.data..0",
        "/etc/passwd/passwd0",
        "a\\b\\c.onnx.data.000",
        "c:namo_18.onnx.data",
        "./././18.onnx.data0",
    ] {
        assert_eq!(name.len(), real.len());
        let mut changed = fixture("dynamo_18.onnx");
        while let Some(at) = changed.windows(real.len()).position(|window| window == real.as_bytes()) {
            changed[at..at + real.len()].copy_from_slice(name.as_bytes());
        }
        std::fs::write(&model, &changed).unwrap();
        assert!(matches!(open(folder.path()), Err(Error::External { .. })), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let folder = folder();
    let part = folder.path().join("dynamo_18.onnx.data");
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::copy(&part, outside.path()).unwrap();
    std::fs::remove_file(&part).unwrap();
    std::os::unix::fs::symlink(outside.path(), &part).unwrap();
    assert!(matches!(open(folder.path()), Err(Error::External { .. })));
    // Nor is a pipe waited for.
    std::fs::remove_file(&part).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&part).status().unwrap().success());
    assert!(matches!(open(folder.path()), Err(Error::External { .. })));
}

#[test]
fn limits_are_named() {
    let (limits, values) = (ReadLimits::default, ValueLimits::default);
    let cost = |cost| ReadLimits { cost, ..limits() };
    for (expected, limits) in [
        ("nodes", ReadLimits { nodes: 10, ..limits() }),
        ("tensors", ReadLimits { tensors: 10, ..limits() }),
        ("values.dimensions", ReadLimits { values: ValueLimits { dimensions: 3, ..values() }, ..limits() }),
        ("values.elements", ReadLimits { values: ValueLimits { elements: 10, ..values() }, ..limits() }),
        ("cost.steps", cost(CostLimits { steps: 100, ..CostLimits::default() })),
        ("cost.memory_bytes", cost(CostLimits { memory_bytes: 100, ..CostLimits::default() })),
    ] {
        match with_limits(&fixture("script_17.onnx"), limits) {
            Err(Error::Limit { field, .. }) => assert_eq!(field, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn every_truncation_is_refused() {
    for name in ["renamed_typed.onnx", "script_11.onnx"] {
        let bytes = fixture(name);
        let whole = network(name);
        for end in 0..bytes.len() {
            // Behind the graph stand only the opset's version and such.
            if let Ok(network) = try_load(&bytes[..end]) {
                assert!(end + 64 > bytes.len() && network == whole, "{name} cut at {end}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_bytes_never_panic(at in 0usize..1 << 20, byte: u8, typed: bool) {
        let mut bytes = fixture(if typed { "renamed_typed.onnx" } else { "products.onnx" });
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = try_load(&bytes);
    }

    #[test]
    fn any_message_never_panics(message in proptest::collection::vec(any::<u8>(), 0..80)) {
        let _ = try_load(&[&[0x08, 0x08], &message[..]].concat());
        let graph = [&[0x08, 0x08, 0x3a, message.len() as u8], &message[..]].concat();
        let _ = try_load(&graph);
    }
}
