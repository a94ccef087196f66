//! Conversions from images of the crate `image`.

use image::DynamicImage;

use super::{Image, ImageView};
use crate::Error;

/// A view of the pixels, without alpha.
///
/// # Errors
/// [`Error::ImageTooSmall`] if a side is under 2 pixels, [`Error::PixelType`] for a pixel type that this version does
/// not read.
impl<'a> TryFrom<&'a DynamicImage> for ImageView<'a> {
    type Error = Error;

    fn try_from(image: &'a DynamicImage) -> Result<Self, Error> {
        let (height, width) = (image.height() as usize, image.width() as usize);
        match image {
            DynamicImage::ImageLuma8(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 1, 1),
            DynamicImage::ImageLumaA8(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 1, 2),
            DynamicImage::ImageRgb8(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 3, 3),
            DynamicImage::ImageRgba8(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 3, 4),
            DynamicImage::ImageLuma16(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 1, 1),
            DynamicImage::ImageLumaA16(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 1, 2),
            DynamicImage::ImageRgb16(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 3, 3),
            DynamicImage::ImageRgba16(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 3, 4),
            DynamicImage::ImageRgb32F(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 3, 3),
            DynamicImage::ImageRgba32F(pixels) => Self::interleaved_padded(pixels.as_raw(), height, width, 3, 4),
            other => Err(Error::PixelType { found: format!("{:?}", other.color()) }),
        }
    }
}

/// A copy of the pixels, planar and without alpha.
///
/// # Errors
/// As for [`ImageView`].
impl TryFrom<&DynamicImage> for Image {
    type Error = Error;

    fn try_from(image: &DynamicImage) -> Result<Self, Error> {
        Ok(ImageView::try_from(image)?.to_image())
    }
}

#[cfg(test)]
mod tests {
    use image::{ImageBuffer, LumaA, Rgb, Rgba};

    use super::*;
    use crate::Samples;

    #[test]
    fn pixels_lose_alpha_and_become_planar() {
        let rgba = DynamicImage::ImageRgba8(ImageBuffer::from_fn(3, 2, |x, y| {
            let at = (3 * y + x) as u8;
            Rgba([at, 10 + at, 20 + at, 255])
        }));
        let expected: Vec<u8> = (0..6).chain(10..16).chain(20..26).collect();
        let image = Image::try_from(&rgba).unwrap();
        assert_eq!(image, Image::new(expected, 3, 2, 3).unwrap());

        let grey = DynamicImage::ImageLumaA16(ImageBuffer::from_fn(3, 2, |x, y| LumaA([(1000 * y + x) as u16, 7])));
        let expected = Samples::U16(vec![0, 1, 2, 1000, 1001, 1002]);
        assert_eq!(Image::try_from(&grey).unwrap().samples(), &expected);

        let float = DynamicImage::ImageRgb32F(ImageBuffer::from_fn(2, 2, |x, y| Rgb([x as f32, y as f32, 0.5])));
        let view = ImageView::try_from(&float).unwrap();
        assert_eq!(view.to_planes(1).unwrap().as_slice(), [0.0, 0.0, 1.0, 1.0]);
        assert!(matches!(ImageView::try_from(&DynamicImage::new_rgb8(1, 5)), Err(Error::ImageTooSmall { .. })));
    }
}
