//! The check of a GPU before its first use: a small network and the flow dynamics beside the CPU's.
//!
//! A driver that computes nothing returns zeros without an error, and zeros are an image without cells. The check takes
//! milliseconds. The self-test of `doctor` compares every kernel and stage.

mod case;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(all(test, feature = "cpu"))]
mod tests;
#[cfg(target_arch = "wasm32")]
mod web;

use cytoshade_core::{Network, Params, Planes, Span};
use cytoshade_gpu::{
    Error as GpuError, Gpu, GpuPlanes, Options, Precision, fill_holes_and_remove_small, follow_flows, histogram, masks,
};

use crate::Error;
use crate::agreement::{FAR, allowed, distance, far, share};
use crate::backend::Backend;
use crate::calibrate::{KernelChoices, PrecisionChoice, Wanted};
use case::{Case, NITER, SIDE};
#[cfg(not(target_arch = "wasm32"))]
use native::Record;
#[cfg(target_arch = "wasm32")]
use web::Record;

/// Fails unless a GPU computes the same as the CPU. A pass is remembered in the caller's cache.
///
/// The kernel and the precision are those that the caller chose; for [`PrecisionChoice::Auto`] f32, with which the trial
/// of f16 compares. In browsers a software adapter runs the network only, since its stages run on the host.
///
/// # Errors
/// [`Error::WrongResults`], and errors of the device.
pub(crate) async fn check(gpu: &Gpu, network: &Network, wanted: &Wanted) -> Result<(), Error> {
    let precision = match wanted.precision {
        PrecisionChoice::F16 => Precision::F16,
        PrecisionChoice::F32 | PrecisionChoice::Auto => Precision::F32,
    };
    let options = Options { precision, ..wanted.options };
    let network = case::small_network(network)?;
    let record = Record::new(gpu.info(), &network, options, wanted);
    if record.has_passed() {
        return Ok(());
    }
    let span = Span::begin("check");
    let result = compare(gpu, options, &Case::new(network).await?).await;
    gpu.phase(span);
    match result {
        // Too little memory for the check is not evidence of a defect: larger work will report it.
        Err(error) if error.is_over_capacity() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => {
            record.pass();
            Ok(())
        }
    }
}

/// Compares a GPU with the results of the CPU.
async fn compare(gpu: &Gpu, options: Options, case: &Case) -> Result<(), Error> {
    let differ = |what, error: f64, allowed: f64| {
        // An error that is not a number is no agreement.
        if error <= allowed { Ok(()) } else { Err(wrong_results(gpu, what, error, allowed)) }
    };
    if let Some(expected) = &case.outputs {
        let error = match outputs(gpu, options, case).await {
            Ok(found) => distance(found.as_slice(), expected.as_slice()),
            Err(Error::Gpu(GpuError::NotFinite { .. })) => f64::INFINITY,
            Err(error) => return Err(error),
        };
        differ("the outputs of a network", error, allowed(options.precision))?;
    }
    if gpu.compiles_slowly() {
        return Ok(());
    }
    let params = Params::default();
    let flows = GpuPlanes::upload(gpu, &case.flows).await?;
    let ends = follow_flows(gpu, &flows, params.cellprob_threshold, NITER, params.interp).await?;
    differ("the end points of flows", far(&ends.read(gpu).await?, &case.ends), FAR)?;
    let labels = masks(gpu, &ends, &histogram(gpu, &ends).await?, params.max_size_fraction).await?;
    let labels = fill_holes_and_remove_small(gpu, labels, (SIDE, SIDE), params.min_size).await?;
    differ("the masks of flows", share(labels.as_slice(), case.labels.as_slice()), 0.0)
}

/// The outputs of the small network.
async fn outputs(gpu: &Gpu, options: Options, case: &Case) -> Result<Planes, Error> {
    let backend = Backend::open(gpu.clone(), &case.network, options, &KernelChoices::new()).await?;
    case::run(&backend, &case.network, &case.planes).await
}

fn wrong_results(gpu: &Gpu, what: &'static str, error: f64, allowed: f64) -> Error {
    let info = gpu.info();
    let driver = if info.driver.is_empty() { String::new() } else { format!(" (driver {})", info.driver) };
    Error::WrongResults { adapter: format!("{}{driver}", info.name), what, error, allowed }
}
