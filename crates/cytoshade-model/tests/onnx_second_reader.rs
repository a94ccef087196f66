//! An independent reader and writer of ONNX beside ours: the same bytes hold the same tensors for both.

mod common;

use std::collections::BTreeMap;

use common::{fixture, network, try_load};
use onnx_protobuf::{Message, ModelProto, TensorProto};
use proptest::prelude::*;

fn model(name: &str) -> ModelProto {
    ModelProto::parse_from_bytes(&fixture(name)).unwrap()
}

/// Values of a tensor of f32, as raw bytes or typed.
fn values(tensor: &TensorProto) -> Vec<f32> {
    if tensor.float_data.is_empty() {
        tensor.raw_data.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    } else {
        tensor.float_data.clone()
    }
}

#[test]
fn both_read_the_same_tensors() {
    // In these files the names are torch's, so that what we found by edges can be looked up by name.
    for name in ["script_11.onnx", "script_17.onnx", "dynamo_20_inline.onnx"] {
        let model = model(name);
        let tensors: BTreeMap<&str, Vec<f32>> = model
            .graph
            .initializer
            .iter()
            .filter(|tensor| tensor.data_type == 1)
            .filter_map(|tensor| Some((tensor.name.strip_prefix("net.")?, values(tensor))))
            .collect();
        let network = network(name);
        for conv in network.weights().convs() {
            assert!(conv.weight() == tensors[format!("{}.weight", conv.name()).as_str()], "{name}: {}", conv.name());
            assert!(conv.bias() == tensors[format!("{}.bias", conv.name()).as_str()], "{name}: {}", conv.name());
        }
        for linear in network.weights().linears() {
            let weight = &tensors[format!("{}.weight", linear.name()).as_str()];
            assert!(linear.weight() == weight, "{name}: {}", linear.name());
        }
    }
}

#[test]
fn what_the_other_writes_reads_the_same() {
    for name in ["script_17.onnx", "renamed_typed.onnx", "products.onnx", "folded_dynamo_18.onnx"] {
        let expected = network(name);
        let mut model = model(name);
        assert!(try_load(&model.write_to_bytes().unwrap()).unwrap() == expected, "{name}");
        // Nodes come in any order that their reader must not depend on.
        model.graph.as_mut().unwrap().node.reverse();
        assert!(try_load(&model.write_to_bytes().unwrap()).unwrap() == expected, "{name}, nodes reversed");
        let changed = model.graph.as_mut().unwrap();
        for tensor in changed.initializer.iter_mut().filter(|tensor| tensor.data_type == 1) {
            let halved: Vec<f32> = values(tensor).iter().map(|value| value / 2.0).collect();
            tensor.raw_data = Vec::new();
            tensor.float_data = halved;
        }
        if let Ok(network) = try_load(&model.write_to_bytes().unwrap()) {
            assert!(network != expected, "{name}: the comparison sees the values");
        }
    }
}

#[test]
fn diameters_in_the_metadata_are_taken() {
    let mut model = model("script_17.onnx");
    for (key, value) in [("diam_mean", "17"), ("diam_labels", "21.5")] {
        let entry =
            onnx_protobuf::StringStringEntryProto { key: key.into(), value: value.into(), ..Default::default() };
        model.metadata_props.push(entry);
    }
    let network = try_load(&model.write_to_bytes().unwrap()).unwrap();
    assert_eq!((network.diam_mean(), network.diam_labels()), (17.0, 21.5));
    model.metadata_props[0].value = "-1".into();
    assert!(try_load(&model.write_to_bytes().unwrap()).is_err());
    model.metadata_props[0].value = "wide".into();
    assert!(try_load(&model.write_to_bytes().unwrap()).is_err());
}

/// Any one edge of the graph moved: the network is refused, or what is read is not what was there.
#[test]
fn every_edge_counts() {
    let whole = model("script_17.onnx");
    let expected = network("script_17.onnx");
    let made: Vec<String> = whole.graph.node.iter().flat_map(|node| node.output.clone()).collect();
    // Not another constant, which may be of the same value.
    let maps: Vec<String> = whole
        .graph
        .node
        .iter()
        .filter(|node| node.op_type != "Constant")
        .flat_map(|node| node.output.clone())
        .collect();
    let mut moved = 0;
    for at in 0..whole.graph.node.len() {
        for input in 0..whole.graph.node[at].input.len() {
            let old = &whole.graph.node[at].input[input];
            let Some(position) = made.iter().position(|value| value == old) else { continue };
            // The value of another node, far from this one.
            let other = &maps[(position + maps.len() / 2) % maps.len()];
            let mut model = whole.clone();
            model.graph.as_mut().unwrap().node[at].input[input] = other.clone();
            let result = try_load(&model.write_to_bytes().unwrap());
            let same = result.is_ok_and(|network| network == expected);
            let op = whole.graph.node[at].op_type.as_str();
            assert!(!same, "node {at} ({op}) takes {other} for {old}");
            moved += 1;
        }
    }
    assert!(moved > 80, "{moved}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Graphs whose nodes and names are shuffled at random end in a network or an error.
    #[test]
    fn rewired_graphs_never_panic(edges in proptest::collection::vec((0usize..200, 0usize..5, 0usize..200), 1..12)) {
        let mut model = model("products.onnx");
        let graph = model.graph.as_mut().unwrap();
        let made: Vec<String> = graph.node.iter().flat_map(|node| node.output.clone()).collect();
        for (node, input, value) in edges {
            let count = graph.node.len();
            let inputs = &mut graph.node[node % count].input;
            if let Some(input) = inputs.get_mut(input) {
                *input = made[value % made.len()].clone();
            }
        }
        let _ = try_load(&model.write_to_bytes().unwrap());
    }
}
