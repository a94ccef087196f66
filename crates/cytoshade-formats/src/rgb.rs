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

/// Width and height as u32, for image formats; `found` describes the picture in an error.
pub(crate) fn format_size([height, width]: [usize; 2], found: impl FnOnce() -> String) -> Result<(u32, u32), Error> {
    let side = |side| u32::try_from(side).ok().filter(|&side| side > 0);
    side(width)
        .zip(side(height))
        .ok_or_else(|| Error::Output { found: found(), expected: "sides of 1 to 4,294,967,295 pixels" })
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
        let found = || format!("a picture of {} x {} pixels", self.height, self.width);
        let size = format_size([self.height, self.width], found)?;
        png::write(&mut out, size, ColorType::Rgb, BitDepth::Eight, self.pixels.as_flattened())
    }

    /// The picture divided by a whole number, so that no side is above `max_side`.
    ///
    /// Each pixel is the mean of a square.
    pub fn shrunk(&self, max_side: usize) -> Self {
        self.divided(shrink_factor([self.height, self.width], max_side))
    }

    /// The means of squares of `factor` pixels, which are cut at the right and lower border.
    fn divided(&self, factor: usize) -> Self {
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

    /// Pictures in a grid about as wide as high, separated by white lines.
    ///
    /// Each is shrunk to at most `max_side` over the larger number of columns and rows, at least 1 pixel; the lines add
    /// to that. All pictures have the size of the first.
    ///
    /// # Errors
    /// The first error of `pictures`, and [`Error::Memory`].
    pub fn montage(
        pictures: impl ExactSizeIterator<Item = Result<Self, Error>>,
        max_side: usize,
    ) -> Result<Self, Error> {
        let count = pictures.len();
        let mut montage: Option<Montage> = None;
        for (index, picture) in pictures.enumerate() {
            let picture = picture?;
            match &mut montage {
                Some(montage) => montage.place(index, &picture),
                None => montage.insert(Montage::new(&picture, count, max_side)?).place(index, &picture),
            }
        }
        Ok(montage.map_or_else(|| Self::new(0, 0, Vec::new()), |montage| montage.grid))
    }
}

/// A grid of pictures of one size.
struct Montage {
    grid: RgbPicture,
    columns: usize,
    /// The divisor of the pictures' sides.
    factor: usize,
    /// Height and width of a picture in the grid.
    tile: [usize; 2],
}

impl Montage {
    /// A white grid for `count` pictures like the first.
    fn new(first: &RgbPicture, count: usize, max_side: usize) -> Result<Self, Error> {
        // As wide as high: columns * width = rows * height.
        let columns = ((count * first.height) as f64 / first.width.max(1) as f64).sqrt().round() as usize;
        let columns = columns.clamp(1, count.max(1));
        let rows = count.div_ceil(columns);
        let factor = shrink_factor([first.height, first.width], max_side / columns.max(rows));
        let tile = [first.height, first.width].map(|side| side.div_ceil(factor));
        let [height, width] = [rows * (tile[0] + 1) - 1, columns * (tile[1] + 1) - 1];
        let mut pixels: Vec<[u8; 3]> = zeros(width * height)?;
        pixels.fill([255; 3]);
        Ok(Self { grid: RgbPicture { width, height, pixels }, columns, factor, tile })
    }

    /// Draws the picture of an index, in reading order.
    fn place(&mut self, index: usize, picture: &RgbPicture) {
        let [height, width] = self.tile;
        let tile = picture.divided(self.factor);
        let (top, left) = (index / self.columns * (height + 1), index % self.columns * (width + 1));
        for (y, row) in tile.pixels.chunks_exact(tile.width.max(1)).enumerate().take(height) {
            let start = (top + y) * self.grid.width + left;
            let length = row.len().min(width);
            if let Some(target) = self.grid.pixels.get_mut(start..start + length) {
                target.copy_from_slice(&row[..length]);
            }
        }
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
        let columns = 10;
        assert!(small.width().max(small.height()) < 128 + columns, "{} x {}", small.width(), small.height());
        let tiny = RgbPicture::montage((0..16).map(|_| Ok(plain(5, 5, 1))), 3).unwrap();
        assert_eq!((tiny.width(), tiny.height()), (7, 7), "a pixel each");
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
