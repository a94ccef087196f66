//! The Cellpose network, what is around it and the flow dynamics as WGSL compute shaders, run through wgpu on Vulkan,
//! Metal, DirectX 12 and WebGPU.
//!
//! Everything is `async` and, in the browser, never blocks. On native targets a call blocks its thread while it waits
//! for the device, so `pollster::block_on` is all that a caller needs. A wait that takes too long ends in
//! [`Error::Hung`]: 60 seconds for each tile in a batch, 60 for each piece of the flow dynamics and for any other
//! stage.
//!
//! ```no_run
//! # async fn example(network: &cytoshade_core::Network, tile: &[f32]) -> Result<(), cytoshade_gpu::Error> {
//! use cytoshade_gpu::{Choice, Gpu, Network};
//! let gpu = Gpu::open(Choice::Hardware).await?;
//! let network = Network::new(&gpu, network).await?;
//! let batch = network.run(tile, 1, 224, 224).await?;
//! # Ok(())
//! # }
//! ```
// Two calls, which say why.
#![deny(unsafe_code)]
#![warn(missing_docs)]
// Without threads, as in the browser, wgpu's handles are neither Send nor Sync, and need not be.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

mod device;
mod error;
mod network;
mod operators;
#[cfg(not(target_arch = "wasm32"))]
mod out_of_core;
mod pipeline;
mod planes;
mod stages;
#[cfg(not(target_arch = "wasm32"))]
pub mod volume;

pub use cytoshade_shaders::Precision;
pub use device::adapter::{AdapterInfo, AdapterKind, AdapterLimits, Choice, adapters};
pub use device::{DeviceOptions, DeviceOverride, FaultInjection, Gpu};
pub use error::Error;
#[cfg(not(target_arch = "wasm32"))]
pub use network::tune;
pub use network::{Batch, Network, Options, Part, StepTime, Submission, memory};
pub use operators::conv3x3::{Capabilities, ConvKernel, Geometry, Layer, UnknownKernel, Unsupported};
#[cfg(not(target_arch = "wasm32"))]
pub use out_of_core::{follow_flows_in_strips, remove_bad_in_windows};
pub use planes::{GpuPlanes, PendingReadback};
pub use stages::blend::blend;
pub use stages::fill_holes::fill_holes_and_remove_small;
pub use stages::flow_error::{FlowError, flow_errors, remove_bad};
pub use stages::follow_flows::{GpuEndPoints, follow_flows};
pub use stages::histogram::{GpuHistogram, histogram};
pub use stages::masks::{GpuLabels, masks};
pub use stages::normalize::{normalize, normalizes};
pub use stages::percentile::percentiles;
pub use stages::resize::bilinear;
pub use stages::tile::{Activations, TiledPlanes, cut};
