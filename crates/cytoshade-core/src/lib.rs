//! Plain types and pure arithmetic that the other Cytoshade crates share.
//!
//! The crate opens no file and no device, and starts no thread. A segmentation takes an [`Image`] or a [`Stack`] and
//! [`Params`], and returns [`Labels`] or a [`LabelVolume`]. A [`Network`] consists of a [`Description`], a [`Plan`] of
//! operations and their [`Weights`]; [`arch`] holds the architectures. [`tiling`] computes padding, tiles and blending
//! weights.
//!
//! The reference for every formula is Cellpose 3.1.1.2 (PyPI `cellpose==3.1.1.2`).
#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod arch;
mod ascending;
pub mod channels;
mod container;
pub mod contours;
mod control;
mod edge_masks;
mod end_points;
mod error;
pub mod gaussian;
mod image;
mod label_volume;
mod labels;
mod mask_agreement;
mod network;
mod overlap;
mod params;
pub mod percentile;
mod plan;
mod planes;
mod profile;
pub mod resample;
pub mod rescale;
mod stack;
pub mod tile_norm;
pub mod tiling;
mod volume;
pub mod winograd;

pub use ascending::ascending;
pub use control::{Cancel, Control, Progress, ProgressFn, Stage, Timings};
pub use end_points::{EndPoints, HISTOGRAM_PAD, Histogram};
pub use error::Error;
pub use image::{Image, ImageView, Sample, Samples, SamplesView};
pub use label_volume::LabelVolume;
pub use labels::Labels;
pub use mask_agreement::MaskAgreement;
pub use network::{
    BatchNorm, Conv, ConvId, ConvShape, Description, FlowChannels, Linear, LinearId, Network, OutputChannels, Prologue,
    RescaleRule, TileRule, Weights,
};
pub use overlap::{LabelPair, Overlap};
pub use params::{Channels, Normalize, Outputs, ParamInfo, ParamKind, ParamValue, Params};
pub use plan::{
    Buffer, Convolution, LinearProduct, Operation, Plan, PlanBuilder, Shortcut, Storage, Tensor, TensorId, TensorShape,
};
pub use planes::Planes;
pub use profile::{BatchTimes, LayerSpan, LayerTime, Recorded, Recorder, Span, StepCost};
pub use stack::{Stack, StackView};
pub use volume::{Axis, SliceIndex, Volume};
