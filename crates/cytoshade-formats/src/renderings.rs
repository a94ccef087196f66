//! Pictures of cells and of the network's flows, for people.

use crate::flow_pictures;
use crate::limits::zeros;
use crate::outlines::mark_outlines;
use crate::overlay::{background, check_size, color, draw, stretches};
use crate::rgb::shrink_factor;
use crate::{Error, FlowView, Image, LabelView, RgbPicture};

/// Cellpose's red of outlines.
const RED: [u8; 3] = [255, 0, 0];

/// The image with each cell outlined and faintly filled in its color; see [`crate::write_overlay_png`].
///
/// # Errors
/// [`Error::Output`] if image and labels differ in size or are a stack, [`Error::Image`] if the image holds values that
/// are not finite, [`Error::Memory`].
pub fn overlay_picture<'a>(image: &Image, labels: impl Into<LabelView<'a>>) -> Result<RgbPicture, Error> {
    let (labels, mut pixels) = shown(image, labels.into())?;
    draw(&mut pixels, labels);
    Ok(RgbPicture::new(image.width(), image.height(), pixels))
}

/// The image with the outlines of the cells in red, as the reference's `plot.show_segmentation` draws them.
///
/// The intensities are those of [`overlay_picture`].
///
/// # Errors
/// As [`overlay_picture`].
pub fn outline_picture<'a>(image: &Image, labels: impl Into<LabelView<'a>>) -> Result<RgbPicture, Error> {
    let (labels, mut pixels) = shown(image, labels.into())?;
    let mut edges = zeros(pixels.len())?;
    mark_outlines(labels, &mut edges)?;
    pixels.iter_mut().zip(edges).filter(|(_, edge)| *edge != 0).for_each(|(pixel, _)| *pixel = RED);
    Ok(RgbPicture::new(image.width(), image.height(), pixels))
}

/// The plane of labels, and the image as RGB.
fn shown<'a>(image: &Image, labels: LabelView<'a>) -> Result<(LabelView<'a>, Vec<[u8; 3]>), Error> {
    let labels = labels.only_plane("a picture")?;
    check_size(image, labels)?;
    Ok((labels, background(image, &stretches(std::slice::from_ref(image))?)?))
}

/// The overlay at a fraction of its size, so that no side is above `max_side`; without an image on black.
///
/// The image is shrunk before the outlines are drawn, which therefore remain a pixel wide.
///
/// # Errors
/// As [`overlay_picture`].
pub fn overlay_thumbnail<'a>(
    image: Option<&Image>,
    labels: impl Into<LabelView<'a>>,
    max_side: usize,
) -> Result<RgbPicture, Error> {
    let labels = labels.into().only_plane("a picture")?;
    let (height, width) = (labels.height(), labels.width());
    let pixels = match image {
        Some(image) => shown(image, labels)?.1,
        None => zeros(labels.as_slice().len())?,
    };
    let mut small = RgbPicture::new(width, height, pixels).shrunk(max_side);
    let factor = shrink_factor([height, width], max_side);
    let center = |at: usize, side: usize| (at * factor + factor / 2).min(side.saturating_sub(1));
    let places = (0..small.height()).flat_map(|y| (0..small.width()).map(move |x| (y, x)));
    let label = |(y, x)| labels.as_slice().get(center(y, height) * width + center(x, width)).copied().unwrap_or(0);
    let sampled: Vec<u32> = places.map(label).collect();
    let sampled = LabelView::new(&sampled, None, small.height(), small.width());
    draw(small.pixels_mut(), sampled);
    Ok(small)
}

/// The cells in their colors on black. The colors are those of [`overlay_picture`].
///
/// # Errors
/// [`Error::Output`] for a stack, [`Error::Memory`].
pub fn label_picture<'a>(labels: impl Into<LabelView<'a>>) -> Result<RgbPicture, Error> {
    let labels = labels.into().only_plane("a picture")?;
    let mut pixels: Vec<[u8; 3]> = zeros(labels.as_slice().len())?;
    for (pixel, &label) in pixels.iter_mut().zip(labels.as_slice()).filter(|(_, label)| **label != 0) {
        *pixel = color(label).map(|part| part.round() as u8);
    }
    Ok(RgbPicture::new(labels.width(), labels.height(), pixels))
}

