//! Overlays: the cells drawn over their image.

use std::io::{Seek, Write};

use cytoshade_core::percentile::percentile;

use crate::limits::{reserve, zeros};
use crate::renderings::overlay_picture;
use crate::{Error, Image, LabelView, tiff};

/// Opacity of a cell's color inside the cell.
const FILL: f32 = 0.18;

/// Below 1, so that pure blue stays visible on a dark background.
const SATURATION: f64 = 0.8;

/// Writes an 8-bit RGB PNG: the image, with each cell outlined and faintly filled in its color.
///
/// Each channel is stretched between its 1st and 99th percentile. A single channel is gray; of several, the first three
/// are red, green and blue. The outline of a cell consists of its pixels with a neighbor (up, down, left, right) of
/// another label.
///
/// # Errors
/// [`Error::Output`] if image and labels differ in size, [`Error::Image`] if the image holds values that are not
/// finite, [`Error::Write`], [`Error::Memory`].
pub fn write_overlay_png<'a, W: Write>(out: W, image: &Image, labels: impl Into<LabelView<'a>>) -> Result<(), Error> {
    let labels = labels.into().only_plane("PNG")?;
    labels.picture_size()?;
    overlay_picture(image, labels)?.write_png(out)
}

/// Writes the overlays of a stack or a time series as a TIFF with one 8-bit RGB page per plane.
///
/// `images` are the planes in the order of the labels' planes. Percentiles are those of all planes together, so that
/// brightness is comparable; otherwise like [`write_overlay_png`].
///
/// # Errors
/// As [`write_overlay_png`]; [`Error::Output`] also if the numbers of images and of planes differ.
pub fn write_overlay_tiff<'a, W: Write + Seek>(
    out: W,
    images: &[Image],
    labels: impl Into<LabelView<'a>>,
) -> Result<(), Error> {
    let labels = labels.into();
    let size = labels.picture_size()?;
    let planes = labels.planes().len();
    if images.len() != planes {
        return Err(Error::Output {
            found: format!("{} images and {planes} planes of labels", images.len()),
            expected: "an image for each plane",
        });
    }
    images.iter().try_for_each(|image| check_size(image, labels))?;
    let stretches = stretches(images)?;
    let pages = images.iter().zip(labels.planes()).map(|(image, plane)| {
        let mut pixels = background(image, &stretches)?;
        draw(&mut pixels, plane.labels);
        Ok(pixels)
    });
    tiff::write_rgb_pages(out, size, pages)
}

pub(crate) fn check_size(image: &Image, labels: LabelView<'_>) -> Result<(), Error> {
    let ([h, w], [height, width]) = ([image.height(), image.width()], [labels.height(), labels.width()]);
    if [h, w] == [height, width] {
        return Ok(());
    }
    Err(Error::Output {
        found: format!("an image of {h} x {w} and labels of {height} x {width} pixels (height x width)"),
        expected: "image and labels of one size",
    })
}

/// The values of a channel that map to black and white.
pub(crate) type Stretch = (f32, f32);

/// The 1st and 99th percentile of each displayed channel, over all images.
pub(crate) fn stretches(images: &[Image]) -> Result<Vec<Stretch>, Error> {
    let channels = images.iter().map(Image::channels).min().unwrap_or(0).min(3);
    (0..channels)
        .map(|channel| {
            let mut values = reserve(images.iter().map(|image| image.height() * image.width()).sum())?;
            for image in images {
                values.extend_from_slice(image.to_planes(channel)?.as_slice());
            }
            Ok((percentile(&mut values, 1.0), percentile(&mut values, 99.0)))
        })
        .collect()
}

/// The image as RGB.
pub(crate) fn background(image: &Image, stretches: &[Stretch]) -> Result<Vec<[u8; 3]>, Error> {
    let mut pixels: Vec<[u8; 3]> = zeros(image.height() * image.width())?;
    for (channel, &(low, high)) in stretches.iter().enumerate() {
        let plane = image.to_planes(channel)?.into_vec();
        // A constant channel becomes black.
        let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
        for (pixel, value) in pixels.iter_mut().zip(plane) {
            // `as` saturates, and turns NaN (from high - low that overflows) into 0.
            let gray = ((value - low) * scale).round() as u8;
            if image.channels() == 1 {
                *pixel = [gray; 3];
            } else if let Some(pixel) = pixel.get_mut(channel) {
                *pixel = gray;
            }
        }
    }
    Ok(pixels)
}

pub(crate) fn draw(pixels: &mut [[u8; 3]], labels: LabelView<'_>) {
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

/// A bright color.
///
/// Steps of the golden ratio around the color circle separate consecutive labels, which are often neighbors.
pub(crate) fn color(label: u32) -> [f32; 3] {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let hue = (f64::from(label) * GOLDEN).fract() * 6.0;
    // At full value, each part is a trapezoid over the circle.
    [5.0, 3.0, 1.0].map(|offset| {
        let k = (offset + hue) % 6.0;
        (255.0 * (1.0 - SATURATION * k.min(4.0 - k).clamp(0.0, 1.0))) as f32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;

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
        draw(&mut pixels, (&labels).into());
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
        draw(&mut pixels, (&Labels::new(vec![1; 4], 2, 2).unwrap()).into());
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

    /// An image as displayed alone.
    fn shown(image: &Image) -> Vec<[u8; 3]> {
        background(image, &stretches(std::slice::from_ref(image)).unwrap()).unwrap()
    }

    #[test]
    fn stretch() {
        let grey = Image::new((0..=100u16).flat_map(|v| [v, v]).collect::<Vec<_>>(), 1, 101, 2).unwrap();
        let pixels = shown(&grey);
        assert_eq!((pixels[0], pixels[2], pixels[2 * 99], pixels[2 * 100]), ([0; 3], [0; 3], [255; 3], [255; 3]));
        assert!(pixels[2 * 50][0].abs_diff(128) < 3);

        let two = Image::new(vec![0u8, 9, 9, 9, 7, 7, 7, 7], 2, 2, 2).unwrap();
        assert_eq!(shown(&two), [[0, 0, 0], [255, 0, 0], [255, 0, 0], [255, 0, 0]]);
    }
}
