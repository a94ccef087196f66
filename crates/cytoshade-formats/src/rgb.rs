//! Pictures in memory.

use std::io::Write;

use ::png::{BitDepth, ColorType};

use crate::Error;
use crate::limits::zeros;
use crate::picture::png;

/// The whole number by which the sides of a picture are divided so that none is above `max_side`.
pub(crate) fn shrink_factor([height, width]: [usize; 2], max_side: usize) -> usize {
    width.max(height).div_ceil(max_side.max(1)).max(1)
}

/// An 8-bit RGB picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RgbPicture {
    width: usize,
    height: usize,
    pixels: Vec<[u8; 3]>,
}

impl RgbPicture {
    /// A picture of pixels row by row; missing pixels are black, and surplus ones are dropped.
    pub fn new(width: usize, height: usize, mut pixels: Vec<[u8; 3]>) -> Self {
        pixels.resize(width.saturating_mul(height), [0; 3]);
        Self { width, height, pixels }
    }

    /// Width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The pixels, row by row.
    pub fn pixels(&self) -> &[[u8; 3]] {
        &self.pixels
    }

    /// The pixels, row by row, to be changed.
    pub fn pixels_mut(&mut self) -> &mut [[u8; 3]] {
        &mut self.pixels
    }

    /// Writes a PNG.
    ///
    /// # Errors
    /// [`Error::Write`]; [`Error::Output`] for a picture without pixels.
    pub fn write_png<W: Write>(&self, mut out: W) -> Result<(), Error> {
        let side = |side| u32::try_from(side).ok().filter(|&side| side > 0);
        let size = side(self.width).zip(side(self.height)).ok_or_else(|| Error::Output {
            found: format!("a picture of {} x {} pixels", self.height, self.width),
            expected: "sides of 1 to 4,294,967,295 pixels",
        })?;
        png::write(&mut out, size, ColorType::Rgb, BitDepth::Eight, self.pixels.as_flattened())
    }

