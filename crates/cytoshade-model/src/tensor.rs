//! Tensors by name: what every reader gives and the state dict takes.

use std::collections::BTreeMap;

/// A tensor's values in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// Tensors by their names in the file.
pub(crate) type Tensors = BTreeMap<String, Tensor>;
