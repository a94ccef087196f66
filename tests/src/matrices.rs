//! Subgroup matrices of 16 x 16 on devices that have none: the shader's own text with the operations on matrices worked
//! out value by value. So all else in it runs as it stands: which places it loads matrices from and stores them to, at
//! what distances, what is staged where and when, and what it does at the edges.

use cytoshade_gpu::{Capabilities, DeviceOverride};

/// Devices with matrices of 16 x 16 and subgroups of 32 or 64 invocations.
pub const DEVICE_OVERRIDES: [(u32, DeviceOverride); 2] = [
    (32, DeviceOverride { capabilities: |capabilities| matrices_of_16(capabilities, 32), source: without_matrices }),
    (64, DeviceOverride { capabilities: |capabilities| matrices_of_16(capabilities, 64), source: without_matrices }),
];

fn matrices_of_16(capabilities: &mut Capabilities, subgroup: u32) {
    capabilities.matrices = vec![16];
    capabilities.subgroups = Some((subgroup, subgroup));
    // On hardware matrices are the default.
    capabilities.software = false;
    // With results in f16 less will do.
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
        ("coopLoadT<Weights>(&kernel[", "Factor(("),
        ("], SIDE);", "), SIDE);"),
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
        assert!(text.contains(from), "the shader on matrices has no {from:?} any more");
        text = text.replace(from, to);
    }
    assert!(!text.contains("coop"), "the shader on matrices has an operation that is not replaced");
    text
}
