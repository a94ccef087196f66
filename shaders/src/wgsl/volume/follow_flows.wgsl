// Runs some steps of the Euler integration of 3-D flows.
//
// Follows the reference's `steps_interp` with torch's `grid_sample` and, without INTERP, `steps3D`. Points move in
// coordinates from the first voxel's center to the last one's, but the field is sampled as if they ran from border to
// border: up to half a voxel off.
//
// Grid: one invocation per voxel, 16 x 4 x 1 per workgroup.

struct Params {
    /// Size of the volume.
    width: u32,
    height: u32,
    depth: u32,
    /// Steps of this dispatch.
    steps: u32,
    /// 1 if these are the last, after which positions are in voxels; else 0.
    finish: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [voxel]: (dz, dy, dx) of a step.
@group(0) @binding(1) var<storage, read> field: array<vec4f>;
// [voxel]: (z, y, x) so far, and 1 if the voxel is followed.
@group(0) @binding(2) var<storage, read_write> positions: array<vec4f>;

// Whether to interpolate trilinearly between the eight voxels around a position, or to truncate it.
override INTERP: bool = true;

// Two neighbours in X, and their weights.
struct Pair {
    low: u32,
    high: u32,
    weights: vec2f,
}

fn sum_of(row: u32, pair: Pair, y: f32, z: f32) -> vec4f {
    return field[row + pair.low] * (pair.weights.x * y * z) + field[row + pair.high] * (pair.weights.y * y * z);
}

fn step_between(p: vec3f) -> vec3f {
    let last = vec3i(last_place());
    let at = ((p + 1.0) * vec3f(last + 1) - 1.0) / 2.0;
    let before = floor(at);
    // Voxels outside have the weight 0.
    let low = vec3i(before);
    let lower = select((before + 1.0) - at, vec3f(), low < vec3i());
    let upper = select(at - before, vec3f(), low >= last);
    let near = vec3u(clamp(low, vec3i(), last));
    let far = vec3u(clamp(low + 1, vec3i(), last));
    let pair = Pair(near.z, far.z, vec2f(lower.z, upper.z));
    return (sum_of(place_of(vec3u(near.x, near.y, 0u)), pair, lower.y, lower.x)
        + sum_of(place_of(vec3u(near.x, far.y, 0u)), pair, upper.y, lower.x)
        + sum_of(place_of(vec3u(far.x, near.y, 0u)), pair, lower.y, upper.x)
        + sum_of(place_of(vec3u(far.x, far.y, 0u)), pair, upper.y, upper.x)).xyz;
}

@compute @workgroup_size(16, 4)
fn follow_flows(@builtin(global_invocation_id) xyz: vec3u) {
    if is_outside(xyz.zyx) {
        return;
    }
    let at = place_of(xyz.zyx);
    if positions[at].w == 0.0 {
        return;
    }
    let end = vec3f(last_place());
    var p = positions[at].xyz;
    // Near a sink the rounded steps soon repeat in a small cycle. Once a position repeats, whole cycles can be skipped
    // (Brent's cycle detection).
    var kept = p;
    var kept_at = 0u;
    var stop = params.steps;
    for (var done = 1u; done <= stop; done++) {
        if INTERP {
            p = clamp(p + step_between(p), vec3f(-1.0), vec3f(1.0));
        } else {
            p = clamp(p + field[bin_of(p)].xyz, vec3f(), end);
        }
        if all(p == kept) {
            stop = done + (stop - done) % (done - kept_at);
        } else if done >= 2u * kept_at {
            kept = p;
            kept_at = done;
        }
    }
    if params.finish != 0u {
        p = select(p, (p + 1.0) * 0.5 * end, INTERP);
    }
    positions[at] = vec4f(p, 1.0);
}
