//! The Cellpose network, the stages around it and the flow dynamics as WGSL compute shaders.
//!
//! They run through wgpu on Vulkan, Metal, DirectX 12 and WebGPU.
//!
//! All functions are `async` and never block a browser. On native targets a call blocks its thread while it waits for
//! the device, so `pollster::block_on` suffices. A wait that exceeds its time limit returns [`Error::Hung`]: 60 seconds
//! for each tile of a batch, and 60 for each piece of the flow dynamics and for any other stage.
//!
//! A program that owns a wgpu device shares it through [`Gpu::from_parts`].
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
// Denied, not forbidden, for two calls that wgpu marks as unsafe.
#![deny(unsafe_code)]
#![warn(missing_docs)]
// In browsers, which have no threads here, wgpu's handles are neither Send nor Sync.
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
pub use wgpu;

pub use device::adapter::{AdapterInfo, AdapterKind, AdapterLimits, Choice, adapters};
pub use device::capabilities::Capabilities;
pub use device::fault_injection::{DeviceOverride, FaultInjection};
pub use device::{DeviceOptions, Gpu};
pub use error::{AllMissing, Error, Missing, Unsupported};
#[cfg(not(target_arch = "wasm32"))]
pub use network::tune;
pub use network::{Batch, Network, Options, Part, StepTime, Submission, memory};
pub use operators::conv3x3::{ConvKernel, UnknownKernel};
pub use operators::convolution::{Geometry, Layer};
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

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use cytoshade_core::Network as Weights;
    use cytoshade_core::tiling::TileLayout;

    use super::*;

    /// Multi-threaded executors move futures between threads.
    #[test]
    fn every_future_is_send() {
        fn sendable<T: Send>(_: impl FnOnce(&'static Gpu, &'static Network, &'static Weights) -> T) {}
        sendable(|_, _, _| Gpu::open(Choice::Any));
        sendable(|_, _, _| adapters());
        sendable(|gpu, _, weights| Network::new(gpu, weights));
        sendable(|_, network, _| network.run(&[], 0, 8, 8));
        sendable(|_, network, _| network.start(&[], None));
        fn shared(adapter: &'static wgpu::Adapter, device: wgpu::Device, queue: wgpu::Queue) {
            let options = Box::leak(Box::new(DeviceOptions::default()));
            sendable(|_, _, _| Gpu::from_parts(adapter, device, queue, options));
        }
        let _ = shared;
        fn planes(planes: &'static GpuPlanes, tile_layout: &'static TileLayout, submission: Submission) {
            sendable(|_, network, _| network.tiled(planes.clone(), tile_layout));
            sendable(|_, _, _| submission.styles(None));
            sendable(|gpu, _, _| bilinear(gpu, planes, 1, 1));
            sendable(|gpu, _, _| percentiles(gpu, planes, 1.0, 99.0));
        }
        let _ = planes;
        fn flows(gpu: &'static Gpu, planes: &'static GpuPlanes, labels: &'static mut GpuLabels) {
            let (ends, counted) = (None::<&GpuEndPoints>, None::<&GpuHistogram>);
            sendable(|_, _, _| follow_flows(gpu, planes, 0.0, 1, true));
            sendable(|_, _, _| histogram(gpu, ends.unwrap()));
            sendable(|_, _, _| masks(gpu, ends.unwrap(), counted.unwrap(), 0.4));
            sendable(|_, _, _| fill_holes_and_remove_small(gpu, labels.clone(), (1, 1), 15));
            sendable(|_, _, _| remove_bad(gpu, labels, planes, 0.4, |_, _| None));
        }
        let _ = flows;
    }
}
