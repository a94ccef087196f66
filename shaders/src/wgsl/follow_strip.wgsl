// Runs some steps of the Euler integration in a plane that is too large for one binding.
//
// Like `follow_flows`; the pixels of a strip move while they are in a window of the plane.
//
// Grid: one invocation per pixel of the strip, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// Rows of a strip; the last one may have fewer.
    rows: u32,
    /// The strip's first row in `positions`, and its number of rows.
    skip: u32,
    count: u32,
    /// The window's first row, and the end of the rows from which a step is possible.
    first: u32,
    end: u32,
    /// Steps in total after this dispatch, for pixels that stay in the window.
    steps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel of the window]: (dy, dx) of a step. Includes row `end`, if the plane has it.
@group(0) @binding(1) var<storage, read> field: array<vec2f>;
// [pixel of the strip's window]: (y, x) in the plane so far, negative if the pixel is not followed.
@group(0) @binding(2) var<storage, read_write> positions: array<vec2f>;
// [pixel of the strip]: steps so far.
@group(0) @binding(3) var<storage, read_write> made: array<u32>;
// [strip]: the pixels that wait in it for more steps. Initially zero.
@group(0) @binding(4) var<storage, read_write> waiting: array<atomic<u32>>;

// Whether to interpolate bilinearly between the four pixels around a position, or to truncate it.
override INTERP: bool = true;

fn field_at(row: u32, column: u32) -> vec2f {
    return field[(row - params.first) * params.width + column];
}

fn step_at(p: vec2f, near: vec2u, last: vec2u) -> vec2f {
    if !INTERP {
        return field_at(near.x, near.y);
    }
    let far = min(near + 1u, last);
    let f = p - vec2f(near);
    let g = 1.0 - f;
    return field_at(near.x, near.y) * (g.x * g.y)
        + field_at(near.x, far.y) * (g.x * f.y)
        + field_at(far.x, near.y) * (f.x * g.y)
        + field_at(far.x, far.y) * (f.x * f.y);
}

@compute @workgroup_size(16, 4)
fn follow_strip(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.count)) {
        return;
    }
    let pixel = place.y * params.width + place.x;
    let at = params.skip * params.width + pixel;
    var p = positions[at];
    if p.x < 0.0 {
        return;
    }
    let last = vec2u(params.height - 1u, params.width - 1u);
    var near = min(vec2u(p), last);
    var step = made[pixel];
    while step < params.steps {
        if near.x < params.first {
            break;
        }
        if near.x >= params.end {
            break;
        }
        let next = clamp(p + step_at(p, near, last), vec2f(), vec2f(last));
        step++;
        if all(next == p) {
            // Every further step would be the same.
            step = 0xffffffffu;
        }
        p = next;
        near = min(vec2u(p), last);
    }
    positions[at] = p;
    made[pixel] = step;
    if step < params.steps {
        atomicAdd(&waiting[near.x / params.rows], 1u);
    }
}
