//! Cuts tiles out of planes (the reference's `transforms.make_tiles` after `np.pad`).

use crate::parallel::*;
use cytoshade_core::Planes;
use cytoshade_core::tiling::{Tile, TileLayout, Tiling};

/// Cuts the tiles `which` out of the padded planes: the network's input, of shape [tiles, channels, tile height, tile
/// width].
pub fn cut(tile_layout: &TileLayout, planes: &Planes, which: &[Tile]) -> Vec<f32> {
    let Tiling { height, width, .. } = tile_layout.tiling;
    let mut cut = vec![0.0; which.len() * planes.channels() * height * width];
    // One task is one channel of one tile.
    cut.par_chunks_exact_mut((height * width).max(1)).enumerate().for_each(|(at, rows)| {
        let (tile, channel) = (&which[at / planes.channels()], at % planes.channels());
        for row in rows.chunks_exact_mut(width.max(1)).enumerate() {
            cut_row(tile_layout, planes, channel, tile, row);
        }
    });
    cut
}

fn cut_row(tile_layout: &TileLayout, planes: &Planes, channel: usize, tile: &Tile, (y, out): (usize, &mut [f32])) {
    let Tiling { height, width, .. } = tile_layout.tiling;
    let y = tile.y + if tile.flip_y { height - 1 - y } else { y };
    let Some(y) = y.checked_sub(tile_layout.pad_y.before).filter(|&y| y < planes.height()) else { return };
    let row = &planes.plane(channel)[y * planes.width()..][..planes.width()];
    // The part of the row that lies in the tile; the rest stays zero.
    let first = tile_layout.pad_x.before.saturating_sub(tile.x);
    let from = (tile.x + first).saturating_sub(tile_layout.pad_x.before);
    let count = planes.width().saturating_sub(from).min(width.saturating_sub(first));
    if count == 0 {
        return;
    }
    out[first..first + count].copy_from_slice(&row[from..from + count]);
    if tile.flip_x {
        out.reverse();
    }
}
