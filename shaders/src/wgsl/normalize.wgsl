// Intensities to a range: (value - low) / range, 0 where there is no range.
//
// Grid: one invocation a value of a block, 64 a workgroup, workgroups counted row by row over x and y; z blocks.

struct Params {
    /// Values of a block, which share a bound.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [block]: low, what its rounding to f32 left of it, range, and 1 where the result is inverted.
@group(0) @binding(1) var<storage, read> bounds: array<vec4f>;
// [block][value].
@group(0) @binding(2) var<storage, read_write> planes: array<f32>;

@compute @workgroup_size(64)
fn normalize_planes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let within = (group.y * groups.x + group.x) * 64u + lane;
    if within >= params.count {
        return;
    }
    let at = group.z * params.count + within;
    let bound = bounds[group.z];
    var value = 0.0;
    if bound.z > 0.0 {
        value = ((planes[at] - bound.x) - bound.y) / bound.z;
    }
    if bound.w > 0.0 {
        value = 1.0 - value;
    }
    planes[at] = value;
}
