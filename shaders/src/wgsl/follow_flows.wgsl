// Runs some steps of the Euler integration of the flows.
//
// p = clamp(p + field(p), plane), as in the reference's `steps_interp` with `map_coordinates` and, without INTERP, `steps2D`.
//
// Grid: one invocation per pixel, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// Steps of this dispatch.
    steps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel]: (dy, dx) of a step.
@group(0) @binding(1) var<storage, read> field: array<vec2f>;
// [pixel]: (y, x) so far, negative if the pixel is not followed.
@group(0) @binding(2) var<storage, read_write> positions: array<vec2f>;

// Whether to interpolate bilinearly between the four pixels around a position, or to truncate it.
override INTERP: bool = true;

fn step_at(p: vec2f, last: vec2u) -> vec2f {
    // Positions are never negative; the minimum keeps even NaN inside the plane.
    let near = min(vec2u(p), last);
    let corner = near.x * params.width + near.y;
    if !INTERP {
        return field[corner];
    }
    let far = min(near + 1u, last);
    let f = p - vec2f(near);
    let g = 1.0 - f;
    return field[corner] * (g.x * g.y)
        + field[near.x * params.width + far.y] * (g.x * f.y)
        + field[far.x * params.width + near.y] * (f.x * g.y)
        + field[far.x * params.width + far.y] * (f.x * f.y);
}

@compute @workgroup_size(16, 4)
fn follow_flows(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let at = place.y * params.width + place.x;
    var p = positions[at];
    if p.x < 0.0 {
        return;
    }
    let last = vec2u(params.height - 1u, params.width - 1u);
    let bound = vec2f(last);
    for (var step = 0u; step < params.steps; step++) {
        let next = clamp(p + step_at(p, last), vec2f(), bound);
        if all(next == p) {
            // All later steps would be the same.
            break;
        }
        p = next;
    }
    positions[at] = p;
}
