// The steps of the Euler integration: a fifth of the flow where a pixel takes part, else zero, (dy, dx) together.
//
// Grid: one invocation a pixel, 64 a workgroup, workgroups counted row by row over x and y.

struct Params {
    /// Pixels of the plane.
    pixels: u32,
    /// Pixels whose cellprob is above this take part.
    threshold: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel]: dY and dX as the network gives them.
@group(0) @binding(1) var<storage, read> flow_y: array<f32>;
@group(0) @binding(2) var<storage, read> flow_x: array<f32>;
// [pixel].
@group(0) @binding(3) var<storage, read> cellprob: array<f32>;
// [pixel].
@group(0) @binding(4) var<storage, read_write> field: array<vec2f>;

@compute @workgroup_size(64)
fn flow_field(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * groups.x + group.x) * 64u + lane;
    if at >= params.pixels {
        return;
    }
    var value = vec2f();
    if cellprob[at] > params.threshold {
        value = vec2f(flow_y[at], flow_x[at]) / 5.0;
    }
    field[at] = value;
}
