// Finds the center of each label: the pixel nearest to the mean of its pixels, the first of equal ones.
//
// One dispatch finds the distances, a second one the pixels.
//
// Grid: one invocation per pixel, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// 0 for the distances, 1 for the pixels.
    pixels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel].
@group(0) @binding(1) var<storage, read> labels: array<u32>;
// [label]: row and column of the mean, truncated, and the bits of the fractions as f32: one f32 for both would be inexact.
@group(0) @binding(2) var<storage, read> means: array<vec4u>;
// [label][2]: complements of the bits of the squared distance and of the pixel. Zero at first.
@group(0) @binding(3) var<storage, read_write> nearest: array<atomic<u32>>;

@compute @workgroup_size(16, 4)
fn center(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let at = place.y * params.width + place.x;
    let label = labels[at];
    if label == 0u {
        return;
    }
    let mean = means[label];
    let off = vec2f(vec2i(place.yx) - vec2i(mean.xy)) - bitcast<vec2f>(mean.zw);
    // Non-negative numbers are ordered like their bits.
    let key = ~bitcast<u32>(dot(off, off));
    let best = atomicLoad(&nearest[2u * label]);
    if params.pixels == 0u {
        if key > best {
            atomicMax(&nearest[2u * label], key);
        }
    } else if key == best {
        atomicMax(&nearest[2u * label + 1u], ~at);
    }
}
