//! The memory of a batch, and the batch size for a device.

use cytoshade_core::{Description, Plan, Storage};
use cytoshade_shaders::Precision;

use super::{Network, Size};
use crate::error::Error;
use crate::operators::convolution::Scratch;

/// Bytes of device memory of a batch of `tiles` tiles of `height` x `width` pixels.
///
/// Excludes the weights. Activations are stored in `precision`, everything else in f32. Channel counts are padded to
/// multiples of 4, and tensors share buffers as planned ([`Plan::total_len`]). Adds the input once and the output twice
/// (for reading back) as planes, the plan's vectors, and the style once more. Excludes the driver's own copy of the
/// input.
pub fn memory(plan: &Plan, precision: Precision, tiles: usize, height: usize, width: usize) -> u64 {
    let [inputs, outputs] = [plan.input(), plan.output()].map(|id| plan[id].channels());
    let planes = (inputs + 2 * outputs) * height * width;
    let style = plan.style().map_or(0, |style| plan[style].channels().next_multiple_of(4));
    let vectors = plan.total_len(Storage::Vectors, height, width, 4) + style;
    let activations = precision.bytes() * plan.total_len(Storage::Activations, height, width, 4);
    (tiles * (activations + 4 * (planes + vectors))) as u64
}

impl Network {
    /// The largest scratch of the convolutions for a number of tiles.
    pub(super) fn scratch(&self, tiles: usize, size: Size) -> Scratch {
        let fitting = self.layers.values().filter(|layer| !self.exceeds_binding(layer, size));
        fitting.map(|layer| layer.scratch(tiles, size)).fold(Scratch::default(), Scratch::max)
    }

    /// Bytes of device memory of a batch, without the weights.
    ///
    /// The sum of [`memory`] and the scratch of Winograd convolutions.
    pub fn memory(&self, tiles: usize, height: usize, width: usize) -> u64 {
        let scratch = self.scratch(tiles, [height, width]).total();
        memory(&self.plan, self.options.precision, tiles, height, width) + scratch
    }

    /// Maximum number of tiles of `height` x `width` pixels per submission; 0 if not even one fits.
    ///
    /// The network must be [prepared](Network::prepare) for them.
    pub fn max_batch(&self, height: usize, width: usize) -> usize {
        let largest = self.largest(height, width);
        let binding = self.gpu.largest_binding() / largest.max(1);
        // Tiles are the third dimension of the convolutions' grid.
        binding.min(u64::from(self.gpu.limits().max_compute_workgroups_per_dimension)) as usize
    }

    /// [`Network::max_batch`], with an error if not even one tile fits.
    pub(super) fn most(&self, height: usize, width: usize) -> Result<usize, Error> {
        let most = self.max_batch(height, width);
        if most == 0 {
            self.gpu.check_binding("a tile's intermediates", self.largest(height, width))?;
        }
        for (_, layer) in self.lacking([height, width]) {
            self.gpu.check_binding("a Winograd convolution", layer.scratch(1, [height, width]).largest())?;
        }
        Ok(most.max(1))
    }

    /// Bytes of the largest buffer for one tile.
    fn largest(&self, height: usize, width: usize) -> u64 {
        let plan = &self.plan;
        let buffers = plan.buffers().iter().enumerate().map(|(at, buffer)| {
            let bytes = match buffer.storage() {
                Storage::Activations => self.options.precision.bytes(),
                Storage::Vectors => 4,
            };
            bytes * plan.buffer_len(at, height, width, 4)
        });
        let Description { inputs, outputs, .. } = self.description;
        let planes = inputs.max(outputs.count) * height * width;
        let largest = buffers.chain([4 * planes]).max().unwrap_or(0) as u64;
        largest.max(self.scratch(1, [height, width]).largest())
    }
}

#[cfg(test)]
mod tests {
    use cytoshade_core::arch::unet::UNet;

    use super::*;

    #[test]
    fn memory_grows_with_tiles_and_is_what_its_documentation_says() {
        let plan = UNet::new(vec![2, 32, 64, 128, 256], 3).unwrap().plan().unwrap();
        let one = memory(&plan, Precision::F32, 1, 224, 224);
        assert_eq!(memory(&plan, Precision::F32, 8, 224, 224), 8 * one);
        let planes = 4 * (2 + 3 + 3) * 224 * 224;
        let styles = 4 * (2 * 256 + 3 * (32 + 64 + 128 + 256));
        assert_eq!(one, (4 * plan.total_len(Storage::Activations, 224, 224, 4) + planes + styles) as u64);
    }
}
