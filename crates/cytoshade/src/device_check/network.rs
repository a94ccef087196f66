//! The whole check of a device, with the small network.

use cytoshade_core::{Control, Network, Params, Planes, Span};
use cytoshade_gpu::tune::{allowed, distance};
use cytoshade_gpu::{Error as GpuError, Gpu, Options, Precision};

use super::record::Record;
use super::small_network::{planes, small_network};
use super::{agree, check_dynamics};
use crate::Error;
use crate::backend::Backend;
use crate::backend::placed::Placed;
use crate::calibrate::{KernelChoices, PrecisionChoice, Subject, Wanted};
use crate::pipeline::run::Run;

/// Fails unless a GPU computes the same as the CPU. A pass is remembered in the caller's cache.
///
/// The kernel and the precision are those that the caller chose; for [`PrecisionChoice::Auto`] f32, with which the trial
/// of f16 compares. Restoration networks do not use the dynamics, which are then left out.
///
/// # Errors
/// [`Error::WrongResults`], and errors of the device.
pub(crate) async fn check(gpu: &Gpu, subject: &Subject<'_>, wanted: &Wanted) -> Result<(), Error> {
    let precision = match wanted.precision {
        PrecisionChoice::F16 => Precision::F16,
        PrecisionChoice::F32 | PrecisionChoice::Auto => Precision::F32,
    };
    let options = Options { precision, ..wanted.options };
    let network = small_network(subject.model.network())?;
    let record = Record::new(gpu.info(), &network, subject.restores, options, wanted);
    if record.has_passed() {
        return Ok(());
    }
    let span = Span::begin("check");
    let result = run(gpu, options, &network, subject.restores).await;
    gpu.phase(span);
    match result {
        // Too little memory for the check is not evidence of a defect: larger work will report it.
        Err(error) if error.is_over_capacity() => Ok(()),
        Err(error) => Err(named(gpu, error)),
        Ok(()) => {
            record.pass();
            Ok(())
        }
    }
}

/// The error with the name of a lost device: another device takes its place, and the error becomes a warning.
fn named(gpu: &Gpu, error: Error) -> Error {
    match error {
        Error::Gpu(GpuError::Lost { reason }) => {
            Error::Gpu(GpuError::Lost { reason: format!("{}: {reason}", gpu.info().name) })
        }
        error => error,
    }
}

async fn run(gpu: &Gpu, options: Options, network: &Network, restores: bool) -> Result<(), Error> {
    let planes = planes()?;
    let backend = Backend::open(gpu.clone(), network, options, &KernelChoices::new()).await?;
    if let Some(cpu) = cpu(network)? {
        let expected = outputs(&cpu, network, &planes).await?;
        check_outputs(&backend, network, &planes, &expected).await?;
    }
    if restores { Ok(()) } else { check_dynamics(&backend, network).await }
}

/// The CPU with a network, in builds that have it.
pub(super) fn cpu(network: &Network) -> Result<Option<Backend>, Error> {
    #[cfg(feature = "cpu")]
    return Ok(Some(Backend::Cpu(Box::new(crate::backend::Cpu::open(network, None)?))));
    #[cfg(not(feature = "cpu"))]
    Ok(None)
}

/// Fails if a GPU computes other outputs than expected.
pub(super) async fn check_outputs(
    backend: &Backend,
    network: &Network,
    planes: &Planes,
    expected: &Planes,
) -> Result<(), Error> {
    let Some((gpu, _)) = backend.stages() else { return Ok(()) };
    let error = match outputs(backend, network, planes).await {
        Ok(found) => distance(found.as_slice(), expected.as_slice()),
        Err(Error::Gpu(GpuError::NotFinite { .. })) => f64::INFINITY,
        Err(error) => return Err(error),
    };
    agree(gpu, "the outputs of a network", error, allowed(backend.precision()))
}

/// The outputs of a network for planes.
pub(super) async fn outputs(backend: &Backend, network: &Network, planes: &Planes) -> Result<Planes, Error> {
    let control = Control::new();
    let mut run = Run::new(backend, network, &control, [1, planes.height(), planes.width()]);
    run.network(Placed::Host(planes.clone()), &Params::default()).await?.outputs.into_host().await
}
