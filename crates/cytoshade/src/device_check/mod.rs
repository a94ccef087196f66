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

use cytoshade_core::{Control, Network, Params, Planes, Span};
use cytoshade_gpu::{Error as GpuError, Gpu, Options, Precision};

use crate::Error;
use crate::agreement::{allowed, distance, share};
use crate::backend::Backend;
use crate::backend::placed::Placed;
use crate::calibrate::{KernelChoices, PrecisionChoice, Subject, Wanted};
use crate::pipeline::run::Run;
use case::{Case, NITER, SIDE};
#[cfg(not(target_arch = "wasm32"))]
use native::Record;
#[cfg(target_arch = "wasm32")]
use web::Record;

/// Fails unless a GPU computes the same as the CPU. A pass is remembered in the caller's cache.
///
/// The kernel and the precision are those that the caller chose; for [`PrecisionChoice::Auto`] f32, with which the trial
/// of f16 compares. The dynamics are left out for restoration networks, and for software adapters in browsers, whose
/// stages run on the host.
///
/// # Errors
/// [`Error::WrongResults`], and errors of the device.
pub(crate) async fn check(gpu: &Gpu, subject: &Subject<'_>, wanted: &Wanted) -> Result<(), Error> {
    let precision = match wanted.precision {
        PrecisionChoice::F16 => Precision::F16,
        PrecisionChoice::F32 | PrecisionChoice::Auto => Precision::F32,
    };
    let options = Options { precision, ..wanted.options };
    let case = Case::new(subject.model.network())?;
    let record = Record::new(gpu.info(), &case.network, subject.restores, options, wanted);
    if record.has_passed() {
        return Ok(());
    }
    let span = Span::begin("check");
    let expected = match cpu(&case.network)? {
        Some(backend) => Some(outputs(&backend, &case.network, &case.planes).await?),
        None => None,
    };
    let has_dynamics = !gpu.compiles_slowly() && !subject.restores;
    let result = compare(gpu, options, &case, expected.as_ref(), has_dynamics).await;
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

/// The CPU with a network, in builds that have it.
fn cpu(network: &Network) -> Result<Option<Backend>, Error> {
    #[cfg(feature = "cpu")]
    return Ok(Some(Backend::Cpu(Box::new(crate::backend::Cpu::open(network, None)?))));
    #[cfg(not(feature = "cpu"))]
    Ok(None)
}

/// Compares a GPU with the `expected` outputs of the network and, with `has_dynamics`, with the masks of the flows.
async fn compare(
    gpu: &Gpu,
    options: Options,
    case: &Case,
    expected: Option<&Planes>,
    has_dynamics: bool,
) -> Result<(), Error> {
    let network = &case.network;
    let backend = Backend::open(gpu.clone(), network, options, &KernelChoices::new()).await?;
    if let Some(expected) = expected {
        let error = match outputs(&backend, network, &case.planes).await {
            Ok(found) => distance(found.as_slice(), expected.as_slice()),
            Err(Error::Gpu(GpuError::NotFinite { .. })) => f64::INFINITY,
            Err(error) => return Err(error),
        };
        agree(gpu, "the outputs of a network", error, allowed(options.precision))?;
    }
    if has_dynamics {
        let (control, params) = (Control::new(), Params::default().flow_threshold(0.0));
        let mut run = Run::new(&backend, network, &control, [1, SIDE, SIDE]);
        let flows = Placed::Host(case.flows.clone());
        let (labels, _) = run.masks(flows, NITER, (SIDE, SIDE), &params).await?;
        agree(gpu, "the masks of flows", share(labels.as_slice(), case.labels.as_slice()), 0.0)?;
    }
    Ok(())
}

/// The outputs of a network for planes.
async fn outputs(backend: &Backend, network: &Network, planes: &Planes) -> Result<Planes, Error> {
    let control = Control::new();
    let mut run = Run::new(backend, network, &control, [1, planes.height(), planes.width()]);
    run.network(Placed::Host(planes.clone()), &Params::default()).await?.outputs.into_host().await
}

/// Fails if an error is over the allowed one, or not a number.
fn agree(gpu: &Gpu, what: &'static str, error: f64, allowed: f64) -> Result<(), Error> {
    if error <= allowed {
        return Ok(());
    }
    let info = gpu.info();
    let driver = if info.driver.is_empty() { String::new() } else { format!(" (driver {})", info.driver) };
    Err(Error::WrongResults { adapter: format!("{}{driver}", info.name), what, error, allowed })
}
