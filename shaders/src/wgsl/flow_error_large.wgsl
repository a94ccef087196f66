// The flow error of masks of any size, from the heat of `diffuse`.
//
// Grid: one workgroup per tile of 16 x 16 of a mask's box, linear.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// Tiles.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<Box>;
// [tile]: box, and number of the tile in it, row by row.
@group(0) @binding(2) var<storage, read> tiles: array<vec2u>;
// [pixel].
@group(0) @binding(3) var<storage, read> labels: array<u32>;
// [2 or more][pixel]: dY and dX, the network's outputs.
@group(0) @binding(4) var<storage, read> planes: array<f32>;
// [pixel].
@group(0) @binding(5) var<storage, read> heat: array<f32>;
// [tile]: the sums of the squared differences and of the bounds of their rounding.
@group(0) @binding(6) var<storage, read_write> errors: array<vec2f>;

var<workgroup> sums: array<vec2f, 256>;

fn heat_at(label: u32, place: vec2u) -> f32 {
    let at = place.x * params.width + place.y;
    if all(place < vec2u(params.height, params.width)) {
        if labels[at] == label {
            return heat[at];
        }
    }
    return 0.0;
}

@compute @workgroup_size(16, 16)
fn flow_error_large(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) local: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = workgroup_number(group, groups);
    var sum = vec2f();
    if tile < params.count {
        let box = boxes[tiles[tile].x];
        let place = place_in(box, tiles[tile].y, local.yx);
        let at = place.x * params.width + place.y;
        if all(place < vec2u(box.top + box.height, box.left + box.width) - 2u) {
            if labels[at] == box.label {
                let up = heat_at(box.label, place - vec2u(1u, 0u));
                let down = heat_at(box.label, place + vec2u(1u, 0u));
                let left = heat_at(box.label, place - vec2u(0u, 1u));
                let right = heat_at(box.label, place + vec2u(0u, 1u));
                let network = vec2f(planes[at], planes[params.width * params.height + at]);
                sum = difference(up, down, left, right, network);
            }
        }
    }
    sums[lane] = sum;
    for (var half = 128u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    if lane == 0u {
        if tile < params.count {
            errors[tile] = sums[0];
        }
    }
}
