// Tiles of planes as activations: [tile][pixel][channel / 4], zero outside of the planes and in missing channels.
//
// Grid: one invocation a vec4 of the result, 64 a workgroup, workgroups counted row by row over x and y.

struct Params {
    /// Width and height of the planes.
    width: u32,
    height: u32,
    /// Channels of the planes.
    channels: u32,
    /// Width and height of a tile.
    tile_width: u32,
    tile_height: u32,
    /// The first tile to cut.
    first: u32,
    /// vec4s in the result, and where they begin.
    count: u32,
    start: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [channel][row][column].
@group(0) @binding(1) var<storage, read> planes: array<f32>;
@group(0) @binding(2) var<storage, read> tiles: array<Tile>;
@group(0) @binding(3) var<storage, read_write> activations: array<Stored>;

fn value(channel: u32, pixel: u32) -> f32 {
    if channel >= params.channels {
        return 0.0;
    }
    return planes[channel * params.width * params.height + pixel];
}

@compute @workgroup_size(64)
fn tile(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = (group.y * groups.x + group.x) * 64u + lane;
    if at >= params.count {
        return;
    }
    let quads = (params.channels + 3u) / 4u;
    let channel = at % quads * 4u;
    let column = at / quads % params.tile_width;
    let line = at / quads / params.tile_width;
    let row = line % params.tile_height;
    let place = tiles[params.first + line / params.tile_height];
    let y = u32(place.y + i32(select(row, params.tile_height - 1u - row, place.flip_y > 0u)));
    let x = u32(place.x + i32(select(column, params.tile_width - 1u - column, place.flip_x > 0u)));
    var activation = vec4f();
    // What lies before the planes is a very large number here.
    if y < params.height {
        if x < params.width {
            let pixel = y * params.width + x;
            activation = vec4f(
                value(channel, pixel),
                value(channel + 1u, pixel),
                value(channel + 2u, pixel),
                value(channel + 3u, pixel),
            );
        }
    }
    activations[params.start + at] = Stored(activation);
}
