//! Cell segmentation with Cellpose networks: images in, cell labels out, on any GPU or the CPU.
//!
//! A [`Model`] is a Cellpose network (versions 1 to 3) from a file. A [`Segmenter`] is that network on a device. It turns
//! an [`Image`] into a [`Segmentation`], with the parameters in [`Params`].
//!
//! ```
//! use cytoshade::{Device, Image, Model, Params, Segmenter};
//!
//! # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/cytoshade-demo.safetensors");
//! let model = Model::open(file)?;
//! // `Segmenter::new(&model)` takes a GPU if one opens; this asks for the CPU.
//! let segmenter = Segmenter::builder(&model).device(Device::Cpu).build()?;
//!
//! // A bright disc of 30 pixels on a dark ground.
//! let disc: Vec<u16> = (0..64 * 64)
//!     .map(|at| ((at / 64 - 32i32).pow(2) + (at % 64 - 32i32).pow(2) < 15 * 15) as u16 * 900 + 100)
//!     .collect();
//! let image = Image::new(disc, 1, 64, 64)?;
//! let segmentation = segmenter.segment(&image, &Params::new().diameter(30.0))?;
//! assert_eq!(segmentation.cells(), 1);
//! assert_eq!(segmentation.labels.as_slice()[32 * 64 + 32], 1);
//! # Ok::<(), cytoshade::Error>(())
//! ```
//!
//! - [`Segmenter::segment_batch`] segments many images: decoding, network and labelling overlap.
//! - [`Segmenter::segment_stack`] segments a [`Stack`], in 3-D or slice by slice.
//! - [`Restorer`] runs the restoration networks of Cellpose 3.
//! - [`Control`] watches a call and stops it.
//! - Every call that blocks has an `async` twin with the same arguments, for browsers and other callers that cannot
//!   block: [`Segmenter::segment_async`].
//!
//! The crate reads no image format: `cytoshade-formats` reads and writes files.
//!
//! # Features
//!
//! | feature | default | adds |
//! |---|---|---|
//! | `gpu` | yes | the network and the stages around it as shaders, through `wgpu` |
//! | `cpu` | yes | the network on the CPU |
//! | `torch` | yes | torch files (zip and legacy form) and size models |
//! | `onnx` | yes | ONNX exports |
//! | `ndarray` | no | arrays and views of images and results |
//! | `image` | no | [`ImageView`] and [`Image`] from a `DynamicImage` |
//! | `serde` | no | [`Params`] and other options as data |
//! | `tracing` | no | a span for each stage, with the image's size and the device |
//!
//! A build needs `gpu` or `cpu`. Without `cpu` the other stages on the CPU remain: they stand in for a GPU that lacks the
//! capacity for an image. Every build reads safetensors; a file of a format that the build lacks ends in
//! [`errors::ModelError::NotBuilt`].
//!
//! # Threads and memory
//!
//! [`Model`], [`Segmenter`] and [`Restorer`] are `Send` and `Sync`, and several threads can use one at once. Clones of a
//! model and of a segmenter share the weights. [`Segmenter`] describes its threads and its memory.
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(docsrs, feature(doc_cfg))]
// In browsers, which have no threads here, wgpu's handles are neither Send nor Sync.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]
// Builds with a single backend have branches over types without values.
#![cfg_attr(not(all(feature = "gpu", feature = "cpu")), allow(dead_code, unused_variables))]

#[cfg(not(any(feature = "gpu", feature = "cpu")))]
compile_error!("cytoshade needs a backend: enable the feature `gpu`, the feature `cpu`, or both");

mod backend;
#[cfg(feature = "gpu")]
mod calibrate;
mod device;
#[cfg(feature = "gpu")]
mod device_check;
mod error;
mod flow_errors;
mod gpu;
mod model;
#[cfg(not(target_arch = "wasm32"))]
mod model_dirs;
mod pipeline;
mod segmentation;
mod segmenter;
#[cfg(all(feature = "gpu", feature = "cpu", not(target_arch = "wasm32")))]
mod self_test;

#[cfg(target_arch = "wasm32")]
pub use backend::{Batch, PendingBatch, RemoteBackend};
#[cfg(feature = "gpu")]
pub use calibrate::PrecisionChoice;
pub use cytoshade_core::{
    BatchTimes, Cancel, Channels, Control, Image, ImageView, LabelVolume, Labels, LayerSpan, LayerTime, MaskAgreement,
    Network, Normalize, Outputs, ParamInfo, ParamKind, ParamValue, Params, Planes, Progress, ProgressFn, Recorded,
    Recorder, Sample, Samples, SamplesView, Span, Stack, StackView, Stage, StepCost, Timings, Volume,
};
#[cfg(feature = "cpu")]
#[doc(hidden)]
pub use cytoshade_cpu::network::Isa;
#[cfg(feature = "gpu")]
#[doc(hidden)]
pub use cytoshade_gpu::FaultInjection;
#[cfg(feature = "gpu")]
pub use cytoshade_gpu::{AdapterInfo, AdapterKind, ConvKernel, Precision};
pub use cytoshade_model::{Format, Identity, LoadOptions, Origin, PUBLISHED, Published, ReadLimits, Sha256, SizeModel};
pub use cytoshade_safe_io::Redacted;
#[cfg(all(feature = "gpu", not(target_arch = "wasm32")))]
pub use device::adapters;
#[cfg(feature = "gpu")]
pub use device::adapters_async;
pub use device::{Device, DeviceInfo};
pub use error::{Error, ErrorKind};
pub use flow_errors::flow_errors;
pub use model::Model;
#[cfg(not(target_arch = "wasm32"))]
pub use model_dirs::{ModelDirs, ModelFile, ModelRef, cache_folder, is_plain_name};
pub use pipeline::restore::RestoreOptions;
pub use segmentation::{Segmentation, StackSegmentation};
#[cfg(not(target_arch = "wasm32"))]
pub use segmenter::{BatchImage, Segmentations};
pub use segmenter::{
    Builder, ForRestorer, ForSegmenter, Restored, Restorer, RestorerBuilder, Segmenter, SegmenterBuilder,
};

/// Networks made by the program, for [`Model::from_network`].
///
/// A U-Net of other weights is a [`UNet`](network::arch::unet::UNet). Another architecture is a
/// [`Description`](network::Description) for the pipelines, a [`Plan`](network::Plan) of the operations that the backends
/// have, and [`Weights`](network::Weights).
pub mod network {
    pub use cytoshade_core::{
        BatchNorm, Conv, ConvId, ConvShape, Convolution, Description, FlowChannels, Linear, LinearId, LinearProduct,
        Network, Operation, OutputChannels, Plan, PlanBuilder, Prologue, RescaleRule, Shortcut, TensorId, TensorShape,
        TileRule, Weights, arch,
    };
}

#[cfg(all(feature = "gpu", feature = "cpu", not(target_arch = "wasm32")))]
pub use self_test::{CheckOutcome, SelfTest, SelfTestCheck, self_test};

#[cfg(feature = "image")]
pub use ::image;
#[cfg(feature = "ndarray")]
pub use ::ndarray;
#[cfg(feature = "gpu")]
pub use cytoshade_gpu::wgpu;

/// The errors of the underlying crates, which [`Error`] wraps.
pub mod errors {
    pub use cytoshade_core::Error as CoreError;
    pub use cytoshade_cpu::Error as CpuError;
    #[cfg(feature = "gpu")]
    pub use cytoshade_gpu::Error as GpuError;
    pub use cytoshade_model::{Error as ModelError, Problem};
}
