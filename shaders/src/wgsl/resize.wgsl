// Bilinear interpolation of planes at given places.
//
// Grid: one invocation a value of the result, 64 a workgroup, workgroups counted row by row over x and y.

struct Params {
    /// Width and height of the source.
    from_width: u32,
    from_height: u32,
    /// Width and height of the result.
    width: u32,
    height: u32,
    /// Values of the result.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [channel][row][column].
@group(0) @binding(1) var<storage, read> source: array<f32>;
// [row of the result, then column of it]: the sample before it, and the bits of the weight of the one after that.
@group(0) @binding(2) var<storage, read> places: array<vec2u>;
// [channel][row][column].
@group(0) @binding(3) var<storage, read_write> resized: array<f32>;

fn across(row: u32, x: vec2u) -> f32 {
    let weight = bitcast<f32>(x.y);
    let next = min(x.x + 1u, params.from_width - 1u);
    return source[row * params.from_width + x.x] * (1.0 - weight) + source[row * params.from_width + next] * weight;
}

@compute @workgroup_size(64)
fn resize(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * groups.x + group.x) * 64u + lane;
    if at >= params.count {
        return;
    }
    let row = at / params.width;
    let y = places[row % params.height];
    let x = places[params.height + at - row * params.width];
    let plane = row / params.height * params.from_height;
    let weight = bitcast<f32>(y.y);
    let next = min(y.x + 1u, params.from_height - 1u);
    resized[at] = across(plane + y.x, x) * (1.0 - weight) + across(plane + next, x) * weight;
}
