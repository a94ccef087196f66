//! The engine: a network on a device, and the segmentation of images.

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

/// The SHA-256 of bytes in hexadecimal digits, for pages without a secure context, which lack `crypto.subtle`.
#[wasm_bindgen]
pub fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).to_string()
}

/// Throws panics as JavaScript errors with their message; by default they are a bare `unreachable`.
#[wasm_bindgen(start)]
fn start() {
    std::panic::set_hook(Box::new(|panic| wasm_bindgen::throw_str(&panic.to_string())));
}

/// A network on a device.
#[derive(Debug)]
#[wasm_bindgen]
pub struct Engine {
    segmenter: Segmenter,
    precision: Precision,
    diameter: f32,
    /// True if a size model is loaded.
    estimates: bool,
    /// The error of a GPU that the CPU replaces since it computes wrong results.
    refused: Option<String>,
    cancel: RefCell<Cancel>,
}

#[wasm_bindgen]
impl Engine {
    /// Opens a network from the bytes of its model file, with an optional size model.
    ///
    /// - `precision` is `f32` or `f16`, the format of activations on a GPU. Falls back to `f32` if the device lacks
    ///   `f16`.
    /// - `backend` is `auto` (WebGPU on a hardware GPU that computes correctly, else the CPU), `webgpu` (software adapters
    ///   too) or `cpu`.
    /// - `call(name, arguments)` runs a function in one of `workers` workers and returns a promise of two arrays. Only
    ///   the CPU uses it: `run` with the arguments of [`TileNetwork::run`](crate::tiles::TileNetwork::run), and, with
    ///   several workers, `followFlows` with those of [`follow_flows`](crate::tiles::follow_flows).
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
        let on_cpu = || {
            let workers = Workers::new(call, workers, model.network().description().outputs.count);
            let made = builder.clone().build_remote(Box::new(workers));
            made.map(|segmenter| (segmenter, Precision::F32))
        };
        let on_gpu = |device| on_gpu(&builder, device, wanted);
        let (is_auto, mut refused) = (backend == "auto", None);
        let made = match backend.as_str() {
            "cpu" => on_cpu(),
            "auto" | "webgpu" => match on_gpu(Device::Gpu).await {
                // The CPU is the fallback for every error of a GPU.
                Err(Error::Gpu(_)) if is_auto => on_cpu(),
                Err(error @ Error::WrongResults { .. }) if is_auto => {
                    refused = Some(error.to_string());
                    on_cpu()
                }
                Err(Error::Gpu(GpuError::NoAdapter { .. })) => on_gpu(Device::Software).await,
                result => result,
            },
            _ => return Err(failure("option", &format!("backend is {backend:?}; it must be auto, webgpu or cpu"))),
        };
        let (segmenter, precision) = made.map_err(|error| from_error(&error))?;
        let diameter = model.network().diam_labels();
        Ok(Engine { segmenter, precision, diameter, estimates, refused, cancel: RefCell::default() })
    }

    /// The backend in use: `webgpu` or `cpu`.
    #[wasm_bindgen(getter)]
    pub fn backend(&self) -> String {
        if matches!(self.segmenter.device(), DeviceInfo::Gpu(_)) { "webgpu" } else { "cpu" }.into()
    }

    /// True on a software adapter.
    #[wasm_bindgen(getter)]
    pub fn software(&self) -> bool {
        matches!(self.segmenter.device(), DeviceInfo::Gpu(info) if info.kind == AdapterKind::Software)
    }

    /// Why the CPU replaces a GPU that computes wrong results.
    #[wasm_bindgen(getter)]
    pub fn refused(&self) -> Option<String> {
        self.refused.clone()
    }

    /// The format of activations: `f32` or `f16`.
    #[wasm_bindgen(getter)]
    pub fn precision(&self) -> String {
        self.precision.name().into()
    }

    /// Mean diameter of the network's training images in pixels: the default of `segment`.
    #[wasm_bindgen(getter)]
    pub fn diameter(&self) -> f32 {
        self.diameter
    }

    /// The name of the device, for display.
    #[wasm_bindgen(getter)]
    pub fn device(&self) -> String {
        self.segmenter.device().to_string()
    }

    /// Segments a picture. `options` are the package's `SegmentOptions`; calls `progress(stage, done, total)` as it
    /// proceeds.
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
            // An exception of the callback does not stop the segmentation.
            let _ = progress.call3(&JsValue::NULL, &stage.name().into(), &done.into(), &total.into());
        };
        let cancel = Cancel::new();
        self.cancel.replace(cancel.clone());
        let control = Control::new().progress(&report).cancel(&cancel);
        let segmentation = self.segmenter.segment_with_async(&picture.image, &params, &control).await;
        Ok(segmentation.map_err(|error| from_error(&error))?.into())
    }

    /// Cancels the current segmentation.
    pub fn cancel(&self) {
        self.cancel.borrow().cancel();
    }
}

/// A segmenter on a GPU and its precision: `wanted`, or `f32` if the GPU lacks `f16`.
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
