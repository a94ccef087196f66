//! A network made ready, and images through it.

use std::cell::RefCell;

use cytoshade::errors::GpuError;
use cytoshade::{
    AdapterKind, Cancel, Control, Device, DeviceInfo, Error, LoadOptions, Model, Precision, Progress, Segmenter,
    SegmenterBuilder, Sha256, SizeModel,
};
use js_sys::Function;
use wasm_bindgen::prelude::*;

use crate::failure::{failure, from_error};
use crate::options;
use crate::picture::Picture;
use crate::result::SegmentationResult;
use crate::tiles::Workers;

/// The SHA-256 of some bytes, in hexadecimal digits. A page that is no secure context has no other.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).to_string()
}

/// Lets a panic end as a JavaScript error that says what it was, rather than as `unreachable`.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
}

/// A network made ready on a device.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Engine {
    segmenter: Segmenter,
    precision: Precision,
    diameter: f32,
    /// Whether there is a size model.
    estimates: bool,
    cancel: RefCell<Cancel>,
}

#[wasm_bindgen]
impl Engine {
    /// A network from the bytes of a model file, and the size model that belongs to it, if any, from those of its file.
    ///
    /// `precision` (`f32` or `f16`) is what a GPU stores activations in; `f32` everywhere where it does not offer `f16`.
    /// `backend` is `auto` (WebGPU on a true GPU, else the CPU), `webgpu` (a software adapter too) or `cpu`. `call` has one
    /// of `workers` workers do something, by its name and its arguments: a promise of two arrays. It is called where the
    /// CPU does the work, with `run` and what [`TileNetwork::run`](crate::tiles::TileNetwork::run) takes, and with
    /// `followFlows` and what that takes where there are several workers.
    ///
    /// # Errors
    /// `model`, `no-webgpu`, `device-lost`, `out-of-memory`, `option`.
    pub async fn open(
        bytes: Vec<u8>,
        size_model: Option<Vec<u8>>,
        backend: String,
        precision: String,
        call: Function,
        workers: usize,
    ) -> Result<Engine, JsValue> {
        let wanted = options::precision(&precision)?;
        let options = LoadOptions::default();
        let model = Model::from_bytes(&bytes, &options).map_err(|error| from_error(&error))?;
        drop(bytes);
        let mut builder = Segmenter::builder(&model);
        let estimates = size_model.is_some();
        if let Some(size_model) = size_model {
            let size_model = SizeModel::from_bytes(&size_model, &options);
            builder = builder.size_model(size_model.map_err(|error| from_error(&error.into()))?);
        }
        let elsewhere = || {
            let workers = Workers::new(call, workers, model.network().description().outputs.count);
            let made = builder.clone().build_remote(Box::new(workers));
            made.map(|segmenter| (segmenter, Precision::F32))
        };
        let on_gpu = |device| on_gpu(&builder, device, wanted);
        let made = match backend.as_str() {
            "cpu" => elsewhere(),
            "auto" => match on_gpu(Device::Gpu).await {
                // Whatever keeps a GPU from doing it, the CPU can do the work.
                Err(Error::Gpu(_)) => elsewhere(),
                result => result,
            },
            "webgpu" => match on_gpu(Device::Gpu).await {
                Err(Error::Gpu(GpuError::NoAdapter { .. })) => on_gpu(Device::Software).await,
                result => result,
            },
            _ => return Err(failure("option", &format!("backend is {backend:?}; it must be auto, webgpu or cpu"))),
        };
        let (segmenter, precision) = made.map_err(|error| from_error(&error))?;
        let diameter = model.network().diam_labels();
        Ok(Engine { segmenter, precision, diameter, estimates, cancel: RefCell::default() })
    }

    /// `webgpu` or `cpu`.
    #[wasm_bindgen(getter)]
    pub fn backend(&self) -> String {
        if matches!(self.segmenter.device(), DeviceInfo::Gpu(_)) { "webgpu" } else { "cpu" }.into()
    }

    /// Whether it runs on an adapter that is a program on the processor.
    #[wasm_bindgen(getter)]
    pub fn software(&self) -> bool {
        matches!(self.segmenter.device(), DeviceInfo::Gpu(info) if info.kind == AdapterKind::Software)
    }

    /// What activations are stored in: `f32` or `f16`.
    #[wasm_bindgen(getter)]
    pub fn precision(&self) -> String {
        self.precision.name().into()
    }

    /// The diameter that the network was made for, in pixels: what is taken where none is given.
    #[wasm_bindgen(getter)]
    pub fn diameter(&self) -> f32 {
        self.diameter
    }

    /// What it runs on, for people to read.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> String {
        self.segmenter.device().to_string()
    }

    /// Segments a picture. `options` are the package's `SegmentOptions`; `progress(stage, done, total)` is called on the
    /// way.
    ///
    /// # Errors
    /// `option`, `image`, `aborted` after [`Engine::cancel`], `device-lost`, `out-of-memory`.
    pub async fn segment(
        &self,
        picture: &Picture,
        options: JsValue,
        progress: Function,
    ) -> Result<SegmentationResult, JsValue> {
        let params = options::params(&options, self.estimates)?;
        let report = |Progress { stage, done, total, .. }: Progress| {
            // What a callback throws is its own business.
            let _ = progress.call3(&JsValue::NULL, &stage.name().into(), &done.into(), &total.into());
        };
        let cancel = Cancel::new();
        self.cancel.replace(cancel.clone());
        let control = Control::new().progress(&report).cancel(&cancel);
        let segmentation = self.segmenter.segment_with_async(&picture.image, &params, &control).await;
        Ok(segmentation.map_err(|error| from_error(&error))?.into())
    }

    /// Stops the segmentation that is running.
    pub fn cancel(&self) {
        self.cancel.borrow().cancel();
    }
}

/// A segmenter on a GPU, and what it stores activations in: `f32` where the GPU does not offer the `f16` that was wanted.
async fn on_gpu(
    builder: &SegmenterBuilder,
    device: Device,
    wanted: Precision,
) -> Result<(Segmenter, Precision), Error> {
    let mut precision = wanted;
    loop {
        match builder.clone().device(device).precision(precision).build_async().await {
            Err(Error::Gpu(GpuError::NoF16 { .. })) if precision == Precision::F16 => precision = Precision::F32,
            made => return Ok((made?, precision)),
        }
    }
}
