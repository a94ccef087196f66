// Prepares the Euler integration: the start and the step of each pixel.
//
// A followed pixel starts at itself, and its step is a fifth of its flow. The others start at (-1, -1), with no
// step.
//
// Grid: one invocation per pixel, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// The row of the whole plane at which this one begins.
    first: u32,
    /// Pixels with a cellprob above this are followed.
    threshold: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [3 or more][pixel]: dY, dX and cellprob, the network's outputs.
@group(0) @binding(1) var<storage, read> planes: array<f32>;
// [pixel]: (dy, dx) of a step.
@group(0) @binding(2) var<storage, read_write> field: array<vec2f>;
// [pixel]: (y, x).
@group(0) @binding(3) var<storage, read_write> positions: array<vec2f>;

@compute @workgroup_size(16, 4)
fn flow_field(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let pixels = params.width * params.height;
    let at = place.y * params.width + place.x;
    var step = vec2f();
    var position = vec2f(-1.0);
    if planes[2u * pixels + at] > params.threshold {
        step = vec2f(planes[at], planes[pixels + at]) / 5.0;
        position = vec2f(vec2u(place.y + params.first, place.x));
    }
    field[at] = step;
    positions[at] = position;
}
