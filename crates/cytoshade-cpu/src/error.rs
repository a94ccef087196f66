//! The errors of the CPU stages.

use crate::simd::Isa;

/// Errors of the CPU stages.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An error of `cytoshade-core`: the caller cancelled, or a parameter or a size is out of range.
    #[error(transparent)]
    Core(#[from] cytoshade_core::Error),
    /// The buffer or the sides of tiles do not fit the network.
    #[error(
        "the buffer holds {found} values, but {count} tiles of {channels} x {height} x {width} (channels x height x \
         width) need {expected}, and both sides must be multiples of {multiple}; pass whole tiles with such sides"
    )]
    Tiles {
        /// Number of tiles.
        count: usize,
        /// Channels of the network's input.
        channels: usize,
        /// Height of a tile.
        height: usize,
        /// Width of a tile.
        width: usize,
        /// Values in the buffer.
        found: usize,
        /// Values that the tiles need.
        expected: usize,
        /// The sides must be multiples of this.
        multiple: usize,
    },
    /// The network's outputs are not finite.
    #[error(
        "the network's outputs are not finite, first those of layer {layer}; check the model file and the range of the \
         image's intensities"
    )]
    NotFinite {
        /// The layer, by its name in the model file.
        layer: String,
    },
    /// An input of a stage differs in size from the flows, or the flows have too few channels.
    #[error("{what} is {found_height} x {found_width} (height x width), expected {height} x {width} as the flows have")]
    Size {
        /// Name of the input.
        what: &'static str,
        /// Height of the input.
        found_height: usize,
        /// Width of the input.
        found_width: usize,
        /// Height of the flows.
        height: usize,
        /// Width of the flows.
        width: usize,
    },
    /// No instruction set has this name.
    #[error("unknown instruction set `{found}`; expected avx512, avx2, neon, simd128 or portable")]
    UnknownIsa {
        /// The name.
        found: String,
    },
    /// This machine lacks the instruction set.
    #[error("this machine has no {isa}; choose one of {}", names(.available))]
    MissingIsa {
        /// The requested instruction set.
        isa: Isa,
        /// The instruction sets of this machine, the fastest first.
        available: Vec<Isa>,
    },
}

fn names(isas: &[Isa]) -> String {
    isas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
