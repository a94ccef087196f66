//! The errors of the CPU stages.

use crate::simd::Isa;

/// Errors of the CPU stages.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller cancelled, or a value of core's types is out of range.
    #[error(transparent)]
    Core(#[from] cytoshade_core::Error),
    /// The buffer or the sides of tiles do not fit the network.
    #[error(
        "{count} tiles of {channels} x {height} x {width} (channels x height x width) do not fit: the buffer holds {found} values, {expected} are \
         needed, and both sides must be multiples of {multiple}"
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
    /// A network whose outputs are not finite.
    #[error(
        "the network's outputs are not finite: the first values that are not come out of {layer}; check the model file, and \
         the range of the image's intensities"
    )]
    NotFinite {
        /// The layer, by its name in the model file.
        layer: String,
    },
    /// Two inputs of a stage differ in size.
    #[error("{what} is {found_height} x {found_width} (height x width), expected {height} x {width} as the flows have")]
    Size {
        /// Name of the input.
        what: &'static str,
        /// Its height.
        found_height: usize,
        /// Its width.
        found_width: usize,
        /// The height expected.
        height: usize,
        /// The width expected.
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
        /// The instruction set that was asked for.
        isa: Isa,
        /// The instruction sets of this machine, the fastest first.
        available: Vec<Isa>,
    },
}

fn names(isas: &[Isa]) -> String {
    isas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
