//! The measured choice of kernels, remembered.

use cytoshade_core::Network;
use cytoshade_gpu::tune::{Picks, tune};
use cytoshade_gpu::{ConvKernel, Error as GpuError, Gpu, Options};

use crate::backend::Setup;
use crate::notes::Place;

/// The kernels of a network's convolutions on a device: as noted, else measured. None where no choice was asked for.
pub(crate) async fn picks(gpu: &Gpu, network: &Network, options: Options, setup: &Setup) -> Result<Picks, GpuError> {
    if !setup.tune || options.kernel.is_some() {
        return Ok(Picks::new());
    }
    let shape = network.shape();
    let about = format!("{shape:?} in {}", options.precision.name());
    let place = setup.folder().map(|folder| Place::new(folder, "tune", gpu.info(), about));
    let convs = shape.convs().len();
    if let Some(picks) = place.as_ref().and_then(Place::read).and_then(|noted| known(noted, convs)) {
        return Ok(picks);
    }
    let span = cytoshade_core::Span::begin("tune");
    let picks = tune(gpu, network, options.precision).await?;
    gpu.phase(span);
    let names: Vec<(usize, String)> = picks.iter().map(|(&conv, kernel)| (conv, kernel.to_string())).collect();
    place.iter().for_each(|place| place.write(&names));
    Ok(picks)
}

/// Kernels by their names; nothing where one is unknown, or is of a convolution that the network has not.
fn known(noted: Vec<(usize, String)>, convs: usize) -> Option<Picks> {
    let known = |(conv, name): (usize, String)| Some((conv, name.parse::<ConvKernel>().ok().filter(|_| conv < convs)?));
    noted.into_iter().map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_notes_are_none() {
        let noted = |conv, name: &str| known(vec![(0, "gemm".into()), (conv, name.into())], 4);
        assert_eq!(noted(3, "direct"), Some(Picks::from([(0, ConvKernel::Gemm), (3, ConvKernel::Direct)])));
        assert_eq!(noted(3, "faster"), None);
        assert_eq!(noted(4, "direct"), None);
    }
}
