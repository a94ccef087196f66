// Renumbers labels, at the same size or another.
//
// Each pixel takes the new number of the label at its row and column of the source.
//
// Grid: one invocation per pixel of the target, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the target.
    width: u32,
    height: u32,
    /// Width of the source.
    source_width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel of the source].
@group(0) @binding(1) var<storage, read> source: array<u32>;
// [label]: its new number.
@group(0) @binding(2) var<storage, read> numbers: array<u32>;
// [row, then column]: its row, or column, of the source.
@group(0) @binding(3) var<storage, read> places: array<u32>;
// [pixel of the target].
@group(0) @binding(4) var<storage, read_write> labels: array<u32>;

@compute @workgroup_size(16, 4)
fn relabel(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let at = places[place.y] * params.source_width + places[params.height + place.x];
    labels[place.y * params.width + place.x] = numbers[source[at]];
}
