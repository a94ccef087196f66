// Euler integration as `follow_flows`, of planes that are too large for one binding: the pixels of a strip go on as long
// as they are in a window of the plane.
//
// Grid: one invocation a pixel of the strip, 16 x 4 a workgroup.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// Rows of a strip; the last one may have fewer.
    rows: u32,
    /// The strip's first row in `positions`, and how many it has.
    skip: u32,
    count: u32,
    /// The window's first row, and the row after its last one from which a step can be made.
    first: u32,
    end: u32,
    /// Steps to have been made after this dispatch, where the window allows it.
    steps: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel of the window]: (dy, dx) of a step. There is a row more than `end` says, where the plane has one.
@group(0) @binding(1) var<storage, read> field: array<vec2f>;
// [pixel of the strip and what lies round it]: (y, x) in the plane so far, negative where a pixel takes no part.
@group(0) @binding(2) var<storage, read_write> positions: array<vec2f>;
// [pixel of the strip]: steps made.
@group(0) @binding(3) var<storage, read_write> made: array<u32>;
// [strip]: how many pixels wait in each for more steps. Zero at first.
@group(0) @binding(4) var<storage, read_write> waiting: array<atomic<u32>>;

// Interpolate bilinearly between the four pixels around a position; otherwise take the one that it truncates to.
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
