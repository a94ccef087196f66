//! What the CPU stages refuse.

use crate::simd::Isa;

/// Errors of the CPU stages.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The caller cancelled, or a value of core's types is out of range.
    #[error(transparent)]
    Core(#[from] cytoshade_core::Error),
    /// Tiles whose buffer or sides do not fit the network.
    #[error(
        "{count} tiles of {channels} x {height} x {width} (channels x height x width) do not fit: {found} values were given, {expected} are \
         needed, and both sides must be multiples of {multiple}"
    )]
    Tiles {
        /// Tiles announced.
        count: usize,
        /// Channels of the network's input.
        channels: usize,
        /// Height of a tile.
        height: usize,
        /// Width of a tile.
        width: usize,
        /// Values in the buffer.
        found: usize,
        /// Values expected.
        expected: usize,
        /// What the sides must be multiples of.
        multiple: usize,
    },
    /// Two inputs of a stage that must have one size do not.
    #[error("{what} is {found_height} x {found_width} (height x width), expected {height} x {width} as the flows have")]
    Size {
        /// Which input.
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
    /// A name that no instruction set has.
    #[error("there is no instruction set `{found}`, expected avx512, avx2, neon, simd128 or portable")]
    UnknownIsa {
        /// The name.
        found: String,
    },
    /// An instruction set that this machine lacks.
    #[error("this machine has no {isa}; it has {}", names(.available))]
    MissingIsa {
        /// What was asked for.
        isa: Isa,
        /// What there is, the fastest first.
        available: Vec<Isa>,
    },
}

fn names(isas: &[Isa]) -> String {
    isas.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
