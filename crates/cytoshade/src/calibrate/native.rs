//! Measures the precision, then the kernels.

use cytoshade_gpu::{Gpu, Options};

use super::{KernelChoices, Subject, Wanted, autotune, precision};
use crate::Error;

/// The options for a model on a GPU.
///
/// # Errors
/// [`Error::Gpu`] if a measurement of the kernels fails.
pub(crate) async fn resolve(
    gpu: &Gpu,
    subject: &Subject<'_>,
    wanted: &Wanted,
) -> Result<(Options, KernelChoices), Error> {
    let precision = precision::decide(gpu, subject, wanted).await;
    let options = Options { precision, ..wanted.options };
    let kernels = autotune::kernel_choices(gpu, subject.model.network(), options, wanted).await?;
    Ok((options, kernels))
}
