//! Cells drawn over their image, for a person to look at.

use std::io::Write;

use png::{BitDepth, ColorType};

use crate::{Error, Image, Labels, picture::png::write};

/// How much of a cell's colour is mixed into its inside.
const FILL: f32 = 0.18;

/// Below 1, so that pure blue does not sink into a dark background.
const SATURATION: f64 = 0.8;

/// Writes an 8-bit RGB PNG: the image stretched between its 1st and 99th percentile (one channel grey, else the first
/// three as red, green and blue) with each cell's outline in a bright colour of its own and a faint fill of it.
///
/// The outline are the cell's pixels beside a pixel (up, down, left, right) of another label.
///
/// # Errors
/// [`Error::Output`] where image and labels differ in size, [`Error::Image`] where the image holds values that are not
/// finite, [`Error::Write`].
pub fn write_overlay_png<W: Write>(out: W, image: &Image, labels: &Labels) -> Result<(), Error> {
    let size = crate::labels_size(labels)?;
    if (image.height(), image.width()) != (labels.height(), labels.width()) {
        return Err(Error::Output {
            found: format!(
                "an image of {} x {} and labels of {} x {} pixels (height x width)",
                image.height(),
                image.width(),
                labels.height(),
                labels.width()
            ),
            expected: "image and labels of one size",
        });
    }
    let mut pixels = background(image)?;
    draw(&mut pixels, labels);
    write(out, size, ColorType::Rgb, BitDepth::Eight, pixels.as_flattened())
}

/// The image as RGB.
fn background(image: &Image) -> Result<Vec<[u8; 3]>, Error> {
    let mut pixels = vec![[0; 3]; image.height() * image.width()];
    for channel in 0..image.channels().min(3) {
        let plane = image.to_planes(channel)?.into_vec();
        let (low, high) = percentiles(plane.clone());
        // A constant channel gives black, not a division by zero.
        let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
        for (pixel, value) in pixels.iter_mut().zip(plane) {
            // `as` saturates, and sends NaN (where high - low overflows) to 0.
            let grey = ((value - low) * scale).round() as u8;
            if image.channels() == 1 {
                *pixel = [grey; 3];
            } else if let Some(pixel) = pixel.get_mut(channel) {
                *pixel = grey;
            }
        }
    }
    Ok(pixels)
}

/// The 1st and 99th percentile, by nearest rank.
fn percentiles(mut values: Vec<f32>) -> (f32, f32) {
    let Some(last) = values.len().checked_sub(1) else { return (0.0, 0.0) };
    let rank = |part: f64| (last as f64 * part).round() as usize;
    let (_, low, _) = values.select_nth_unstable_by(rank(0.01), f32::total_cmp);
    let low = *low;
    let (_, high, _) = values.select_nth_unstable_by(rank(0.99), f32::total_cmp);
    (low, *high)
}

fn draw(pixels: &mut [[u8; 3]], labels: &Labels) {
    let (width, height) = (labels.width(), labels.height());
    let all = labels.as_slice();
    for (at, (pixel, &label)) in pixels.iter_mut().zip(all).enumerate() {
        if label == 0 {
            continue;
        }
        let (x, y) = (at % width, at / width);
        let differs = |exists: bool, other: usize| exists && all.get(other).is_some_and(|&other| other != label);
        let outline = differs(x > 0, at.wrapping_sub(1))
            || differs(x + 1 < width, at + 1)
            || differs(y > 0, at.wrapping_sub(width))
            || differs(y + 1 < height, at + width);
        let strength = if outline { 1.0 } else { FILL };
        for (value, part) in pixel.iter_mut().zip(color(label)) {
            *value = (f32::from(*value) * (1.0 - strength) + part * strength).round() as u8;
        }
    }
}

/// A bright colour. Steps of the golden ratio around the colour circle keep labels that follow each other, and so
/// neighbours, far apart.
pub(crate) fn color(label: u32) -> [f32; 3] {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let hue = (f64::from(label) * GOLDEN).fract() * 6.0;
    // At full value, each part is a trapezium over the circle.
    [5.0, 3.0, 1.0].map(|offset| {
        let k = (offset + hue) % 6.0;
        (255.0 * (1.0 - SATURATION * k.min(4.0 - k).clamp(0.0, 1.0))) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outlines_are_bright_and_insides_faint() {
        // A cell of 4 x 4 in the middle of 6 x 6, and one beside it that touches.
        let mut labels = vec![0; 36];
        for y in 1..5 {
            labels[y * 6 + 1..y * 6 + 5].fill(1);
        }
        labels[3 * 6 + 5] = 2;
        let labels = Labels::new(labels, 6, 6).unwrap();
        let mut pixels = vec![[0; 3]; 36];
        draw(&mut pixels, &labels);
        let full = |label| color(label).map(|part| part.round() as u8);
        assert_eq!(pixels[0], [0; 3]);
        assert_eq!(pixels[6 + 1], full(1));
        assert_eq!(pixels[3 * 6 + 4], full(1), "beside the other cell");
        assert_eq!(pixels[3 * 6 + 5], full(2));
        assert_ne!(pixels[2 * 6 + 2], full(1));
        assert_ne!(pixels[2 * 6 + 2], [0; 3]);
    }

    #[test]
    fn a_cell_that_fills_the_image_has_no_outline() {
        let mut pixels = vec![[0; 3]; 4];
        draw(&mut pixels, &Labels::new(vec![1; 4], 2, 2).unwrap());
        assert!(pixels.iter().all(|pixel| *pixel == pixels[0] && pixel.iter().all(|part| *part < 60)));
    }

    #[test]
    fn colors_are_bright_and_far_apart() {
        for label in 1..1000 {
            let (this, next) = (color(label), color(label + 1));
            assert!(this.contains(&255.0), "{this:?}");
            let apart: f32 = this.iter().zip(next).map(|(a, b)| (a - b).abs()).sum();
            assert!(apart > 160.0, "{label}: {this:?} {next:?}");
        }
    }

    #[test]
    fn stretch() {
        let grey = Image::new((0..=100u16).flat_map(|v| [v, v]).collect::<Vec<_>>(), 1, 101, 2).unwrap();
        let pixels = background(&grey).unwrap();
        assert_eq!((pixels[0], pixels[2], pixels[2 * 99], pixels[2 * 100]), ([0; 3], [0; 3], [255; 3], [255; 3]));
        assert!(pixels[2 * 50][0].abs_diff(128) < 3);

        let two = Image::new(vec![0u8, 9, 9, 9, 7, 7, 7, 7], 2, 2, 2).unwrap();
        assert_eq!(background(&two).unwrap(), [[0, 0, 0], [255, 0, 0], [255, 0, 0], [255, 0, 0]]);
    }
}
