//! Nodes and values of a graph.
//!
//! Names are interned once. A value is then a number: the cost of a walk does not depend on the length of names.

use std::collections::HashMap;

use cytoshade_safe_io::{Meter, printable};

use super::schema::{self, Attribute};
use super::tensor_data::FEW;
use crate::Error;

/// Names of the attributes in use, over all operators.
const ATTRIBUTES: [&str; 28] = [
    "alpha",
    "auto_pad",
    "axes",
    "axis",
    "beta",
    "ceil_mode",
    "coordinate_transformation_mode",
    "dilations",
    "epsilon",
    "group",
    "keepdims",
    "kernel_shape",
    "mode",
    "nearest_mode",
    "p",
    "pads",
    "perm",
    "scales",
    "strides",
    "to",
    "training_mode",
    "transA",
    "transB",
    "value",
    "value_float",
    "value_floats",
    "value_int",
    "value_ints",
];

/// A value of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value(pub(super) u32);

impl Value {
    /// An omitted input, which has an empty name in ONNX.
    pub(super) const LEFT_OUT: Value = Value(0);

    /// The value, unless it is omitted.
    pub(crate) fn given(self) -> Option<Self> {
        Some(self).filter(|&value| value != Self::LEFT_OUT)
    }
}

/// The values of a graph by name. The first has the empty name.
pub(crate) struct Values<'m> {
    pub(crate) ids: HashMap<&'m str, Value>,
    pub(crate) names: Vec<&'m str>,
}

/// A node with its values.
pub(crate) struct Node<'m> {
    node: &'m schema::Node<'m>,
    pub(crate) inputs: Vec<Value>,
    pub(crate) outputs: Vec<Value>,
    /// The values of [`ATTRIBUTES`]; of equal names, the first counts.
    pub(crate) attributes: Vec<&'m Attribute<'m>>,
}

/// A node that differs in kind from the network's at its place.
#[derive(Debug)]
pub(crate) struct Mismatch {
    pub(crate) node: String,
    pub(crate) found: String,
    pub(crate) expected: String,
}

impl From<Mismatch> for Error {
    fn from(Mismatch { node, found, expected }: Mismatch) -> Self {
        Error::Graph { node, found, expected }
    }
}

/// Numbers the values of a graph, and lists the nodes with these numbers.
pub(crate) fn intern<'m>(
    graph: &'m schema::Graph<'m>,
    meter: &mut Meter,
) -> Result<(Values<'m>, Vec<Node<'m>>), Error> {
    let mut values = Values { ids: HashMap::new(), names: Vec::new() };
    values.id("", meter)?;
    for tensor in &graph.initializers {
        values.id(tensor.name, meter)?;
    }
    let mut nodes = meter.list(graph.nodes.len())?;
    for node in &graph.nodes {
        let mut ids = |names: &[&'m str]| {
            let mut ids = meter.list(names.len())?;
            for name in names {
                ids.push(values.id(name, meter)?);
            }
            Ok::<_, Error>(ids)
        };
        let (inputs, outputs) = (ids(&node.inputs)?, ids(&node.outputs)?);
        meter.charge_steps(node.attributes.len() as u64)?;
        let mut attributes: Vec<&Attribute<'_>> = Vec::new();
        for attribute in &node.attributes {
            let is_new = attributes.iter().all(|known| known.name != attribute.name);
            if ATTRIBUTES.contains(&attribute.name) && is_new {
                meter.charge::<&Attribute<'_>>(4)?;
                attributes.push(attribute);
            }
        }
        nodes.push(Node { node, inputs, outputs, attributes });
    }
    Ok((values, nodes))
}

impl<'m> Values<'m> {
    fn id(&mut self, name: &'m str, meter: &mut Meter) -> Result<Value, Error> {
        meter.charge_steps(1)?;
        meter.charge_scan(name.len())?;
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        // An entry of a growing map and one of a growing list.
        meter.charge::<[&str; 4]>(2)?;
        let id = Value(self.names.len() as u32);
        self.names.push(name);
        self.ids.insert(name, id);
        Ok(id)
    }
}

impl<'m> Node<'m> {
    /// Whether the node is of the ONNX domain and of one of these kinds.
    pub(crate) fn is(&self, ops: &[&str]) -> bool {
        matches!(self.node.domain, "" | "ai.onnx") && ops.contains(&self.node.op_type)
    }

    pub(crate) fn op_type(&self) -> &'m str {
        self.node.op_type
    }

    /// An input; an omitted value if there are fewer.
    pub(crate) fn input(&self, at: usize) -> Value {
        self.inputs.get(at).copied().unwrap_or(Value::LEFT_OUT)
    }

    pub(crate) fn inputs(&self) -> usize {
        self.inputs.len()
    }

    /// The first output.
    pub(crate) fn output(&self) -> Value {
        self.outputs.first().copied().unwrap_or(Value::LEFT_OUT)
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<&'m Attribute<'m>> {
        debug_assert!(ATTRIBUTES.contains(&name), "{name} is not listed");
        self.attributes.iter().copied().find(|attribute| attribute.name == name)
    }

    pub(crate) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i)
    }

    pub(crate) fn float(&self, name: &str, default: f32) -> f32 {
        self.attribute(name).map_or(default, |attribute| attribute.f)
    }

    pub(crate) fn text(&self, name: &str, default: &'static str) -> &'m [u8] {
        self.attribute(name).map_or(default.as_bytes(), |attribute| attribute.s)
    }

    /// Whether a short list of numbers is absent, or all equal `expected`.
    pub(crate) fn all(&self, name: &str, expected: i64) -> bool {
        self.attribute(name).is_none_or(|attribute| {
            few(&attribute.ints).is_some_and(|ints| ints.iter().all(|&value| value == expected))
        })
    }

    /// Whether a list of numbers exists and equals `expected`.
    pub(crate) fn ints_are(&self, name: &str, expected: &[i64]) -> bool {
        self.attribute(name).is_some_and(|attribute| attribute.ints == expected)
    }

    pub(crate) fn mismatch(&self, found: &str, expected: impl Into<String>) -> Mismatch {
        let name =
            if self.node.name.is_empty() { self.node.outputs.first().copied().unwrap_or("") } else { self.node.name };
        Mismatch { node: printable(name), found: printable(found), expected: expected.into() }
    }

    /// Returns a mismatch unless a condition holds.
    pub(crate) fn check(&self, holds: bool, expected: impl Into<String>) -> Result<(), Mismatch> {
        if holds { Ok(()) } else { Err(self.mismatch(&format!("another {}", printable(self.op_type())), expected)) }
    }
}

/// The list, if it is short enough for axes and the like.
pub(crate) fn few<T>(list: &[T]) -> Option<&[T]> {
    Some(list).filter(|list| list.len() <= FEW)
}
