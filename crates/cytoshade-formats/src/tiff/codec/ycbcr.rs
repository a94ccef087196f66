//! Uncompressed YCbCr with subsampled colour.
//!
//! Source: TIFF 6.0 (Adobe, 1992), section 21.

use super::super::page::Page;

/// Expands a strip or tile to interleaved Y, Cb and Cr for each pixel.
///
/// Returns fewer bytes if the data end early.
///
/// A block holds the brightness of its pixels, row by row, then the two colour samples.
pub(super) fn expand(page: &Page, stored: &[u8], expected: usize) -> Vec<u8> {
    let (across, down) = (page.subsampling.0.clamp(1, 4) as usize, page.subsampling.1.clamp(1, 4) as usize);
    let width = page.chunk_width as usize;
    let height = expected / (width * 3).max(1);
    let block_bytes = across * down + 2;
    let blocks_across = width.div_ceil(across);
    if stored.len() < blocks_across * height.div_ceil(down) * block_bytes {
        return Vec::new();
    }
    let mut out = vec![0; width * height * 3];
    for (index, block) in stored.chunks_exact(block_bytes).enumerate() {
        let (left, top) = (index % blocks_across * across, index / blocks_across * down);
        let (brightness, colors) = block.split_at(across * down);
        for (at, y) in brightness.iter().enumerate() {
            let (column, row) = (left + at % across, top + at / across);
            if column >= width || row >= height {
                continue;
            }
            let start = (row * width + column) * 3;
            if let (Some(pixel), [cb, cr]) = (out.get_mut(start..start + 3), colors) {
                pixel.copy_from_slice(&[*y, *cb, *cr]);
            }
        }
    }
    out
}
