// How many end points fall on each pixel: truncated, kept inside of the plane, counted with a margin of zeros.
//
// Grid: one invocation an end point, 64 a workgroup, workgroups counted row by row over x and y.

struct Params {
    /// Width and height of the plane, without the margin.
    width: u32,
    height: u32,
    /// End points.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [end point]: (y, x).
@group(0) @binding(1) var<storage, read> positions: array<vec2f>;
// [height + 2 * MARGIN][width + 2 * MARGIN], zero at first.
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

// Bins around the plane on each side (`rpad` in the reference).
const MARGIN = 20u;

@compute @workgroup_size(64)
fn histogram(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * groups.x + group.x) * 64u + lane;
    if at >= params.count {
        return;
    }
    let bin = min(vec2u(max(positions[at], vec2f())), vec2u(params.height - 1u, params.width - 1u)) + MARGIN;
    atomicAdd(&counts[bin.x * (params.width + 2u * MARGIN) + bin.y], 1u);
}
