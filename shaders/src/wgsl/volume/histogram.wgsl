// Counts the end points on each voxel, truncated and clamped to the volume.
//
// Grid: one invocation per voxel, 16 x 4 x 1 per workgroup.

struct Params {
    /// Size of the volume.
    width: u32,
    height: u32,
    depth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [voxel]: (z, y, x) of its end point, and 1 if it is followed.
@group(0) @binding(1) var<storage, read> positions: array<vec4f>;
// [voxel]. Initially zero.
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(16, 4)
fn histogram(@builtin(global_invocation_id) xyz: vec3u) {
    if is_outside(xyz.zyx) {
        return;
    }
    let end = positions[place_of(xyz.zyx)];
    if end.w != 0.0 {
        atomicAdd(&counts[bin_of(end.xyz)], 1u);
    }
}
