// Adds tiles of activations to the planes that they were cut from, weighted so that the weights of all tiles over a
// pixel make 1. Flipped tiles are turned back, with the sign of the flow along the flipped axis.
//
// Grid: one invocation four channels of a pixel in the rows that the tiles cover, 64 a workgroup, workgroups counted
// row by row over x and y.

struct Params {
    /// Width and height of the planes.
    width: u32,
    height: u32,
    /// Channels of the planes.
    channels: u32,
    /// Width and height of a tile.
    tile_width: u32,
    tile_height: u32,
    /// The first tile to add, and how many there are.
    first: u32,
    tiles_now: u32,
    /// Where their activations begin, in vec4s.
    start: u32,
    /// The first row that they cover, and the number of invocations.
    row: u32,
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [tile][pixel][channel / 4].
@group(0) @binding(1) var<storage, read> activations: array<Stored>;
@group(0) @binding(2) var<storage, read> tiles: array<Tile>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
// [channel][row][column], zero at first.
@group(0) @binding(4) var<storage, read_write> planes: array<f32>;

@compute @workgroup_size(64)
fn blend(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * groups.x + group.x) * 64u + lane;
    if at >= params.count {
        return;
    }
    let quads = (params.channels + 3u) / 4u;
    let quad = at % quads;
    let column = at / quads % params.width;
    let row = params.row + at / quads / params.width;
    var sum = vec4f();
    for (var n = 0u; n < params.tiles_now; n++) {
        let place = tiles[params.first + n];
        let y = u32(i32(row) - place.y);
        let x = u32(i32(column) - place.x);
        // What lies before the tile is a very large number here.
        if y < params.tile_height {
            if x < params.tile_width {
                let from_y = select(y, params.tile_height - 1u - y, place.flip_y > 0u);
                let from_x = select(x, params.tile_width - 1u - x, place.flip_x > 0u);
                let pixel = (n * params.tile_height + from_y) * params.tile_width + from_x;
                var value = vec4f(activations[params.start + pixel * quads + quad]);
                if quad == 0u {
                    value.x = select(value.x, -value.x, place.flip_y > 0u);
                    value.y = select(value.y, -value.y, place.flip_x > 0u);
                }
                sum += value * (weights[place.rows + y] * weights[place.columns + x]);
            }
        }
    }
    let last = min(4u, params.channels - quad * 4u);
    for (var channel = 0u; channel < last; channel++) {
        planes[((quad * 4u + channel) * params.height + row) * params.width + column] += sum[channel];
    }
}
