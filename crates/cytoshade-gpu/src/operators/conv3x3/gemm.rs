//! 3x3 convolution as an implicit matrix product through workgroup memory.

use cytoshade_core::Conv;
use cytoshade_shaders::{self as shaders, Shader, overrides};

use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::operators::convolution::{ConvAlgorithm, Geometry, Layer};
use crate::operators::weights::{Counts, Order, Weight};

/// Rows of pixels per workgroup times its groups of channels.
const ROWS_TIMES_GROUPS: u32 = shaders::conv3x3_gemm8::LANES / shaders::conv3x3_gemm8::RUNS;

/// The shader for groups of 4 output channels. Browser builds leave it out: a browser reports no subgroup sizes.
#[cfg(not(target_arch = "wasm32"))]
const NARROW: &Shader = &shaders::CONV3X3_GEMM4;
#[cfg(target_arch = "wasm32")]
const NARROW: &Shader = &shaders::CONV3X3_GEMM8;

/// Output channels per invocation, a group of channels in the shader: 4 or 8.
///
/// The registers of an invocation hold the sums of 7 pixels for each. 8 take the fewest loads; on Intel's GPUs their 56
/// sums do not fit.
fn group(capabilities: &Capabilities) -> u32 {
    if capabilities.has_few_registers() { 4 } else { 8 }
}

/// [`super::ConvKernel::Gemm`]: a workgroup stages pixels and weights for all its invocations.
#[derive(Debug)]
pub(super) struct Gemm;

impl Gemm {
    /// Output channels per invocation.
    fn group(geometry: &Geometry) -> u32 {
        geometry.channels * geometry.rows / ROWS_TIMES_GROUPS
    }
}

impl ConvAlgorithm for Gemm {
    fn applies(&self, capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
        let group = group(capabilities);
        // With 8 groups of 8, half of the invocations would idle on 32 channels or fewer.
        let groups = if group == 8 && layer.outputs <= 32 { 4 } else { 8 };
        let (columns, rows) = (shaders::conv3x3_gemm8::COLUMNS, ROWS_TIMES_GROUPS / groups);
        Ok(Geometry { columns, rows, channels: group * groups })
    }

    /// GPUs are compute-bound, and workgroup memory supplies the arithmetic best.
    fn is_preferred(&self, capabilities: &Capabilities, _: &Layer) -> bool {
        !capabilities.software
    }

    fn shader(&self, geometry: &Geometry) -> &'static Shader {
        if Self::group(geometry) == 4 { NARROW } else { &shaders::CONV3X3_GEMM8 }
    }

    fn constants(&self, _: &Capabilities, geometry: &Geometry) -> Vec<(&'static str, u32)> {
        vec![(overrides::CHANNEL_GROUPS, ROWS_TIMES_GROUPS / geometry.rows)]
    }

    fn weights(&self, _: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        ORDER.pack(conv, shortcut)
    }
}

/// [input / 4][kernel y][kernel x][input % 4][output / 4].
const ORDER: Order = Order {
    padding: (4, 4),
    index: |_, Counts { outputs, kernel, .. }, Weight { output, input, y, x }| {
        let row = ((input / 4 * kernel + y) * kernel + x) * 4 + input % 4;
        row * outputs.next_multiple_of(4) + output
    },
};

#[cfg(test)]
mod tests {
    use cytoshade_shaders::Precision;

    use super::*;
    use crate::operators::weights::tests::assert_is_injective;

    #[test]
    fn every_weight_has_an_index_of_its_own() {
        assert_is_injective(ORDER);
    }

    #[test]
    fn blocks_leave_nothing_over_at_the_published_sizes() {
        for (outputs, side) in [(32, 224), (64, 112), (128, 56), (256, 28)] {
            let layer = Layer { inputs: 64, outputs, shortcut: 0, precision: Precision::F32 };
            let intel = Capabilities { subgroups: Some((8, 32)), ..Capabilities::default() };
            for (capabilities, group) in [(Capabilities::default(), 8), (intel, 4)] {
                let geometry = Gemm.applies(&capabilities, &layer).unwrap();
                assert_eq!((side % geometry.columns, side % geometry.rows), (0, 0));
                assert_eq!((outputs as u32 % geometry.channels, Gemm::group(&geometry)), (0, group));
                let [x, y] = geometry.grid(side, side, outputs);
                let work = u64::from(geometry.columns * geometry.rows * geometry.channels);
                assert_eq!(x * y * work, u64::from(side * side) * outputs as u64);
            }
        }
    }
}
