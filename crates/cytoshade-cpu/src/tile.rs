//! Cutting tiles out of planes (the reference's `transforms.make_tiles` after `np.pad`).

use cytoshade_core::Planes;
use cytoshade_core::tiling::{Pad, Tile, Tiling};

/// How the planes of one image become tiles: the padding around them and the places of the tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cutting {
    /// Zeros above and below.
    pub pad_y: Pad,
    /// Zeros left and right.
    pub pad_x: Pad,
    /// Tiles in the padded planes.
    pub tiling: Tiling,
}

impl Cutting {
    /// The cutting of planes of `height` x `width` pixels, whose sides are padded to a multiple of `multiple` (16 in
    /// the reference).
    pub fn new(height: usize, width: usize, multiple: usize, bsize: usize, tile_overlap: f64, augment: bool) -> Self {
        let (pad_y, pad_x) = (Pad::new(height, multiple), Pad::new(width, multiple));
        let padded = (height + pad_y.before + pad_y.after, width + pad_x.before + pad_x.after);
        let tiling = if augment {
            Tiling::augmented(padded.0, padded.1, bsize)
        } else {
            Tiling::new(padded.0, padded.1, bsize, tile_overlap)
        };
        Self { pad_y, pad_x, tiling }
    }

    /// The tiles `which`, as the network sees them: [tiles, channels, tile height, tile width].
    pub fn cut(&self, planes: &Planes, which: &[Tile]) -> Vec<f32> {
        let Tiling { height, width, .. } = self.tiling;
        let mut cut = vec![0.0; which.len() * planes.channels() * height * width];
        let mut rows = cut.chunks_exact_mut(width.max(1));
        for tile in which {
            for channel in 0..planes.channels() {
                for row in rows.by_ref().take(height).enumerate() {
                    self.row(planes, channel, tile, row);
                }
            }
        }
        cut
    }

    fn row(&self, planes: &Planes, channel: usize, tile: &Tile, (y, out): (usize, &mut [f32])) {
        let Tiling { height, width, .. } = self.tiling;
        let y = tile.y + if tile.flip_y { height - 1 - y } else { y };
        let Some(y) = y.checked_sub(self.pad_y.before).filter(|&y| y < planes.height()) else { return };
        let row = &planes.plane(channel)[y * planes.width()..][..planes.width()];
        // The part of the row that lies in the tile; the rest stays zero.
        let first = self.pad_x.before.saturating_sub(tile.x);
        let from = (tile.x + first).saturating_sub(self.pad_x.before);
        let count = planes.width().saturating_sub(from).min(width.saturating_sub(first));
        if count == 0 {
            return;
        }
        out[first..first + count].copy_from_slice(&row[from..from + count]);
        if tile.flip_x {
            out.reverse();
        }
    }
}
