//! Feature maps in memory: in each row, blocks of 16 channels.

use crate::parallel::*;

use crate::simd::{Block, LANES};

/// A feature map of shape [height, blocks, width, 16]: each row holds its channels in blocks of 16, the last one
/// padded. So a band of rows is contiguous, as are the neighbouring pixels that a convolution reads.
#[derive(Clone, Copy, Debug)]
pub(super) struct FeatureMap<D> {
    pub(super) channels: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) data: D,
}

impl<D> FeatureMap<D> {
    pub(super) fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Blocks in a row of pixels.
    pub(super) fn row_len(&self) -> usize {
        self.blocks() * self.width
    }
}

impl<'a> FeatureMap<&'a [Block]> {
    /// A map at the start of `buffer`.
    pub(super) fn new(buffer: &'a [Block], channels: usize, height: usize, width: usize) -> Self {
        let data = &buffer[..height * channels.div_ceil(LANES) * width];
        Self { channels, height, width, data }
    }

    pub(super) fn row(&self, y: usize) -> &'a [Block] {
        &self.data[y * self.row_len()..][..self.row_len()]
    }
}

impl<'a> FeatureMap<&'a mut [Block]> {
    /// A map at the start of `buffer`.
    pub(super) fn new_mut(buffer: &'a mut [Block], channels: usize, height: usize, width: usize) -> Self {
        let data = &mut buffer[..height * channels.div_ceil(LANES) * width];
        Self { channels, height, width, data }
    }
}

/// Writes planar values, shape [channels, height, width], into `map`.
#[inline(never)]
pub(super) fn pack(planes: &[f32], map: FeatureMap<&mut [Block]>) {
    let (width, row_len, pixels) = (map.width, map.row_len(), map.height * map.width);
    map.data.par_chunks_mut(row_len).enumerate().for_each(|(y, row)| {
        row.fill(Block::ZERO);
        for (channel, plane) in planes.chunks_exact(pixels).enumerate() {
            let values = &plane[y * width..][..width];
            for (block, &value) in row[channel / LANES * width..][..width].iter_mut().zip(values) {
                block.0[channel % LANES] = value;
            }
        }
    });
}

/// Writes the values of `map` as planes, shape [channels, height, width].
#[inline(never)]
pub(super) fn unpack(map: FeatureMap<&[Block]>, planes: &mut [f32]) {
    for (channel, plane) in planes.chunks_exact_mut(map.height * map.width).enumerate() {
        for (y, values) in plane.chunks_exact_mut(map.width).enumerate() {
            let row = &map.row(y)[channel / LANES * map.width..];
            for (value, block) in values.iter_mut().zip(row) {
                *value = block.0[channel % LANES];
            }
        }
    }
}

/// The first `len` blocks of a buffer, which grows if it is too short.
pub(super) fn sized(buffer: &mut Vec<Block>, len: usize) -> &mut [Block] {
    if buffer.len() < len {
        buffer.resize(len, Block::ZERO);
    }
    &mut buffer[..len]
}
