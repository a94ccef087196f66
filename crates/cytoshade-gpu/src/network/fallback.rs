//! Fallback kernels for large tiles.
//!
//! Winograd needs scratch between its dispatches. If the scratch for a single tile exceeds the binding limit, the
//! convolution falls back to a single-dispatch kernel with its own weights.

use cytoshade_core::{ConvId, Network as Weights};

use super::conv_layer::ConvLayer;
use super::{Network, Size};
use crate::error::Error;

impl Network {
    /// The convolution with its kernel for this tile size.
    pub(super) fn layer(&self, conv: ConvId, size: Size) -> &ConvLayer {
        let layer = &self.layers[&conv];
        if self.exceeds_binding(layer, size) { layer.fallback.get().map_or(layer, Box::as_ref) } else { layer }
    }

    /// Whether the scratch of a convolution for one tile exceeds the binding limit.
    ///
    /// False for a kernel that the options request.
    pub(super) fn exceeds_binding(&self, layer: &ConvLayer, size: Size) -> bool {
        self.options.kernel.is_none() && layer.scratch(1, size).largest() > self.gpu.largest_binding()
    }

    /// The convolutions that still lack a fallback for this tile size.
    pub(super) fn lacking(&self, size: Size) -> impl Iterator<Item = (ConvId, &ConvLayer)> {
        let lacks = move |layer: &ConvLayer| layer.fallback.get().is_none() && self.exceeds_binding(layer, size);
        self.layers.iter().filter(move |(_, layer)| lacks(layer)).map(|(&conv, layer)| (conv, layer))
    }

    /// Prepares the network for tiles of `height` x `width` pixels.
    ///
    /// Convolutions whose scratch exceeds the binding limit get a single-dispatch kernel. `weights` are those of the
    /// network.
    ///
    /// Does nothing for tiles of the usual size, or if [`super::Options::kernel`] requests a kernel.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn prepare(&self, weights: &Weights, height: usize, width: usize) -> Result<(), Error> {
        // Kernels of browser builds have no scratch; the compiler then removes the rest.
        if cfg!(target_arch = "wasm32") || self.lacking([height, width]).next().is_none() {
            return Ok(());
        }
        self.gpu
            .with_error_scopes("the network's weights", || {
                for (conv, layer) in self.lacking([height, width]) {
                    let fallback = layer.single_dispatch(&self.gpu, weights.weights(), conv, self.options)?;
                    // Another thread may have set the same one first.
                    let _ = layer.fallback.set(Box::new(fallback));
                }
                Ok(())
            })
            .await
    }
}
