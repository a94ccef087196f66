//! What JavaScript sees.

use cytoshade::{Control, Device, Image, LoadOptions, Model, Progress, Segmenter};
use cytoshade_formats::{ReadOptions, read_bytes};
use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::options;

/// A network made ready on a device.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Cytoshade {
    segmenter: Segmenter,
}

/// The cells of one image.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Found {
    labels: Vec<u32>,
    width: usize,
    height: usize,
    count: usize,
    milliseconds: f64,
}

#[wasm_bindgen]
impl Cytoshade {
    /// A network from the bytes of a model file. `backend` is `auto` (the default: WebGPU where there is one, else the
    /// CPU), `webgpu`, `cpu`, or `software` for a software adapter, as tests want it; `sha256` is the hash that the bytes must have.
    ///
    /// # Errors
    /// An `Error` whose message says what is wrong with the bytes or the device.
    #[wasm_bindgen(js_name = fromBytes)]
    pub async fn from_bytes(
        bytes: Vec<u8>,
        backend: Option<String>,
        sha256: Option<String>,
    ) -> Result<Cytoshade, JsError> {
        let device = match backend.as_deref() {
            None | Some("auto") => Device::Auto,
            Some("webgpu") => Device::Gpu,
            Some("cpu") => Device::Cpu,
            Some("software") => Device::Software,
            Some(_) => return Err(JsError::new("backend must be auto, webgpu, cpu or software")),
        };
        let sha256 = sha256.map(|text| text.parse()).transpose()?;
        let model = Model::from_bytes(&bytes, &LoadOptions { sha256, ..LoadOptions::default() })?;
        let segmenter = Segmenter::builder().device(device).build_async(&model).await?;
        Ok(Cytoshade { segmenter })
    }

    /// What it runs on, for people to read.
    #[wasm_bindgen(js_name = describeAdapter)]
    pub fn describe_adapter(&self) -> String {
        self.segmenter.device().to_string()
    }

    /// Segments RGBA pixels, as `ImageData` holds them. `options` may have `diameter`, `chan`, `chan2`,
    /// `flowThreshold`, `cellprobThreshold`, `minSize`, `augment`, `invert`; `onProgress(stage, done, total)` is called
    /// on the way.
    ///
    /// # Errors
    /// An `Error` whose message says what is wrong.
    pub async fn segment(
        &self,
        rgba: Vec<u8>,
        width: usize,
        height: usize,
        options: JsValue,
        on_progress: Option<Function>,
    ) -> Result<Found, JsError> {
        self.run(Image::from_rgba8(&rgba, height, width)?, &options, on_progress).await
    }

    /// Segments the first image in the bytes of a TIFF, PNG, JPEG or NPY file; otherwise as `segment`.
    ///
    /// # Errors
    /// An `Error` whose message says what is wrong.
    #[wasm_bindgen(js_name = segmentFile)]
    pub async fn segment_file(
        &self,
        bytes: Vec<u8>,
        options: JsValue,
        on_progress: Option<Function>,
    ) -> Result<Found, JsError> {
        let images = read_bytes(&bytes, &ReadOptions::default())?;
        let image = images.into_iter().next().ok_or_else(|| JsError::new("the file holds no image"))?;
        self.run(image, &options, on_progress).await
    }
}

impl Cytoshade {
    async fn run(&self, image: Image, options: &JsValue, on_progress: Option<Function>) -> Result<Found, JsError> {
        let params = options::params(options)?;
        let report = |progress: Progress| {
            if let Some(function) = &on_progress {
                let Progress { stage, done, total } = progress;
                // What a callback throws is the page's business.
                let _ = function.call3(&JsValue::NULL, &stage.name().into(), &done.into(), &total.into());
            }
        };
        let control = Control::new().progress(&report);
        let segmentation = self.segmenter.segment_async(&image, &params, &control).await?;
        Ok(Found {
            width: segmentation.labels.width(),
            height: segmentation.labels.height(),
            count: segmentation.cells(),
            milliseconds: segmentation.timings.total().as_secs_f64() * 1e3,
            labels: segmentation.labels.into_vec(),
        })
    }
}

#[wasm_bindgen]
impl Found {
    /// The labels, row by row: 0 is background, 1 to `count` are the cells.
    #[wasm_bindgen(getter)]
    pub fn masks(&self) -> Vec<u32> {
        self.labels.clone()
    }

    /// Width in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> usize {
        self.height
    }

    /// How many cells there are.
    #[wasm_bindgen(getter)]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Time spent in all stages.
    #[wasm_bindgen(getter)]
    pub fn milliseconds(&self) -> f64 {
        self.milliseconds
    }
}
