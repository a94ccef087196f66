//! Padding, tile positions and blending weights (the reference's `transforms.get_pad_yx`, `make_tiles`, `_taper_mask`).

/// Numbers of zeros before and after an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pad {
    /// Number of zeros before the axis.
    pub before: usize,
    /// Number of zeros after the axis.
    pub after: usize,
}

impl Pad {
    /// The padding of an axis of `length` pixels to the next multiple of `div`, and by `div` more, half of it on each
    /// side.
    pub fn new(length: usize, div: usize) -> Self {
        let fill = length.next_multiple_of(div) - length;
        Self { before: div / 2 + fill / 2, after: div / 2 + (fill - fill / 2) }
    }
}

/// The positions of the tiles in a padded plane, and their flips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiling {
    /// Height of every tile in pixels.
    pub height: usize,
    /// Width of every tile in pixels.
    pub width: usize,
    /// The tiles, row by row.
    pub tiles: Vec<Tile>,
}

/// One tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    /// First row in the padded plane.
    pub y: usize,
    /// First column in the padded plane.
    pub x: usize,
    /// Whether the tile is flipped along Y for the network, and back afterwards.
    pub flip_y: bool,
    /// Whether the tile is flipped along X for the network, and back afterwards.
    pub flip_x: bool,
}

impl Tiling {
    /// The tiles of a plane of `height` x `width` pixels, of side `bsize`, or of the plane's side if that is smaller.
    ///
    /// Neighbouring tiles overlap by the fraction `tile_overlap` of a tile, or more.
    pub fn new(height: usize, width: usize, bsize: usize, tile_overlap: f64) -> Self {
        let axis = |length: usize| {
            let side = bsize.min(length);
            let count = if length <= bsize {
                1
            } else {
                ((1.0 + 2.0 * tile_overlap) * length as f64 / bsize as f64).ceil() as usize
            };
            (side, starts(length - side, count))
        };
        let (tile_height, ys) = axis(height);
        let (tile_width, xs) = axis(width);
        Self::grid(tile_height, tile_width, &ys, &xs, false)
    }

    /// The tiles of test-time augmentation: of side `bsize` exactly, overlapping by half or more, every second one
    /// flipped along an axis. A plane smaller than a tile is padded with zeros at the bottom and on the right.
    pub fn augmented(height: usize, width: usize, bsize: usize) -> Self {
        let axis = |length: usize| {
            let length = length.max(bsize);
            let count = ((2.0 * length as f64 / bsize as f64).ceil() as usize).max(2);
            starts(length - bsize, count)
        };
        Self::grid(bsize, bsize, &axis(height), &axis(width), true)
    }

    fn grid(height: usize, width: usize, ys: &[usize], xs: &[usize], flip: bool) -> Self {
        let mut tiles = Vec::with_capacity(ys.len() * xs.len());
        for (j, &y) in ys.iter().enumerate() {
            for (i, &x) in xs.iter().enumerate() {
                // Odd columns are flipped along Y, odd rows along X, so that overlapping tiles differ.
                let flip_y = flip && i % 2 == 1;
                let flip_x = flip && j % 2 == 1;
                tiles.push(Tile { y, x, flip_y, flip_x });
            }
        }
        Self { height, width, tiles }
    }
}

/// The cut of planes into tiles: the padding around the planes and the positions of the tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileLayout {
    /// Padding above and below.
    pub pad_y: Pad,
    /// Padding on the left and right.
    pub pad_x: Pad,
    /// The tiles of the padded planes.
    pub tiling: Tiling,
}

impl TileLayout {
    /// The layout of planes of `height` x `width` pixels.
    ///
    /// Sides are padded to a multiple of `multiple`. `bsize`, `tile_overlap` and `augment` are those of
    /// [`Params`](crate::Params).
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
}

/// numpy's `linspace(0, last, count).astype(int)`.
fn starts(last: usize, count: usize) -> Vec<usize> {
    if count <= 1 {
        return vec![0];
    }
    let step = last as f64 / (count - 1) as f64;
    (0..count).map(|i| if i + 1 == count { last } else { (i as f64 * step) as usize }).collect()
}

/// The blending weights of a tile of `height` x `width` pixels: (weights of the rows, weights of the columns).
///
/// The weight of a pixel is the product of both. Each is a sigmoid from 0 to 1 with a scale of 7.5 pixels, which falls
/// to 1/2 at 20 pixels from the edges. A tile of under 224 pixels takes the middle of the weights for 224 pixels.
pub fn taper(height: usize, width: usize) -> (Vec<f64>, Vec<f64>) {
    let side = height.max(width).max(224);
    let mean = (side - 1) as f64 / 2.0;
    let full: Vec<f64> =
        (0..side).map(|i| 1.0 / (1.0 + (((i as f64 - mean).abs() - (side as f64 / 2.0 - 20.0)) / 7.5).exp())).collect();
    let cut = |length: usize| full[side / 2 - length / 2..][..length].to_vec();
    (cut(height), cut(width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_of_a_plane_is_in_a_tile() {
        for (height, width) in [(16, 16), (240, 224), (240, 500), (1000, 32), (223, 225)] {
            for (overlap, bsize) in [(0.05, 224), (0.1, 64), (0.5, 224)] {
                let tiling = Tiling::new(height, width, bsize, overlap);
                assert_covered(&tiling, height, width);
            }
            assert_covered(&Tiling::augmented(height, width, 224), height, width);
        }
    }

    fn assert_covered(tiling: &Tiling, height: usize, width: usize) {
        let mut seen = vec![false; height * width];
        for tile in &tiling.tiles {
            for y in tile.y..(tile.y + tiling.height).min(height) {
                for x in tile.x..(tile.x + tiling.width).min(width) {
                    seen[y * width + x] = true;
                }
            }
        }
        assert!(seen.iter().all(|&seen| seen), "{height} x {width}: {tiling:?}");
    }

    #[test]
    fn padding_is_a_multiple_and_at_least_half_of_it_on_each_side() {
        for length in 1..600 {
            let pad = Pad::new(length, 16);
            assert_eq!((length + pad.before + pad.after) % 16, 0);
            assert!(pad.before >= 8 && pad.after >= 8 && pad.after - pad.before <= 1);
        }
    }

    #[test]
    fn taper_is_symmetric_and_largest_in_the_middle() {
        let (rows, columns) = taper(112, 224);
        assert_eq!((rows.len(), columns.len()), (112, 224));
        for (a, b) in columns.iter().zip(columns.iter().rev()) {
            assert!((a - b).abs() < 1e-12);
        }
        assert!(columns[112] > columns[0] && columns[0] > 0.0);
    }
}
