// Resizes planes by bilinear interpolation at given positions.
//
// Grid: one invocation per pixel of the result, in all channels, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the source.
    from_width: u32,
    from_height: u32,
    /// Width and height of the result.
    width: u32,
    height: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [channel][row][column].
@group(0) @binding(1) var<storage, read> source: array<f32>;
// [row, then column of the result]: the sample before it, and the bits of the weight of the next sample.
@group(0) @binding(2) var<storage, read> places: array<vec2u>;
// [channel][row][column].
@group(0) @binding(3) var<storage, read_write> resized: array<f32>;

// A row of the source between two columns: that of `x` and the next one.
fn across(row: u32, x: vec2u, next: u32) -> f32 {
    let weight = bitcast<f32>(x.y);
    return source[row + x.x] * (1.0 - weight) + source[row + next] * weight;
}

@compute @workgroup_size(16, 4)
fn resize(@builtin(global_invocation_id) place: vec3u) {
    if place.x >= params.width || place.y >= params.height {
        return;
    }
    let y = places[place.y];
    let x = places[params.height + place.x];
    let weight = bitcast<f32>(y.y);
    let next = min(x.x + 1u, params.from_width - 1u);
    var above = y.x * params.from_width;
    var below = min(y.x + 1u, params.from_height - 1u) * params.from_width;
    var at = place.y * params.width + place.x;
    for (var channel = 0u; channel < params.channels; channel++) {
        resized[at] = across(above, x, next) * (1.0 - weight) + across(below, x, next) * weight;
        above += params.from_height * params.from_width;
        below += params.from_height * params.from_width;
        at += params.height * params.width;
    }
}
