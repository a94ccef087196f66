//! 3x3 convolution on subgroup matrices (tensor cores), f16 times f16 into f32.

use cytoshade_core::Conv;
use cytoshade_shaders::{self as shaders, Precision, Shader, overrides};

use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::operators::convolution::{ConvAlgorithm, Geometry, Layer};
use crate::operators::weights::{Counts, Order, Weight};

/// Subgroups per workgroup.
const SUBGROUPS: u32 = 4;

/// The largest subgroup size: [`SUBGROUPS`] of them reach WebGPU's maximum workgroup size.
const LARGEST_SUBGROUP: u32 = 64;

/// Rows of pixels per workgroup, if its subgroups do not share them.
const ROWS: u32 = 16;

/// [`super::ConvKernel::Matrix`]: like `Gemm`, on the largest suitable matrices.
///
/// A geometry's columns are their side.
#[derive(Debug)]
pub(super) struct Matrix;

impl ConvAlgorithm for Matrix {
    fn applies(&self, capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
        if layer.precision != Precision::F16 {
            return Err(Unsupported::OnlyF16);
        }
        let (smallest, largest) = capabilities.subgroups.ok_or(Unsupported::NoSubgroups)?;
        if capabilities.matrices.is_empty() {
            return Err(Unsupported::NoMatrices);
        }
        let uneven = Unsupported::UnevenSubgroups { smallest, largest };
        let subgroup = capabilities.matrix_subgroup.ok_or(uneven)?;
        let mut declined = Unsupported::NoMatrices;
        for side in [16, 8].into_iter().filter(|side| capabilities.matrices.contains(side)) {
            match of_side(side, subgroup, capabilities.workgroup_memory, layer.outputs) {
                Ok(geometry) => return Ok(geometry),
                Err(why) => declined = why,
            }
        }
        Err(declined)
    }

    /// GPUs are compute-bound, and matrices have the highest throughput.
    fn is_preferred(&self, capabilities: &Capabilities, _: &Layer) -> bool {
        !capabilities.software
    }

    fn shader(&self, geometry: &Geometry) -> &'static Shader {
        if geometry.columns == shaders::conv3x3_matrix8::SIDE {
            &shaders::CONV3X3_MATRIX8
        } else {
            &shaders::CONV3X3_MATRIX16
        }
    }

    fn constants(&self, capabilities: &Capabilities, geometry: &Geometry) -> Vec<(&'static str, u32)> {
        let subgroup = capabilities.matrix_subgroup.unwrap_or_default();
        let split = geometry.channels / (2 * geometry.columns);
        vec![(overrides::LANES, SUBGROUPS * subgroup), (overrides::SPLIT, split)]
    }

    fn weights(&self, geometry: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        order(geometry.columns as usize, geometry.channels as usize).pack(conv, shortcut)
    }
}

/// The geometry for matrices of a given side.
fn of_side(side: u32, subgroup: u32, memory: u32, outputs: usize) -> Result<Geometry, Unsupported> {
    // An invocation stages 6 vec4s of weights per step.
    let lanes = side * side / 8;
    if subgroup < lanes {
        return Err(Unsupported::SmallSubgroups { found: subgroup, needed: lanes });
    }
    if subgroup > LARGEST_SUBGROUP {
        return Err(Unsupported::LargeSubgroups { found: subgroup, allowed: LARGEST_SUBGROUP });
    }
    let split = if outputs > 2 * side as usize { 2 } else { 1 };
    // Two buffers of f16 (rows of pixels and tiles of weights), and 8 tiles of results in f32.
    let needed = 2 * 2 * ((ROWS / split + 2) * (side + 2) * side + 6 * split * side * side) + 4 * 8 * side * side;
    if memory < needed {
        return Err(Unsupported::WorkgroupMemory { found: memory, needed });
    }
    Ok(Geometry { columns: side, rows: ROWS / split, channels: 2 * side * split })
}

/// [input / side][kernel x][kernel y][output / side][output % side][input % side].
///
/// Output channels are padded to a multiple of `block`, the output channels of a workgroup.
fn order(side: usize, block: usize) -> Order {
    Order {
        padding: (side, block),
        index: |(side, block), Counts { outputs, kernel, .. }, Weight { output, input, y, x }| {
            let row = (input / side * kernel + x) * kernel + y;
            let tile = row * (outputs.next_multiple_of(block) / side) + output / side;
            (tile * side + output % side) * side + input % side
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operators::weights::tests::assert_is_injective;

    #[test]
    fn every_weight_has_an_index_of_its_own() {
        assert_is_injective(order(8, 16));
        assert_is_injective(order(16, 64));
    }

    #[test]
    fn matrices_run_in_f16_on_devices_that_have_them() {
        let half = Layer { inputs: 64, outputs: 64, shortcut: 0, precision: Precision::F16 };
        let gpu = Capabilities {
            subgroups: Some((32, 32)),
            matrix_subgroup: Some(32),
            workgroup_memory: 48 << 10,
            f16: true,
            ..Capabilities::default()
        };
        let h100 = Capabilities { matrices: vec![16], ..gpu.clone() };
        let apple = Capabilities { matrices: vec![8], workgroup_memory: 32 << 10, ..gpu.clone() };
        let run = |capabilities: &Capabilities, layer: &Layer| Matrix.applies(capabilities, layer);
        assert_eq!(run(&h100, &half), Ok(Geometry { columns: 16, rows: 8, channels: 64 }));
        assert_eq!(run(&h100, &Layer { outputs: 32, ..half }), Ok(Geometry { columns: 16, rows: 16, channels: 32 }));
        assert_eq!(run(&apple, &half), Ok(Geometry { columns: 8, rows: 8, channels: 32 }));
        for (capabilities, declined) in [
            (gpu, Unsupported::NoMatrices),
            (Capabilities { subgroups: None, ..h100.clone() }, Unsupported::NoSubgroups),
            (
                Capabilities { subgroups: Some((32, 64)), matrix_subgroup: None, ..h100.clone() },
                Unsupported::UnevenSubgroups { smallest: 32, largest: 64 },
            ),
            (
                Capabilities { matrix_subgroup: Some(16), ..h100.clone() },
                Unsupported::SmallSubgroups { found: 16, needed: 32 },
            ),
            (
                Capabilities { matrix_subgroup: Some(128), ..h100.clone() },
                Unsupported::LargeSubgroups { found: 128, allowed: 64 },
            ),
            (
                Capabilities { workgroup_memory: 31 << 10, ..h100.clone() },
                Unsupported::WorkgroupMemory { found: 31 << 10, needed: 32_000 },
            ),
        ] {
            assert_eq!(run(&capabilities, &half), Err(declined), "{capabilities:?}");
        }
        assert_eq!(run(&h100, &Layer { precision: Precision::F32, ..half }), Err(Unsupported::OnlyF16));
        // RDNA3, whose driver runs matrices in subgroups of 64.
        let rdna3 = Capabilities { subgroups: Some((32, 64)), matrix_subgroup: Some(64), ..h100.clone() };
        assert_eq!(run(&rdna3, &half), run(&h100, &half));
        // Both sizes, and memory for the smaller one only.
        let small = Capabilities { matrices: vec![8, 16], workgroup_memory: 16 << 10, ..h100 };
        assert_eq!(run(&small, &half).map(|geometry| geometry.columns), Ok(8));
    }
}
