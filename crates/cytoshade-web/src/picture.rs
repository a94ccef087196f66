//! Images as they come from a page.

use cytoshade::{Image, Sample};
use cytoshade_formats::{Labels, ReadOptions, read_bytes, write_overlay_png};
use js_sys::{
    Float32Array, Float64Array, Int8Array, Int16Array, Int32Array, Uint8Array, Uint8ClampedArray, Uint16Array,
    Uint32Array,
};
use wasm_bindgen::prelude::*;

use crate::failure::{failure, from_image};

/// One image, with all its channels.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Picture {
    pub(crate) image: Image,
    /// Images that its file holds.
    images: usize,
}

#[wasm_bindgen]
impl Picture {
    /// Image `index` (from 0) of the bytes of a TIFF, PNG, JPEG or NPY file.
    ///
    /// # Errors
    /// `image` where the file cannot be read, `option` where it has no such image.
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

    /// RGBA pixels as `ImageData` holds them; alpha is dropped.
    ///
    /// # Errors
    /// `image` where the number of values does not fit the sides.
    #[wasm_bindgen(js_name = fromRgba)]
    pub fn from_rgba(pixels: &[u8], height: usize, width: usize) -> Result<Picture, JsValue> {
        wrap(Image::from_rgba8(pixels, height, width))
    }

    /// Values of a typed array: planar, or all channels of a pixel side by side where `interleaved`.
    ///
    /// # Errors
    /// `image` for an array of another kind, and where the number of values does not fit the sides.
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
        Err(failure("image", "the image's data are not a typed array of 8 to 32-bit integers or of floats"))
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

    /// Images that its file holds; 1 where it came from no file.
    #[wasm_bindgen(getter)]
    pub fn images(&self) -> usize {
        self.images
    }

    /// A PNG to look at, each channel stretched between its 1st and 99th percentile: `channel` (from 1) in grey, or for
    /// 0 the first three channels as red, green and blue.
    ///
    /// # Errors
    /// `option` where there is no such channel, `image` for values that are not finite.
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
