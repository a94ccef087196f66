//! A graph with its values: who makes each, and which are constant.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use cytoshade_pickle::printable;

use super::schema::{self, Node, Tensor};
use super::tensor_data::is_float;
use crate::Error;

/// Nodes that only pass a value on, one after the other, before it is taken for a circle.
const PASSES: usize = 16;

/// A node of another kind than the network has at its place.
#[derive(Debug)]
pub(crate) struct Mismatch {
    node: String,
    found: String,
    expected: String,
}

impl From<Mismatch> for Error {
    fn from(Mismatch { node, found, expected }: Mismatch) -> Self {
        Error::Graph { node, found, expected }
    }
}

pub(crate) struct Graph<'m> {
    nodes: &'m [Node],
    /// Name of the graph's first output.
    output: &'m str,
    /// The node that makes a value.
    makers: HashMap<&'m str, &'m Node>,
    constants: HashMap<&'m str, &'m Tensor>,
}

impl<'m> Graph<'m> {
    pub(crate) fn new(graph: &'m schema::Graph) -> Result<Self, Error> {
        let twice = |name: &str| Error::damaged(format!("the ONNX value {} is made twice", printable(name)));
        let mut constants = HashMap::new();
        for tensor in &graph.initializers {
            if constants.insert(tensor.name.as_str(), tensor).is_some() {
                return Err(twice(&tensor.name));
            }
        }
        let mut makers = HashMap::new();
        for node in &graph.nodes {
            for output in node.outputs.iter().filter(|output| !output.is_empty()) {
                match makers.entry(output.as_str()) {
                    Entry::Vacant(place) if !constants.contains_key(output.as_str()) => place.insert(node),
                    _ => return Err(twice(output)),
                };
            }
        }
        let output = graph.outputs.first().map_or("", |output| output.name.as_str());
        Ok(Self { nodes: &graph.nodes, output, makers, constants })
    }

