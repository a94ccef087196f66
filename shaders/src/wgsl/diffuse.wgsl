// One round of the heat diffusion in masks of any size.
//
// First adds one unit of heat to the mask's center. Each pixel then becomes the mean of its 3 x 3 neighbourhood, in
// which other labels count as 0. Masks whose rounds are over do not change; the number of rounds is even, so that their
// heat ends in the same buffer.
//
// Grid: one workgroup per tile of 16 x 16 of a mask's box, linear.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
    /// Tiles.
    count: u32,
    /// Rounds before this one.
    round: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> boxes: array<Box>;
// [tile]: box, and number of the tile in it, row by row.
@group(0) @binding(2) var<storage, read> tiles: array<vec2u>;
// [pixel].
@group(0) @binding(3) var<storage, read> labels: array<u32>;
// [label][2]: the output of `center`.
@group(0) @binding(4) var<storage, read> nearest: array<u32>;
// [pixel].
@group(0) @binding(5) var<storage, read> before: array<f32>;
@group(0) @binding(6) var<storage, read_write> heat: array<f32>;

@compute @workgroup_size(16, 16)
fn diffuse(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) local: vec3u,
) {
    let tile = workgroup_number(group, groups);
    if tile >= params.count {
        return;
    }
    let box = boxes[tiles[tile].x];
    let place = place_in(box, tiles[tile].y, local.yx);
    let at = place.x * params.width + place.y;
    if params.round >= 2u * (box.height + box.width) {
        return;
    }
    if any(place >= vec2u(box.top + box.height, box.left + box.width) - 2u) {
        return;
    }
    if labels[at] != box.label {
        return;
    }
    let center = ~nearest[2u * box.label + 1u];
    var sum = 0.0;
    for (var i = 0u; i < 9u; i++) {
        let near = place + vec2u(i / 3u, i % 3u) - 1u;
        let there = near.x * params.width + near.y;
        if all(near < vec2u(params.height, params.width)) {
            if labels[there] == box.label {
                sum += before[there] + f32(there == center);
            }
        }
    }
    heat[at] = 1.0 / 9.0 * sum;
}
