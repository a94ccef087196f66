//! Decides the precision: the caller's, else a cached one, else by a trial on a synthetic image.

use cytoshade_core::{Control, Image, Labels, MaskAgreement, Network, Params, Span};
use cytoshade_gpu::{Gpu, Options, Precision, tune};

use super::cache::Slot;
use super::picture::picture;
use super::{KernelChoices, PrecisionChoice, Subject, Wanted};
use crate::backend::Backend;
use crate::pipeline::image;
use crate::pipeline::run::Run;
use crate::{Error, Format};

/// A trial with fewer cells does not count.
const ENOUGH_CELLS: usize = 10;

/// The largest relative L2 error of f16 in a restored image.
const RESTORED: f64 = 1e-3;

/// The precision for a model on a GPU.
pub(super) async fn decide(gpu: &Gpu, subject: &Subject<'_>, wanted: &Wanted) -> Precision {
    match wanted.precision {
        PrecisionChoice::F32 => return Precision::F32,
        PrecisionChoice::F16 => return Precision::F16,
        PrecisionChoice::Auto if !gpu.capabilities().f16 => return Precision::F32,
        PrecisionChoice::Auto => {}
    }
    let slot = slot(gpu, subject, wanted);
    if let Some(f16) = slot.as_ref().and_then(Slot::read) {
        return if f16 { Precision::F16 } else { Precision::F32 };
    }
    let span = Span::begin("precision");
    let f16 = agree(gpu, subject, wanted.options).await;
    gpu.phase(span);
    // A failed trial is not cached: it may succeed another time.
    if let (Ok(f16), Some(slot)) = (&f16, &slot) {
        slot.write(f16);
    }
    if f16.unwrap_or(false) { Precision::F16 } else { Precision::F32 }
}

/// The cache entry for a model, if its file's hash identifies the network.
fn slot(gpu: &Gpu, subject: &Subject<'_>, wanted: &Wanted) -> Option<Slot> {
    // The weights of an ONNX model can be in external files, which the hash does not cover.
    let origin = subject.model.origin().filter(|origin| origin.format != Format::Onnx)?;
    let folder = wanted.cache.as_deref()?;
    Some(Slot::new(folder, "precision", gpu.info(), origin.sha256.to_string()))
}

/// Whether the network finds the same cells, or restores the same image, in both precisions.
async fn agree(gpu: &Gpu, subject: &Subject<'_>, options: Options) -> Result<bool, Error> {
    let network = subject.model.network();
    let image = picture(network.diam_labels())?;
    let [f32, f16] = [Precision::F32, Precision::F16].map(|precision| Options { precision, ..options });
    if subject.restores {
        let expected = restored(gpu, network, f32, &image).await?;
        let found = restored(gpu, network, f16, &image).await?;
        return Ok(tune::distance(&found, &expected) <= RESTORED);
    }
    let expected = cells(gpu, network, f32, &image).await?;
    if (expected.max() as usize) < ENOUGH_CELLS {
        return Ok(false);
    }
    let found = match cells(gpu, network, f16, &image).await {
        // The network has values beyond the range of f16.
        Err(Error::Gpu(cytoshade_gpu::Error::NotFinite { .. })) => return Ok(false),
        found => found?,
    };
    Ok(MaskAgreement::new(&found, &expected).is_some_and(|agreement| agreement.is_same()))
}

async fn cells(gpu: &Gpu, network: &Network, options: Options, image: &Image) -> Result<Labels, Error> {
    let backend = Backend::open(gpu.clone(), network, options, &KernelChoices::new()).await?;
    let result = image::segment(&backend, network, None, image.view(), &Params::default(), &Control::new()).await?;
    Ok(result.labels)
}

async fn restored(gpu: &Gpu, network: &Network, options: Options, image: &Image) -> Result<Vec<f32>, Error> {
    let backend = Backend::open(gpu.clone(), network, options, &KernelChoices::new()).await?;
    let control = Control::new();
    let mut run = Run::new(&backend, network, &control, [1, image.height(), image.width()]);
    run.restore_channel(&image.to_planes(0)?.into(), 0, 1.0, &Params::default()).await
}
