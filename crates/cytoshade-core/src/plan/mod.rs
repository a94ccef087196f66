//! A network as a list of operations over tensors, and the buffers that hold the tensors.
//!
//! A plan is independent of the architecture: an [architecture](crate::arch) builds one with a [`PlanBuilder`], and the
//! backends match on its [`Operation`]s. Tensors that are never alive together share a buffer. A backend allocates
//! [`Plan::buffers`] once and runs every batch of tiles in them.

mod builder;
mod check;
mod operation;
mod placement;
mod tensor;

use std::ops::Index;

pub use builder::PlanBuilder;
pub use operation::{Convolution, LinearProduct, Operation, Shortcut};
pub use tensor::{Storage, Tensor, TensorId, TensorShape};

/// A network as a list of operations over tensors. [`PlanBuilder::finish`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    operations: Vec<Operation>,
    tensors: Vec<Tensor>,
    /// The input, then the targets of each operation.
    groups: Vec<Vec<TensorId>>,
    buffers: Vec<Buffer>,
    output: TensorId,
    style: Option<TensorId>,
}

/// A buffer, which holds groups of tensors one at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buffer {
    storage: Storage,
    /// The groups that it holds, one at a time.
    groups: Vec<usize>,
}

impl Buffer {
    /// How backends store its values.
    pub fn storage(&self) -> Storage {
        self.storage
    }
}

impl Index<TensorId> for Plan {
    type Output = Tensor;

    /// # Panics
    /// If the plan has no such tensor: `id` belongs to another plan.
    fn index(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }
}

impl Plan {
    /// The operations, in the order in which they run.
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The network's input, written before the first operation.
    pub fn input(&self) -> TensorId {
        self.groups[0][0]
    }

    /// The network's output, complete after the last operation.
    pub fn output(&self) -> TensorId {
        self.output
    }

    /// The style vector, complete after the last operation. `None` if the network has none.
    pub fn style(&self) -> Option<TensorId> {
        self.style
    }

    /// The buffers.
    pub fn buffers(&self) -> &[Buffer] {
        &self.buffers
    }

    /// The sides of a tile must be multiples of this, so that every map has whole sides.
    pub fn tile_multiple(&self) -> usize {
        self.tensors.iter().fold(1, |multiple, tensor| lcm(multiple, tensor.shape.scale()))
    }

    /// Values that lie before a tensor in its buffer: those of the tensors that are written together with it.
    ///
    /// Counted for one tile of `height` x `width` pixels, with channels padded to a multiple of `pad`.
    pub fn offset(&self, id: TensorId, height: usize, width: usize, pad: usize) -> usize {
        let before = self.groups[self[id].group].iter().take_while(|&&other| other != id);
        before.map(|&other| self[other].shape.len(height, width, pad)).sum()
    }

    /// Values of all tensors that are written together with a tensor, itself included; counted as [`Plan::offset`] does.
    pub fn group_len(&self, id: TensorId, height: usize, width: usize, pad: usize) -> usize {
        self.len_of_group(self[id].group, height, width, pad)
    }

    /// Values that a buffer holds for one tile of `height` x `width` pixels, with channels padded to a multiple of
    /// `pad`.
    ///
    /// # Panics
    /// If `buffer` is not an index into [`Plan::buffers`].
    pub fn buffer_len(&self, buffer: usize, height: usize, width: usize, pad: usize) -> usize {
        let groups = self.buffers[buffer].groups.iter();
        groups.map(|&group| self.len_of_group(group, height, width, pad)).max().unwrap_or(0)
    }

    /// Values in all buffers of one [`Storage`] together, counted as [`Plan::buffer_len`] does.
    pub fn total_len(&self, storage: Storage, height: usize, width: usize, pad: usize) -> usize {
        let buffers = (0..self.buffers.len()).filter(|&buffer| self.buffers[buffer].storage == storage);
        buffers.map(|buffer| self.buffer_len(buffer, height, width, pad)).sum()
    }

    /// Floating-point operations of the convolutions for one tile of `height` x `width` pixels.
    ///
    /// A multiplication and an addition count as two. About 31e9 for the published U-Nets and a tile of 224 x 224.
    pub fn float_operations(&self, height: usize, width: usize) -> u64 {
        let convolutions = self.operations.iter().filter_map(|operation| match operation {
            Operation::Convolution(convolution) => Some(self.convolution_operations(convolution, height, width)),
            Operation::MaxPool { .. } | Operation::GlobalAverage { .. } | Operation::Linear { .. } => None,
        });
        convolutions.sum()
    }

    /// Products per value of a convolution's target, those of its shortcut included.
    pub(crate) fn depth(&self, convolution: &Convolution) -> usize {
        let shortcut = convolution.shortcut.map_or(0, |shortcut| self[shortcut.source].channels());
        convolution.kernel.pow(2) * self[convolution.source].channels() + shortcut
    }

    /// Floating-point operations of a convolution; see [`Plan::float_operations`].
    pub(crate) fn convolution_operations(&self, convolution: &Convolution, height: usize, width: usize) -> u64 {
        let values = self[convolution.target].shape.len(height, width, 1);
        2 * self.depth(convolution) as u64 * values as u64
    }

    fn len_of_group(&self, group: usize, height: usize, width: usize, pad: usize) -> usize {
        self.groups[group].iter().map(|&id| self[id].shape.len(height, width, pad)).sum()
    }
}

/// The least common multiple of two numbers above 0.
fn lcm(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}
