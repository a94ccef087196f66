//! Images from files, pixels and typed arrays of a page.

use cytoshade::{Image, Sample};
use cytoshade_formats::{Labels, ReadOptions, read_bytes, write_overlay_png};
use js_sys::{
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Uint8Array, Uint8ClampedArray, Uint16Array,
    Uint32Array,
};
use wasm_bindgen::prelude::*;

use crate::failure::{failure, from_image};

/// An image with all its channels.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Picture {
    pub(crate) image: Image,
    /// Number of images in the file.
    images: usize,
}

#[wasm_bindgen]
impl Picture {
    /// Decodes image `index` (from 0) of a TIFF, PNG, JPEG or NPY file.
    ///
    /// # Errors
    /// `image` if the file cannot be read; `option` if the index is out of range.
    #[wasm_bindgen(js_name = fromFile)]
    pub fn from_file(bytes: &[u8], index: usize) -> Result<Picture, JsValue> {
        let mut all = read_bytes(bytes, &ReadOptions::default()).map_err(|error| from_image(&error))?;
        let images = all.len();
        if index >= images {
            return Err(failure(
                "option",
                &format!("the file holds {images} images; there is no image {index} (from 0)"),
            ));
        }
        Ok(Picture { image: all.swap_remove(index), images })
    }

    /// An image from RGBA pixels in the layout of `ImageData`; drops alpha.
    ///
    /// # Errors
    /// `image` if the number of values does not match the sides.
    #[wasm_bindgen(js_name = fromRgba)]
    pub fn from_rgba(pixels: &[u8], height: usize, width: usize) -> Result<Picture, JsValue> {
        wrap(Image::from_rgba8(pixels, height, width))
    }

    /// An image from a typed array: [channels, height, width], or [height, width, channels] if `interleaved`.
    ///
    /// # Errors
    /// `image` for another type of array, and if the number of values does not match the shape.
    #[wasm_bindgen(js_name = fromArray)]
    pub fn from_array(
        values: &JsValue,
        channels: usize,
        height: usize,
        width: usize,
        interleaved: bool,
    ) -> Result<Picture, JsValue> {
        let shape = Shape { channels, height, width, interleaved };
        macro_rules! one_of {
            ($($array:ident),*) => { $(
                if let Some(values) = values.dyn_ref::<$array>() {
                    return shape.image(values.to_vec());
                }
            )* };
        }
        one_of!(Uint8Array, Uint8ClampedArray, Uint16Array, Float32Array, Uint32Array, Float64Array);
        one_of!(Int8Array, Int16Array, Int32Array);
        Err(failure("image", "the image's data must be a typed array of 8 to 32-bit integers or floats"))
    }

    /// Number of channels.
    #[wasm_bindgen(getter)]
    pub fn channels(&self) -> usize {
        self.image.channels()
    }

    /// Height in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> usize {
        self.image.height()
    }

    /// Width in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.image.width()
    }

    /// Number of images in the file; 1 for images from memory.
    #[wasm_bindgen(getter)]
    pub fn images(&self) -> usize {
        self.images
    }

    /// A PNG for display: `channel` (from 1) in grey, or for 0 the first three channels as red, green and blue.
    ///
    /// Each channel is stretched between its 1st and 99th percentile.
    ///
    /// # Errors
    /// `option` if the channel is out of range; `image` for values that are not finite.
    pub fn preview(&self, channel: usize) -> Result<Vec<u8>, JsValue> {
        let (height, width) = (self.height(), self.width());
        let refuse = |error: cytoshade::errors::CoreError| crate::failure::from_error(&error.into());
        let one = match channel {
            0 => None,
            _ if channel > self.channels() => {
                let channels = self.channels();
                return Err(failure(
                    "option",
                    &format!("the image has {channels} channels; there is no channel {channel}"),
                ));
            }
            _ => {
                let plane = self.image.to_planes(channel - 1).map_err(refuse)?;
                Some(Image::new(plane.into_vec(), 1, height, width).map_err(refuse)?)
            }
        };
        let mut png = Vec::new();
        write_overlay_png(&mut png, one.as_ref().unwrap_or(&self.image), &Labels::zeros(height, width))
            .map_err(|error| from_image(&error))?;
        Ok(png)
    }
}

struct Shape {
    channels: usize,
    height: usize,
    width: usize,
    interleaved: bool,
}

impl Shape {
    fn image<T: Sample>(&self, values: Vec<T>) -> Result<Picture, JsValue> {
        let Self { channels, height, width, interleaved } = *self;
        wrap(if interleaved {
            Image::interleaved(&values, height, width, channels)
        } else {
            Image::new(values, channels, height, width)
        })
    }
}

fn wrap(image: Result<Image, cytoshade::errors::CoreError>) -> Result<Picture, JsValue> {
    let image = image.map_err(|error| crate::failure::from_error(&error.into()))?;
    Ok(Picture { image, images: 1 })
}
