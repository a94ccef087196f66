// Maps intensities by a range: (value - low) / range, 0 for an empty range.
//
// Grid: one invocation per value of a block, linear; z blocks.

struct Params {
    /// Values of a block, which share a bound.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [block]: low, the remainder of its rounding to f32, range, and 1 if the result is inverted.
@group(0) @binding(1) var<storage, read> bounds: array<vec4f>;
// [block][value].
@group(0) @binding(2) var<storage, read_write> planes: array<f32>;

@compute @workgroup_size(LINEAR_WORKGROUP)
fn normalize_planes(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let within = invocation_number(group, groups, lane);
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
