//! Tensors: the intermediates of a network.

/// Identifies a tensor of a [`Plan`](super::Plan).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub(super) usize);

/// The shape of a tensor for one tile of `height` x `width` pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TensorShape {
    /// A map of shape [channels, height / scale, width / scale].
    Map {
        /// Number of channels, without padding.
        channels: usize,
        /// Divisor of the tile's sides: 1 is full size, 2 is half of each side.
        scale: usize,
    },
    /// Tokens of shape [count, channels], for tiles of every size.
    Tokens {
        /// Number of tokens.
        count: usize,
        /// Number of channels, without padding.
        channels: usize,
    },
    /// A vector of shape `[channels]`.
    Vector {
        /// Number of channels, without padding.
        channels: usize,
    },
}

/// How backends store the values of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// Maps and tokens, in the precision of the activations.
    Activations,
    /// Vectors, in f32: they are small, and every pixel depends on them.
    Vectors,
}

impl TensorShape {
    /// Number of channels, without padding.
    pub fn channels(self) -> usize {
        match self {
            TensorShape::Map { channels, .. }
            | TensorShape::Tokens { channels, .. }
            | TensorShape::Vector { channels } => channels,
        }
    }

    /// Rows and columns of each channel for a tile of `height` x `width` pixels: (count, 1) for tokens, (1, 1) for a
    /// vector.
    pub fn size(self, height: usize, width: usize) -> (usize, usize) {
        match self {
            TensorShape::Map { scale, .. } => (height / scale, width / scale),
            TensorShape::Tokens { count, .. } => (count, 1),
            TensorShape::Vector { .. } => (1, 1),
        }
    }

    /// Number of values for a tile of `height` x `width` pixels, with the channels padded to a multiple of `pad`.
    pub fn len(self, height: usize, width: usize, pad: usize) -> usize {
        let (rows, columns) = self.size(height, width);
        self.channels().next_multiple_of(pad) * rows * columns
    }

    /// How backends store the tensor.
    pub fn storage(self) -> Storage {
        match self {
            TensorShape::Map { .. } | TensorShape::Tokens { .. } => Storage::Activations,
            TensorShape::Vector { .. } => Storage::Vectors,
        }
    }

    /// Divisor of the tile's sides; 1 for tensors whose size does not depend on the tile.
    pub(super) fn scale(self) -> usize {
        match self {
            TensorShape::Map { scale, .. } => scale,
            TensorShape::Tokens { .. } | TensorShape::Vector { .. } => 1,
        }
    }
}

/// A tensor of a plan: its shape and the buffer that holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The tensor's shape.
    pub shape: TensorShape,
    /// Index of its buffer in [`Plan::buffers`](super::Plan::buffers).
    pub buffer: usize,
    /// Index of its group: the tensors that one operation writes together.
    pub(super) group: usize,
}

impl Tensor {
    /// Number of channels, without padding.
    pub fn channels(&self) -> usize {
        self.shape.channels()
    }

    /// Rows and columns of each channel for a tile of `height` x `width` pixels; see [`TensorShape::size`].
    pub fn size(&self, height: usize, width: usize) -> (usize, usize) {
        self.shape.size(height, width)
    }
}