    /// Name of the graph's first output; empty without one.
    pub(crate) fn output(&self) -> &'m str {
        self.output
    }

    pub(crate) fn nodes(&self) -> &'m [Node] {
        self.nodes
    }

    /// A value as it was before nodes that do not change it: Identity, Cast between floats, Dropout at test time.
    pub(crate) fn resolve(&self, value: &'m str) -> &'m str {
        let mut value = value;
        for _ in 0..PASSES {
            match self.makers.get(value) {
                Some(node) if node.is(&["Identity", "Dropout"]) => value = node.input(0),
                Some(node) if node.is(&["Cast"]) && is_float(node.int("to", 0) as i32) => value = node.input(0),
                _ => break,
            }
        }
        value
    }

    /// The node that makes a value.
    pub(crate) fn maker(&self, value: &'m str) -> Option<&'m Node> {
        self.makers.get(self.resolve(value)).copied()
    }

    /// The node that makes a value, where it is of an expected kind.
    pub(crate) fn expect(&self, value: &'m str, ops: &[&str]) -> Result<&'m Node, Mismatch> {
        match self.maker(value) {
            Some(node) if node.is(ops) => Ok(node),
            found => Err(self.mismatch(found, value, &ops.join(" or "))),
        }
    }

    /// Another value than the network has at this place.
    pub(crate) fn other_value(&self, value: &'m str, expected: &str) -> Mismatch {
        self.mismatch(self.maker(value), value, expected)
    }

    fn mismatch(&self, found: Option<&Node>, value: &str, expected: &str) -> Mismatch {
        match found {
            Some(node) => node.mismatch(node.op_type.clone(), expected),
            None => Mismatch {
                node: printable(value),
                found: if self.constants.contains_key(value) { "a constant" } else { "an input of the graph" }.into(),
                expected: expected.into(),
            },
        }
    }

    /// Whether two names stand for one value.
    pub(crate) fn same(&self, a: &'m str, b: &'m str) -> bool {
        self.resolve(a) == self.resolve(b)
    }

    /// A constant, and whether it is to be transposed.
    pub(crate) fn constant(&self, value: &'m str) -> Option<(&'m Tensor, bool)> {
        let value = self.resolve(value);
        if let Some(tensor) = self.constants.get(value) {
            return Some((tensor, false));
        }
        let node = self.makers.get(value)?;
        match node.op_type.as_str() {
            "Constant" => Some((node.attribute("value")?.t.as_ref()?, false)),
            "Transpose" => {
                let turned = node.attribute("perm").is_none_or(|perm| perm.ints == [1, 0]);
                let inner = self.resolve(node.input(0));
                let tensor = self.constants.get(inner).copied();
                let tensor = tensor.or_else(|| {
                    let constant = self.makers.get(inner).filter(|node| node.is(&["Constant"]))?;
                    constant.attribute("value")?.t.as_ref()
                })?;
                (turned && tensor.dims.len() == 2).then_some((tensor, true))
            }
            _ => None,
        }
    }

    /// What is in the graph beside the network between a value and its last node: how many nodes of which kind.
    pub(crate) fn beside(&self, last: &'m Node, first: &'m str) -> Vec<String> {
        let mut inside = HashSet::from([self.resolve(first)]);
        let mut next: Vec<&'m Node> = vec![last];
        while let Some(node) = next.pop() {
            inside.extend(node.outputs.iter().map(String::as_str));
            let makers = node
                .inputs
                .iter()
                .filter(|input| inside.insert(input))
                .filter_map(|input| self.makers.get(input.as_str()));
            next.extend(makers);
        }
        let mut kinds = BTreeMap::new();
        let outside = |node: &&Node| !node.outputs.iter().any(|output| inside.contains(output.as_str()));
        for node in self.nodes.iter().filter(outside).filter(|node| !node.is(&["Constant"])) {
            *kinds.entry(printable(&node.op_type)).or_insert(0usize) += 1;
        }
        kinds.into_iter().map(|(kind, count)| format!("{count} {kind}")).collect()
    }

    /// A few constant numbers: axes, factors, an exponent; or a few such lists, one after the other.
    pub(crate) fn numbers(&self, value: &'m str) -> Option<Vec<f64>> {
        match self.maker(value) {
            Some(node) if node.is(&["Concat"]) && node.inputs.len() <= PASSES => {
                let lists: Option<Vec<_>> = node.inputs.iter().map(|input| self.list(input)).collect();
                Some(lists?.concat())
            }
            _ => self.list(value),
        }
    }

    fn list(&self, value: &'m str) -> Option<Vec<f64>> {
        let mut value = value;
        // Exporters shape them and turn their type before use.
        for _ in 0..PASSES {
            match self.maker(value) {
                Some(node) if node.is(&["Reshape", "Unsqueeze", "Squeeze", "Cast"]) => value = node.input(0),
                _ => break,
            }
        }
        if let Some((tensor, false)) = self.constant(value) {
            return tensor.few();
        }
        let node = self.maker(value).filter(|node| node.is(&["Constant"]))?;
        let attribute = node.attributes.first()?;
        match attribute.name.as_str() {
            "value_float" => Some(vec![f64::from(attribute.f)]),
            "value_int" => Some(vec![attribute.i as f64]),
            "value_floats" => Some(attribute.floats.iter().map(|&value| f64::from(value)).collect()),
            "value_ints" => Some(attribute.ints.iter().map(|&value| value as f64).collect()),
            _ => None,
        }
    }

    /// Axes of a node: an attribute in older opsets, an input in newer ones.
    pub(crate) fn axes(&self, node: &'m Node) -> Option<Vec<i64>> {
        match node.attribute("axes") {
            Some(axes) => Some(axes.ints.clone()),
            None => Some(self.numbers(node.inputs.get(1)?)?.iter().map(|&axis| axis as i64).collect()),
        }
    }
}

impl Node {
    /// A node of the ONNX domain of one of these kinds.
    pub(crate) fn is(&self, ops: &[&str]) -> bool {
        matches!(self.domain.as_str(), "" | "ai.onnx") && ops.contains(&self.op_type.as_str())
    }

    /// An input, or the empty name that ONNX gives to those left out.
    pub(crate) fn input(&self, at: usize) -> &str {
        self.inputs.get(at).map_or("", String::as_str)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&schema::Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |attribute| attribute.f)
    }

    pub(crate) fn text(&self, name: &str, default: &'static str) -> &[u8] {
        self.attribute(name).map_or(default.as_bytes(), |attribute| &attribute.s)
    }

    /// Whether a list of numbers is left out or all of one value.
    pub(crate) fn all(&self, name: &str, expected: i64) -> bool {
        self.attribute(name).is_none_or(|attribute| attribute.ints.iter().all(|&value| value == expected))
    }

    /// Whether a list of numbers is there and is this.
    pub(crate) fn ints_are(&self, name: &str, expected: &[i64]) -> bool {
        self.attribute(name).is_some_and(|attribute| attribute.ints == expected)
    }

    pub(crate) fn mismatch(&self, found: impl Into<String>, expected: impl Into<String>) -> Mismatch {
        let name = if self.name.is_empty() { self.outputs.first().unwrap_or(&self.name) } else { &self.name };
        Mismatch { node: printable(name), found: printable(&found.into()), expected: expected.into() }
    }

    /// A mismatch where a condition does not hold.
    pub(crate) fn check(&self, holds: bool, expected: &str) -> Result<(), Mismatch> {
        if holds { Ok(()) } else { Err(self.mismatch(format!("another {}", self.op_type), expected)) }
    }
}