/// The flows of an image as colors: the hue is the direction, the brightness the length (`plot.dx_to_circ`).
///
/// # Errors
/// [`Error::Output`] for a stack.
pub fn flow_picture(flows: &FlowView<'_>) -> Result<RgbPicture, Error> {
    if flows.is_stack() {
        return Err(Error::Output { found: "flows of a stack".into(), expected: "flows of one image [Y, X]" });
    }
    let [_, height, width] = flows.size();
    Ok(RgbPicture::new(width, height, flow_pictures::colors(flows.channel(0), flows.channel(1))))
}

/// The overlays of the planes of a stack or a time series in a grid whose sides are at most about `max_side`.
///
/// `images` are the planes in the order of the labels' planes. Percentiles are those of all planes together, as in
/// [`crate::write_overlay_tiff`].
///
/// # Errors
/// As [`crate::write_overlay_tiff`].
pub fn overlay_montage<'a>(
    images: &[Image],
    labels: impl Into<LabelView<'a>>,
    max_side: usize,
) -> Result<RgbPicture, Error> {
    let labels = labels.into();
    let planes = labels.planes();
    if images.len() != planes.len() {
        return Err(Error::Output {
            found: format!("{} images and {} planes of labels", images.len(), planes.len()),
            expected: "an image for each plane",
        });
    }
    images.iter().try_for_each(|image| check_size(image, labels))?;
    let stretches = stretches(images)?;
    let overlays = images.iter().zip(planes).map(|(image, plane)| {
        let mut pixels = background(image, &stretches)?;
        draw(&mut pixels, plane.labels);
        Ok(RgbPicture::new(image.width(), image.height(), pixels))
    });
    RgbPicture::montage(overlays, max_side)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Labels;

    #[test]
    fn outlines_are_red_and_cells_keep_their_color() {
        let mut labels = vec![0; 49];
        for y in 1..6 {
            labels[y * 7 + 1..y * 7 + 6].fill(4);
        }
        let labels = Labels::new(labels, 7, 7).unwrap();
        let image = Image::new((0..49u8).collect(), 1, 7, 7).unwrap();
        let outlines = outline_picture(&image, &labels).unwrap();
        assert_eq!(outlines.pixels().iter().filter(|pixel| **pixel == RED).count(), 16);
        let inside = outlines.pixels()[3 * 7 + 3];
        assert!(inside[0] == inside[1] && inside[1] == inside[2], "gray inside: {inside:?}");
        let colors = label_picture(&labels).unwrap();
        assert_eq!(colors.pixels().iter().filter(|pixel| **pixel != [0; 3]).count(), 25);
        assert_eq!(colors.pixels()[8], color(4).map(|part| part.round() as u8));
        assert!(outline_picture(&image, &Labels::zeros(7, 8)).is_err());
        assert_eq!(overlay_thumbnail(Some(&image), &labels, 7).unwrap(), overlay_picture(&image, &labels).unwrap());
        let small = overlay_thumbnail(None, &labels, 4).unwrap();
        assert_eq!((small.width(), small.height()), (4, 4));
        // Rows and columns 1, 3, 5 and 6: a cell of 3 x 3 in a corner, with background on two of its sides.
        let full = small.pixels().iter().filter(|pixel| **pixel == color(4).map(|part| part.round() as u8)).count();
        assert_eq!(full, 5, "the outline beside the background");
    }

    #[test]
    fn a_montage_needs_an_image_for_each_plane() {
        let images = vec![Image::new(vec![3u8; 16], 1, 4, 4).unwrap(); 3];
        let labels = crate::LabelVolume::zeros(3, 4, 4);
        let montage = overlay_montage(&images, &labels, 64).unwrap();
        assert_eq!((montage.width(), montage.height()), (9, 9));
        assert!(overlay_montage(&images[1..], &labels, 64).is_err());
    }
}
