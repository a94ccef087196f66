//! A band of rows on its way into a convolution: normalised, clipped, repeated where the source is upsampled, and padded
//! with zeros, in a buffer that stays in the core's L2 cache.

use super::conv_input::{ConvInput, Norm};
use crate::simd::{Block, Compiled, LANES, Lanes};

/// Bands for each thread, so that a thread that is late holds up the others for a small part only.
const BANDS_PER_THREAD: usize = 4;

/// The plane that a convolution sees, and how a band of it lies in its buffer: shape [row, block, pixel, 16], with
/// `pad` zeros around the plane.
pub(super) struct Band<'a> {
    pub(super) source: ConvInput<'a>,
    pub(super) scale: &'a [Block],
    pub(super) shift: &'a [Block],
    /// How often each source pixel is repeated on each axis.
    pub(super) repeat: usize,
    /// Zeros on each side of the plane.
    pub(super) pad: usize,
    /// Pixels of a row of the buffer: the repeated row, its zeros, and more zeros where tiles want them.
    pub(super) padded: usize,
}

impl Band<'_> {
    /// Blocks in a row of the buffer.
    pub(super) fn row_len(&self) -> usize {
        self.scale.len() * self.padded
    }

    /// Loads rows of the plane, counted with the zeros above it, from `first` on.
    #[inline(never)]
    pub(super) fn load<L: Lanes>(&self, lanes: L, first: usize, buffer: &mut [Block]) {
        let (width, row_len) = (self.repeat * self.source.map.width, self.row_len());
        let plane_y = |at: usize| at.checked_sub(self.pad).filter(|&y| y < self.repeat * self.source.map.height);
        for (row, at) in (first..first + buffer.len() / row_len).enumerate() {
            let (above, rest) = buffer.split_at_mut(row * row_len);
            let target = &mut rest[..row_len];
            let Some(y) = plane_y(at) else {
                target.fill(Block::ZERO);
                continue;
            };
            if row > 0 && plane_y(at - 1).is_some_and(|other| other / self.repeat == y / self.repeat) {
                target.copy_from_slice(&above[(row - 1) * row_len..]);
                continue;
            }
            for (block, target) in target.chunks_exact_mut(self.padded).enumerate() {
                target[..self.pad].fill(Block::ZERO);
                target[self.pad + width..].fill(Block::ZERO);
                let norm = Norm { scale: &self.scale[block], shift: &self.shift[block] };
                let target = &mut target[self.pad..][..width];
                let load = self.source.load(y / self.repeat, block, norm, self.repeat, target);
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
