//! Browsers measure nothing: `auto` is f32, and a rule chooses the kernels.

use cytoshade_gpu::{Gpu, Options, Precision};

use super::{KernelChoices, PrecisionChoice, Subject, Wanted};
use crate::Error;

pub(crate) async fn resolve(_: &Gpu, _: &Subject<'_>, wanted: &Wanted) -> Result<(Options, KernelChoices), Error> {
    let precision = match wanted.precision {
        PrecisionChoice::F16 => Precision::F16,
        PrecisionChoice::F32 | PrecisionChoice::Auto => Precision::F32,
    };
    Ok((Options { precision, ..wanted.options }, KernelChoices::new()))
}
