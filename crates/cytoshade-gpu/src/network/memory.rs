//! The memory of a batch, and the batches that a device can take.

use cytoshade_core::{Plan, Step};
use cytoshade_shaders::Precision;

use super::{Network, Size};
use crate::error::Error;
use crate::operators::convolution::Scratch;

/// Bytes of device memory of a batch of `tiles` tiles of `height` x `width` pixels.
///
/// The weights come on top. Intermediates are stored in `precision`, everything else in f32. Intermediates have their channel counts padded to
/// multiples of 4 and share buffers as the plan says ([`Plan::total_len`]). To these add the input once and the output
/// twice (for reading it back) as planes, the style vector twice, and its projections. The driver's own copies of uploads
/// come on top: the input once.
pub fn memory(plan: &Plan, precision: Precision, tiles: usize, height: usize, width: usize) -> u64 {
    let planes = (plan.input.channels + 2 * plan.output.channels) * height * width;
    let styles = 2 * style_channels(plan).next_multiple_of(4) + plan.style_features;
    (tiles * (precision.bytes() * plan.total_len(height, width, 4) + 4 * (planes + styles))) as u64
}

/// Channels of the style vector.
pub(super) fn style_channels(plan: &Plan) -> usize {
    let sources = plan.steps.iter().filter_map(|step| match step {
        Step::Style { source } => Some(source.channels),
        _ => None,
    });
    sources.max().unwrap_or(0)
}

impl Network {
    /// The largest scratch of the convolutions for a number of tiles.
    pub(super) fn scratch(&self, tiles: usize, size: Size) -> Scratch {
        let fitting = self.layers.values().filter(|layer| !self.exceeds_binding(layer, size));
        fitting.map(|layer| layer.scratch(tiles, size)).fold(Scratch::default(), Scratch::max)
    }

    /// Bytes of device memory of a batch, without the weights.
    ///
    /// They are those of [`memory`] and of the buffers between the dispatches of Winograd convolutions.
    pub fn memory(&self, tiles: usize, height: usize, width: usize) -> u64 {
        let scratch = self.scratch(tiles, [height, width]).total();
        memory(&self.plan, self.options.precision, tiles, height, width) + scratch
    }

    /// Most tiles of `height` x `width` pixels of one submission on this device; 0 if not even one fits.
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
        let bytes = self.options.precision.bytes();
        let intermediates = (0..plan.buffers()).map(|buffer| bytes * plan.buffer_len(buffer, height, width, 4));
        let planes = plan.input.channels.max(plan.output.channels) * height * width;
        let largest = intermediates.chain([4 * planes, 4 * plan.style_features]).max().unwrap_or(0) as u64;
        largest.max(self.scratch(1, [height, width]).largest())
    }
}

#[cfg(test)]
mod tests {
    use cytoshade_core::Shape;

    use super::*;

    #[test]
    fn memory_grows_with_tiles_and_is_what_its_documentation_says() {
        let plan = Plan::fused(&Shape::new(vec![2, 32, 64, 128, 256], 3).unwrap());
        let one = memory(&plan, Precision::F32, 1, 224, 224);
        assert_eq!(memory(&plan, Precision::F32, 8, 224, 224), 8 * one);
        let planes = 4 * (2 + 3 + 3) * 224 * 224;
        let styles = 4 * (2 * 256 + plan.style_features);
        assert_eq!(one, (4 * plan.total_len(224, 224, 4) + planes + styles) as u64);
    }
}