    /// The picture at a whole fraction of its size, so that no side is above `max_side`: each pixel is the mean of a square.
    pub fn shrunk(&self, max_side: usize) -> Self {
        let factor = shrink_factor([self.height, self.width], max_side);
        if factor == 1 {
            return self.clone();
        }
        let (width, height) = (self.width.div_ceil(factor), self.height.div_ceil(factor));
        let mean = |y: usize, x: usize| {
            let rows = y * factor..((y + 1) * factor).min(self.height);
            let columns = x * factor..((x + 1) * factor).min(self.width);
            let count = (rows.len() * columns.len()) as u64;
            let square = rows.flat_map(|row| {
                self.pixels.get(row * self.width + columns.start..row * self.width + columns.end).unwrap_or_default()
            });
            let sums = square.fold([0u64; 3], |sums, pixel| [0, 1, 2].map(|part| sums[part] + u64::from(pixel[part])));
            sums.map(|sum| ((sum + count / 2) / count.max(1)) as u8)
        };
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).map(|(y, x)| mean(y, x)).collect();
        Self { width, height, pixels }
    }

    /// Pictures side by side in a grid that is about as wide as high, each at a fraction of its size so that no side of the
    /// grid is above `max_side`. A white line separates them.
    ///
    /// All pictures have the size of the first.
    ///
    /// # Errors
    /// The first error of `pictures`, and [`Error::Memory`].
    pub fn montage(
        pictures: impl ExactSizeIterator<Item = Result<Self, Error>>,
        max_side: usize,
    ) -> Result<Self, Error> {
        let count = pictures.len();
        let mut grid: Option<(Self, usize)> = None;
        for (index, picture) in pictures.enumerate() {
            let picture = picture?;
            let (montage, columns) = match &mut grid {
                Some(grid) => grid,
                None => grid.insert(Self::empty_grid(&picture, count, max_side)?),
            };
            let rows = count.div_ceil(*columns);
            let side = |length: usize, parts: usize| (length + 1) / parts - 1;
            let (width, height) = (side(montage.width, *columns), side(montage.height, rows));
            let tile = picture.shrunk(width.max(height));
            let (top, left) = (index / *columns * (height + 1), index % *columns * (width + 1));
            for (y, row) in tile.pixels.chunks_exact(tile.width.max(1)).enumerate().take(height) {
                let start = (top + y) * montage.width + left;
                let length = row.len().min(width);
                if let Some(target) = montage.pixels.get_mut(start..start + length) {
                    target.copy_from_slice(&row[..length]);
                }
            }
        }
        Ok(grid.map_or_else(|| Self::new(0, 0, Vec::new()), |grid| grid.0))
    }

    /// A white picture with room for `count` tiles like the first, and its number of columns.
    fn empty_grid(first: &Self, count: usize, max_side: usize) -> Result<(Self, usize), Error> {
        // As wide as high: columns * width = rows * height.
        let columns = ((count * first.height) as f64 / first.width.max(1) as f64).sqrt().round() as usize;
        let columns = columns.clamp(1, count.max(1));
        let parts = columns.max(count.div_ceil(columns));
        let tile = first.shrunk((max_side / parts).max(1));
        let width = columns * (tile.width + 1) - 1;
        let height = count.div_ceil(columns) * (tile.height + 1) - 1;
        let mut pixels: Vec<[u8; 3]> = zeros(width * height)?;
        pixels.fill([255; 3]);
        Ok((Self { width, height, pixels }, columns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(width: usize, height: usize, value: u8) -> RgbPicture {
        RgbPicture::new(width, height, vec![[value; 3]; width * height])
    }

    #[test]
    fn a_shrunk_picture_has_the_means_of_squares() {
        let pixels = (0..15u8).map(|at| [at, 0, 255]).collect();
        let small = RgbPicture::new(5, 3, pixels).shrunk(3);
        assert_eq!((small.width(), small.height()), (3, 2));
        // Squares: 0 1 5 6, 2 3 7 8, 4 9; 10 11, 12 13, 14. Means end in a half, or are exact.
        assert_eq!(small.pixels().iter().map(|pixel| pixel[0]).collect::<Vec<_>>(), [3, 5, 7, 11, 13, 14]);
        assert!(small.pixels().iter().all(|pixel| pixel[1..] == [0, 255]));
        assert_eq!(plain(4, 2, 9).shrunk(4), plain(4, 2, 9));
    }

    #[test]
    fn a_montage_has_every_picture_in_reading_order() {
        let pictures: Vec<_> = (1..=5).map(|value| Ok(plain(4, 4, value * 10))).collect();
        let montage = RgbPicture::montage(pictures.into_iter(), 100).unwrap();
        // Two columns and three rows.
        assert_eq!((montage.width(), montage.height()), (9, 14));
        let at = |y: usize, x: usize| montage.pixels()[y * 9 + x][0];
        assert_eq!([at(0, 0), at(3, 8), at(5, 0), at(5, 5), at(13, 3)], [10, 20, 30, 40, 50]);
        assert_eq!([at(4, 0), at(0, 4), at(13, 8)], [255, 255, 255], "lines and the place without a picture");
        let small = RgbPicture::montage((0..100).map(|_| Ok(plain(64, 64, 1))), 128).unwrap();
        assert!(small.width().max(small.height()) <= 140, "{} x {}", small.width(), small.height());
        assert_eq!(RgbPicture::montage(std::iter::empty(), 10).unwrap().pixels(), [[0; 3]; 0]);
    }

    #[test]
    fn a_picture_is_written_as_png() {
        let mut file = Vec::new();
        plain(3, 2, 7).write_png(&mut file).unwrap();
        let images = crate::read_bytes(&file, &crate::ReadOptions::default()).unwrap();
        assert_eq!((images[0].channels(), images[0].height(), images[0].width()), (3, 2, 3));
        assert!(plain(0, 3, 1).write_png(&mut file).is_err());
    }
}
