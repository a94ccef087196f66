// Labels each pixel with the number of the seed that owns its end point's bin, else 0.
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
// [bin]: the output of `grow`.
@group(0) @binding(2) var<storage, read> grown: array<u32>;
// [bin]: the seeds of `grow`.
@group(0) @binding(3) var<storage, read> seeds: array<u32>;
// [pixel].
@group(0) @binding(4) var<storage, read_write> labels: array<u32>;

@compute @workgroup_size(16, 4)
fn label(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let at = place.y * params.width + place.x;
    let end = positions[at];
    var number = 0u;
    if end.x >= 0.0 {
        let bin = bin_of(end, params.width, params.height);
        let key = grown[bin];
        if key != 0u {
            let i = 120u - (key & 127u);
            let stride = params.width + 2u * MARGIN;
            number = seeds[bin + 5u * stride + 5u - (i / 11u) * stride - i % 11u];
        }
    }
    labels[at] = number;
}
