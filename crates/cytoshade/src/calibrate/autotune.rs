//! Chooses kernels by measurement and caches the choice.

use cytoshade_core::{ConvId, Network, Span};
use cytoshade_gpu::tune::tune;
use cytoshade_gpu::{ConvKernel, Error as GpuError, Gpu, Options};
use cytoshade_model::Sha256;

use super::cache::Slot;
use super::{KernelChoices, Wanted};

/// The kernels of a network's convolutions on a device: cached or measured.
///
/// Empty without [`Wanted::tune`].
pub(super) async fn kernel_choices(
    gpu: &Gpu,
    network: &Network,
    options: Options,
    wanted: &Wanted,
) -> Result<KernelChoices, GpuError> {
    if !wanted.tune || options.kernel.is_some() {
        return Ok(KernelChoices::new());
    }
    // The fastest kernel depends on the operations and their sizes, not on the weights.
    let plan = Sha256::digest(format!("{:?}", network.plan()).as_bytes());
    let key = format!("{plan} in {}", options.precision.name());
    let slot = wanted.cache.as_deref().map(|folder| Slot::new(folder, "tune", gpu.info(), key));
    let convs = network.weights().convs().len();
    if let Some(kernel_choices) = slot.as_ref().and_then(Slot::read).and_then(|cached| known(cached, convs)) {
        return Ok(kernel_choices);
    }
    let span = Span::begin("tune");
    let kernel_choices = tune(gpu, network, options.precision).await?;
    gpu.phase(span);
    let names: Vec<(usize, String)> =
        kernel_choices.iter().map(|(conv, kernel)| (conv.index(), kernel.to_string())).collect();
    slot.iter().for_each(|slot| slot.write(&names));
    Ok(kernel_choices)
}

/// Looks up kernels by name; `None` if a name is unknown or the network has no such convolution.
fn known(cached: Vec<(usize, String)>, convs: usize) -> Option<KernelChoices> {
    let known = |(conv, name): (usize, String)| {
        Some((ConvId::new(conv), name.parse::<ConvKernel>().ok().filter(|_| conv < convs)?))
    };
    cached.into_iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_entries_are_ignored() {
        let cached = |conv, name: &str| known(vec![(0, "gemm".into()), (conv, name.into())], 4);
        let expected =
            [(0, ConvKernel::Gemm), (3, ConvKernel::Direct)].map(|(conv, kernel)| (ConvId::new(conv), kernel));
        assert_eq!(cached(3, "direct"), Some(KernelChoices::from(expected)));
        assert_eq!(cached(3, "faster"), None);
        assert_eq!(cached(4, "direct"), None);
    }
}
