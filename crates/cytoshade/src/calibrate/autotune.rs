//! The measured choice of kernels, remembered.

use cytoshade_core::{ConvId, Network};
use cytoshade_gpu::tune::{KernelChoices, tune};
use cytoshade_gpu::{ConvKernel, Error as GpuError, Gpu, Options};
use cytoshade_model::Sha256;

use super::cache::Slot;
use crate::backend::BackendConfig;

/// The kernels of a network's convolutions on a device: as noted, else measured. None where no choice was asked for.
pub(crate) async fn kernel_choices(
    gpu: &Gpu,
    network: &Network,
    options: Options,
    config: &BackendConfig,
) -> Result<KernelChoices, GpuError> {
    if !config.tune || options.kernel.is_some() {
        return Ok(KernelChoices::new());
    }
    // Which kernel is the fastest depends on the operations and their sizes, not on the weights.
    let plan = Sha256::digest(format!("{:?}", network.plan()).as_bytes());
    let key = format!("{plan} in {}", options.precision.name());
    let slot = config.folder().map(|folder| Slot::new(folder, "tune", gpu.info(), key));
    let convs = network.weights().convs().len();
    if let Some(kernel_choices) = slot.as_ref().and_then(Slot::read).and_then(|noted| known(noted, convs)) {
        return Ok(kernel_choices);
    }
    let span = cytoshade_core::Span::begin("tune");
    let kernel_choices = tune(gpu, network, options.precision).await?;
    gpu.phase(span);
    let names: Vec<(usize, String)> =
        kernel_choices.iter().map(|(conv, kernel)| (conv.index(), kernel.to_string())).collect();
    slot.iter().for_each(|slot| slot.write(&names));
    Ok(kernel_choices)
}

/// Kernels by their names; nothing where one is unknown, or is of a convolution that the network has not.
fn known(noted: Vec<(usize, String)>, convs: usize) -> Option<KernelChoices> {
    let known = |(conv, name): (usize, String)| {
        Some((ConvId::new(conv), name.parse::<ConvKernel>().ok().filter(|_| conv < convs)?))
    };
    noted.into_iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_notes_are_none() {
        let noted = |conv, name: &str| known(vec![(0, "gemm".into()), (conv, name.into())], 4);
        let expected =
            [(0, ConvKernel::Gemm), (3, ConvKernel::Direct)].map(|(conv, kernel)| (ConvId::new(conv), kernel));
        assert_eq!(noted(3, "direct"), Some(KernelChoices::from(expected)));
        assert_eq!(noted(3, "faster"), None);
        assert_eq!(noted(4, "direct"), None);
    }
}
