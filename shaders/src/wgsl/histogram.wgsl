// Counts the end points on each pixel.
//
// End points are truncated and clamped to the plane, around which the histogram has a margin of zeros.
//
// Grid: one invocation per pixel, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane, without the margin.
    width: u32,
    height: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel]: (y, x) of its end point, negative if it is not followed.
@group(0) @binding(1) var<storage, read> positions: array<vec2f>;
// [height + 2 * MARGIN][width + 2 * MARGIN]. Initially zero.
@group(0) @binding(2) var<storage, read_write> counts: array<atomic<u32>>;

@compute @workgroup_size(16, 4)
fn histogram(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let end = positions[place.y * params.width + place.x];
    if end.x >= 0.0 {
        atomicAdd(&counts[bin_of(end, params.width, params.height)], 1u);
    }
}
