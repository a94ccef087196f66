//! A graph, with the node that computes each value, and the constants.

use std::collections::BTreeMap;

use cytoshade_safe_io::{printable, quoted};

use super::node::{Mismatch, Node, Value, Values, few};
use super::schema::{self, Tensor};
use super::tensor_data::is_float;
use crate::Error;

/// Longer chains of pass-through nodes count as cycles.
const PASSES: usize = 16;

pub(crate) struct Graph<'m> {
    values: &'m Values<'m>,
    nodes: &'m [Node<'m>],
    /// The graph's first output.
    output: Value,
    /// The node that computes each value.
    makers: Vec<Option<&'m Node<'m>>>,
    /// The initializer of each value.
    constants: Vec<Option<&'m Tensor<'m>>>,
}

impl<'m> Graph<'m> {
    pub(crate) fn new(
        values: &'m Values<'m>,
        nodes: &'m [Node<'m>],
        graph: &'m schema::Graph<'m>,
    ) -> Result<Self, Error> {
        let count = values.names.len();
        let (makers, constants) = (vec![None; count], vec![None; count]);
        let output = graph.outputs.first().and_then(|name| values.ids.get(name)).copied();
        let output = output.unwrap_or(Value::LEFT_OUT);
        let mut found = Self { values, nodes, output, makers, constants };
        for tensor in &graph.initializers {
            let value = values.ids[tensor.name];
            if found.constants[value.0 as usize].replace(tensor).is_some() {
                return Err(found.made_twice(value));
            }
        }
        for node in nodes {
            for value in node.outputs.iter().copied().filter_map(Value::given) {
                let known = found.makers[value.0 as usize].replace(node).is_some();
                if known || found.constants[value.0 as usize].is_some() {
                    return Err(found.made_twice(value));
                }
            }
        }
        Ok(found)
    }

    fn made_twice(&self, value: Value) -> Error {
        Error::damaged(format!("the ONNX value {} is made twice", quoted(self.name(value))))
    }

    pub(crate) fn nodes(&self) -> &'m [Node<'m>] {
        self.nodes
    }

    /// The graph's first output; an omitted value if the graph has none.
    pub(crate) fn output(&self) -> Value {
        self.output
    }

    /// The name of a value.
    pub(crate) fn name(&self, value: Value) -> &'m str {
        self.values.names[value.0 as usize]
    }

    fn made_by(&self, value: Value) -> Option<&'m Node<'m>> {
        self.makers[value.0 as usize]
    }

    /// Skips nodes that pass a value through: Identity, Cast between floats, Dropout at inference.
    pub(crate) fn resolve(&self, value: Value) -> Value {
        let mut value = value;
        for _ in 0..PASSES {
            match self.made_by(value) {
                Some(node) if node.is(&["Identity", "Dropout"]) => value = node.input(0),
                Some(node) if node.is(&["Cast"]) && is_float(node.int("to", 0) as i32) => value = node.input(0),
                _ => break,
            }
        }
        value
    }

    /// The node that computes a value.
    pub(crate) fn maker(&self, value: Value) -> Option<&'m Node<'m>> {
        self.made_by(self.resolve(value))
    }

    /// The node that computes a value, if it is of an expected kind.
    pub(crate) fn expect(&self, value: Value, ops: &[&str]) -> Result<&'m Node<'m>, Mismatch> {
        match self.maker(value) {
            Some(node) if node.is(ops) => Ok(node),
            found => Err(self.mismatch(found, value, &ops.join(" or "))),
        }
    }

    /// The mismatch for a value that differs from the network's at this place.
    pub(crate) fn other_value(&self, value: Value, expected: &str) -> Mismatch {
        self.mismatch(self.maker(value), value, expected)
    }

    fn mismatch(&self, found: Option<&Node<'_>>, value: Value, expected: &str) -> Mismatch {
        match found {
            Some(node) => node.mismatch(node.op_type(), expected),
            None => {
                let is_constant = self.constants[value.0 as usize].is_some();
                let found = if is_constant { "a constant" } else { "an input of the graph" };
                Mismatch { node: printable(self.name(value)), found: found.into(), expected: expected.into() }
            }
        }
    }

    /// Whether two values are the same.
    pub(crate) fn same(&self, a: Value, b: Value) -> bool {
        self.resolve(a) == self.resolve(b)
    }

    /// A constant, and whether it must be transposed.
    pub(crate) fn constant(&self, value: Value) -> Option<(&'m Tensor<'m>, bool)> {
        let value = self.resolve(value);
        if let Some(tensor) = self.stored(value) {
            return Some((tensor, false));
        }
        let node = self.made_by(value).filter(|node| node.is(&["Transpose"]))?;
        let turned = node.attribute("perm").is_none_or(|perm| perm.ints == [1, 0]);
        let tensor = self.stored(self.resolve(node.input(0)))?;
        (turned && tensor.dims.len() == 2).then_some((tensor, true))
    }

    /// The tensor of an initializer or of a Constant node.
    fn stored(&self, value: Value) -> Option<&'m Tensor<'m>> {
        let constant = || self.made_by(value).filter(|node| node.is(&["Constant"]))?.attribute("value")?.t.as_ref();
        self.constants[value.0 as usize].or_else(constant)
    }

    /// Counts the nodes outside the network, which extends from a value to its last node, by kind.
    pub(crate) fn beside(&self, last: &'m Node<'m>, first: Value) -> Vec<String> {
        let mut inside = vec![false; self.makers.len()];
        inside[self.resolve(first).0 as usize] = true;
        let mut next = vec![last];
        while let Some(node) = next.pop() {
            node.outputs.iter().for_each(|output| inside[output.0 as usize] = true);
            for input in &node.inputs {
                if !std::mem::replace(&mut inside[input.0 as usize], true) {
                    next.extend(self.made_by(*input));
                }
            }
        }
        let mut kinds = BTreeMap::new();
        let outside = |node: &&Node<'_>| !node.outputs.iter().any(|output| inside[output.0 as usize]);
        for node in self.nodes.iter().filter(outside).filter(|node| !node.is(&["Constant"])) {
            *kinds.entry(node.op_type()).or_insert(0usize) += 1;
        }
        kinds.into_iter().map(|(kind, count)| format!("{count} {}", printable(kind))).collect()
    }

    /// A few constant numbers: axes, factors, an exponent; or a few lists of them, concatenated.
    pub(crate) fn numbers(&self, value: Value) -> Option<Vec<f64>> {
        match self.maker(value) {
            Some(node) if node.is(&["Concat"]) && node.inputs.len() <= PASSES => {
                let lists: Option<Vec<_>> = node.inputs.iter().map(|&input| self.list(input)).collect();
                Some(lists?.concat())
            }
            _ => self.list(value),
        }
    }

    fn list(&self, value: Value) -> Option<Vec<f64>> {
        let mut value = value;
        // Exporters reshape and convert them before use.
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
        match attribute.name {
            "value_float" => Some(vec![f64::from(attribute.f)]),
            "value_int" => Some(vec![attribute.i as f64]),
            "value_floats" => Some(few(&attribute.floats)?.iter().map(|&value| f64::from(value)).collect()),
            "value_ints" => Some(few(&attribute.ints)?.iter().map(|&value| value as f64).collect()),
            _ => None,
        }
    }

    /// Axes of a node: an attribute in older opsets, an input in newer ones.
    pub(crate) fn axes(&self, node: &'m Node<'m>) -> Option<Vec<i64>> {
        match node.attribute("axes") {
            Some(axes) => Some(few(&axes.ints)?.to_vec()),
            None => Some(self.numbers(*node.inputs.get(1)?)?.iter().map(|&axis| axis as i64).collect()),
        }
    }
}
