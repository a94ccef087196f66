//! A band of rows, loaded for a convolution.
//!
//! A band is loaded once into a buffer that stays in the core's L2 cache. The load applies the prologue, repeats pixels
//! if a Winograd convolution upsamples its source, and adds zeros around the map. The kernels read the buffer.

use super::input::{ConvInput, Prologue};
use crate::simd::{Block, Compiled, LANES, Lanes};

/// Bands for each thread: small enough that the others wait for a late thread only briefly.
const BANDS_PER_THREAD: usize = 4;

/// The map that a convolution reads, and the layout of a band of it: shape [row, block, pixel, 16], with `pad` zeros
/// around the map.
pub(super) struct Band<'a> {
    pub(super) source: ConvInput<'a>,
    pub(super) scale: &'a [Block],
    pub(super) shift: &'a [Block],
    /// Lower bound after scale and shift: 0 for a ReLU, negative infinity for none.
    pub(super) lowest: f32,
    /// Times each source pixel is repeated on each axis.
    pub(super) repeat: usize,
    /// Zeros on each side of the map.
    pub(super) pad: usize,
    /// Pixels of a buffered row: the repeated row, its zeros, and more zeros up to whole Winograd patches.
    pub(super) padded: usize,
}

impl Band<'_> {
    /// Blocks in a row of the buffer.
    pub(super) fn row_len(&self) -> usize {
        self.scale.len() * self.padded
    }

    /// Fills `buffer` with rows of the map from `first` on, counted from the first row of zeros above the map.
    #[inline(never)]
    pub(super) fn load<L: Lanes>(&self, lanes: L, first: usize, buffer: &mut [Block]) {
        let (width, row_len) = (self.repeat * self.source.map.width, self.row_len());
        let map_y = |at: usize| at.checked_sub(self.pad).filter(|&y| y < self.repeat * self.source.map.height);
        for (row, at) in (first..first + buffer.len() / row_len).enumerate() {
            let (above, rest) = buffer.split_at_mut(row * row_len);
            let target = &mut rest[..row_len];
            let Some(y) = map_y(at) else {
                target.fill(Block::ZERO);
                continue;
            };
            if row > 0 && map_y(at - 1).is_some_and(|other| other / self.repeat == y / self.repeat) {
                target.copy_from_slice(&above[(row - 1) * row_len..]);
                continue;
            }
            for (block, target) in target.chunks_exact_mut(self.padded).enumerate() {
                target[..self.pad].fill(Block::ZERO);
                target[self.pad + width..].fill(Block::ZERO);
                let prologue = Prologue { scale: &self.scale[block], shift: &self.shift[block], lowest: self.lowest };
                let target = &mut target[self.pad..][..width];
                let load = self.source.load(y / self.repeat, block, prologue, self.repeat, target);
                lanes.narrow(self.source.map.channels - block * LANES, Compiled(load));
            }
        }
    }
}

/// Cuts `height` rows into bands of equal height, of at most `most` rows, and enough of them for `threads` to share.
/// Returns the rows of a band.
pub(super) fn rows_per_band(height: usize, most: usize, threads: usize) -> usize {
    let balanced = height.div_ceil(BANDS_PER_THREAD * threads);
    height.div_ceil(height.div_ceil(most.min(balanced).max(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_small_enough_and_never_empty() {
        for height in 1..60 {
            for most in 1..20 {
                for threads in [1, 2, 7, 64] {
                    let rows = rows_per_band(height, most, threads);
                    assert!((1..=most).contains(&rows), "{height} {most} {threads}: {rows}");
                }
            }
        }
    }
}
