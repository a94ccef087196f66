// Cuts tiles out of planes, as activations.
//
// Activations are [tile][pixel][channel / 4], zero outside the planes and in padding channels.
//
// Grid: one invocation per vec4 of the result: x columns and y rows of a tile, 16 x 4 per workgroup, z the
// channels / 4 of each tile.

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
    /// The first vec4 of the result.
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

@compute @workgroup_size(16, 4)
fn tile(@builtin(global_invocation_id) place: vec3u) {
    if place.x >= params.tile_width || place.y >= params.tile_height {
        return;
    }
    let quads = (params.channels + 3u) / 4u;
    let n = place.z / quads;
    let quad = place.z - n * quads;
    let tile = tiles[params.first + n];
    let y = u32(tile.y + i32(select(place.y, params.tile_height - 1u - place.y, tile.flip_y > 0u)));
    let x = u32(tile.x + i32(select(place.x, params.tile_width - 1u - place.x, tile.flip_x > 0u)));
    var activation = vec4f();
    // Coordinates before the planes wrap around to very large numbers.
    if y < params.height {
        if x < params.width {
            let pixel = y * params.width + x;
            activation = vec4f(
                value(4u * quad, pixel),
                value(4u * quad + 1u, pixel),
                value(4u * quad + 2u, pixel),
                value(4u * quad + 3u, pixel),
            );
        }
    }
    let at = ((n * params.tile_height + place.y) * params.tile_width + place.x) * quads + quad;
    activations[params.start + at] = Stored(activation);
}
