//! The check of a GPU before its first use: a small network and the flow dynamics beside the expected results.
//!
//! A driver that computes nothing returns zeros without an error, and zeros are an image without cells. The check takes
//! milliseconds. The self-test of `doctor` compares every kernel and stage.
//!
//! Browsers check the dynamics only: their build has no room for the small network.

mod flows;
#[cfg(not(target_arch = "wasm32"))]
mod network;
#[cfg(not(target_arch = "wasm32"))]
mod record;
#[cfg(not(target_arch = "wasm32"))]
mod small_network;
#[cfg(all(test, feature = "cpu"))]
mod tests;

use cytoshade_core::{Control, Labels, Network, Params, Planes};
use cytoshade_gpu::Gpu;

use crate::Error;
use crate::backend::Backend;
use crate::backend::placed::Placed;
use crate::pipeline::run::Run;
use flows::{NITER, SIDE, flows_and_labels};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use network::check;

/// Fails if the dynamics on a GPU find other masks than they should. Does nothing if the host runs them.
///
/// # Errors
/// [`Error::WrongResults`], and errors of the device.
pub(crate) async fn check_dynamics(backend: &Backend, network: &Network) -> Result<(), Error> {
    let Some((gpu, _)) = backend.stages() else { return Ok(()) };
    let (flows, expected) = flows_and_labels();
    let found = masks(backend, network, flows).await?;
    agree(gpu, "the masks of flows", share(found.as_slice(), expected.as_slice()), 0.0)
}

/// The masks of flows.
async fn masks(backend: &Backend, network: &Network, flows: Planes) -> Result<Labels, Error> {
    let (control, mut params) = (Control::new(), Params::default());
    // The flows are longer than a network's.
    params.flow_threshold = 0.0;
    let mut run = Run::new(backend, network, &control, [1, SIDE, SIDE]);
    Ok(run.masks(Placed::Host(flows), NITER, (SIDE, SIDE), &params).await?.0)
}

/// The share of values that differ.
pub(crate) fn share<T: PartialEq>(found: &[T], expected: &[T]) -> f64 {
    if found.len() != expected.len() {
        return 1.0;
    }
    let differing = found.iter().zip(expected).filter(|(found, expected)| found != expected).count();
    differing as f64 / expected.len().max(1) as f64
}

/// Fails if an error is over the allowed one, or not a number.
fn agree(gpu: &Gpu, what: &'static str, error: f64, allowed: f64) -> Result<(), Error> {
    if error <= allowed {
        return Ok(());
    }
    Err(Error::WrongResults { adapter: gpu.info().name.clone(), what, error, allowed })
}
