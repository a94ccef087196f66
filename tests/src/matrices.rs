//! Subgroup matrices of 16 x 16 on devices without them.
//!
//! Runs the shader's own text with the matrix operations replaced by scalar code. The rest is unchanged: addresses and
//! strides of the matrices, staging, edges.

use cytoshade_gpu::{Capabilities, DeviceOverride};

/// Devices that report matrices of 16 x 16, with subgroups of 32 or 64 invocations.
pub const DEVICE_OVERRIDES: [(u32, DeviceOverride); 2] = [
    (32, DeviceOverride { capabilities: |capabilities| matrices_of_16(capabilities, 32), source: without_matrices }),
    (64, DeviceOverride { capabilities: |capabilities| matrices_of_16(capabilities, 64), source: without_matrices }),
];

fn matrices_of_16(capabilities: &mut Capabilities, subgroup: u32) {
    capabilities.matrices = vec![16];
    capabilities.subgroups = Some((subgroup, subgroup));
    capabilities.matrix_subgroup = Some(subgroup);
    // Matrices are the default only on hardware.
    capabilities.software = false;
    // The shader needs more than llvmpipe has; with results in f16 it needs less.
    capabilities.workgroup_memory = capabilities.workgroup_memory.max(48 << 10);
}

/// A shader's source with the operations on matrices replaced.
fn without_matrices(source: String) -> String {
    if !source.contains("coopMultiplyAdd") {
        return source;
    }
    let replaced = [
        ("enable wgpu_cooperative_matrix;\n", ""),
        ("const SIDE = 16u;\n", ""),
        ("alias Pixels = coop_mat16x16<f16, A>;\n", ""),
        ("alias Weights = coop_mat16x16<f16, B>;\n", ""),
        ("alias Sums = coop_mat16x16<f32, C>;\n", include_str!("matrices.wgsl")),
        ("    @builtin(subgroup_id) subgroup: u32,\n", ""),
        (
            "    @builtin(subgroup_invocation_id) lane: u32,\n) {\n",
            ") {\n    let subgroup = index / (LANES / 4u);\n    let lane = index % (LANES / 4u);\n",
        ),
        ("coopLoadT<Pixels>(&halo[", "Factor(("),
        ("coopLoad<Weights>(&kernel[", "Factor(("),
        ("][0], SIDE);", "), QUADS);"),
        ("coopMultiplyAdd(", "multiply_add_matrices(lane, "),
        ("coopStoreT(", "store_matrix(lane, "),
        (", &results[", ", ("),
        ("], 2u * SIDE);", "), 2u * SIDE);"),
        ("results: array<f32, 4u", "results: array<f16, 4u"),
        (
            "vec4f(results[at], results[at + 1u], results[at + 2u], results[at + 3u])",
            "vec4f(vec4h(results[at], results[at + 1u], results[at + 2u], results[at + 3u]))",
        ),
    ];
    let mut text = source;
    for (from, to) in replaced {
        assert!(text.contains(from), "the shader on matrices no longer contains {from:?}");
        text = text.replace(from, to);
    }
    assert!(!text.contains("coop"), "the shader on matrices has an operation without a replacement");
    text
}
