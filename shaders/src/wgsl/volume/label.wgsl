// Labels each voxel with the number of the seed that owns its end point's bin, else 0.
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
// [bin]: the output of `grow`.
@group(0) @binding(2) var<storage, read> grown: array<u32>;
// [voxel].
@group(0) @binding(3) var<storage, read_write> labels: array<u32>;

@compute @workgroup_size(16, 4)
fn label(@builtin(global_invocation_id) xyz: vec3u) {
    if is_outside(xyz.zyx) {
        return;
    }
    let at = place_of(xyz.zyx);
    let end = positions[at];
    var number = 0u;
    if end.w != 0.0 {
        number = grown[bin_of(end.xyz)];
    }
    labels[at] = number;
}
