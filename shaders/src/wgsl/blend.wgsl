// Blends tiles of activations into planes.
//
// The weights of all tiles over a pixel add up to 1. Flipped tiles are flipped back, with the sign of the flow along
// the flipped axis.
//
// Grid: one invocation per four channels of a pixel: x columns and y rows covered by the tiles, 16 x 4 per workgroup; z
// channels / 4.

struct Params {
    /// Width and height of the planes.
    width: u32,
    height: u32,
    /// Channels of the planes.
    channels: u32,
    /// Width and height of a tile.
    tile_width: u32,
    tile_height: u32,
    /// Tiles per row of the grid.
    across: u32,
    /// The first tile to add, and the number of tiles.
    first: u32,
    tiles_now: u32,
    /// The first vec4 of their activations.
    start: u32,
    /// The first row and column that they cover, and the ends of both.
    row: u32,
    column: u32,
    row_end: u32,
    column_end: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [tile][pixel][channel / 4].
@group(0) @binding(1) var<storage, read> activations: array<Stored>;
@group(0) @binding(2) var<storage, read> tiles: array<Tile>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
// [row, then column]: the first row, or column, of tiles over it, and the end of them.
@group(0) @binding(4) var<storage, read> spans: array<vec2u>;
// [channel][row][column], zero at first.
@group(0) @binding(5) var<storage, read_write> planes: array<f32>;
// One element: 1 after a sum that is not finite, 0 at first.
@group(0) @binding(6) var<storage, read_write> not_finite: array<atomic<u32>>;

// The exponent of infinity and NaN. Compilers may assume that float comparisons see neither.
const EXPONENT = vec4u(0x7f800000u);

@compute @workgroup_size(16, 4)
fn blend(@builtin(global_invocation_id) place: vec3u) {
    let row = params.row + place.y;
    let column = params.column + place.x;
    if row >= params.row_end || column >= params.column_end {
        return;
    }
    let quads = (params.channels + 3u) / 4u;
    let down = spans[row];
    let along = spans[params.height + column];
    var sum = vec4f();
    for (var j = down.x; j < down.y; j++) {
        for (var i = along.x; i < along.y; i++) {
            // Tiles before the first one wrap around to very large numbers.
            let n = j * params.across + i - params.first;
            if n >= params.tiles_now {
                continue;
            }
            let tile = tiles[params.first + n];
            let y = u32(i32(row) - tile.y);
            let x = u32(i32(column) - tile.x);
            let from_y = select(y, params.tile_height - 1u - y, tile.flip_y > 0u);
            let from_x = select(x, params.tile_width - 1u - x, tile.flip_x > 0u);
            let pixel = (n * params.tile_height + from_y) * params.tile_width + from_x;
            var value = vec4f(activations[params.start + pixel * quads + place.z]);
            if place.z == 0u {
                value.x = select(value.x, -value.x, tile.flip_y > 0u);
                value.y = select(value.y, -value.y, tile.flip_x > 0u);
            }
            sum += value * (weights[tile.rows + y] * weights[tile.columns + x]);
        }
    }
    if any((bitcast<vec4u>(sum) & EXPONENT) == EXPONENT) {
        atomicStore(&not_finite[0], 1u);
    }
    let last = min(4u, params.channels - place.z * 4u);
    for (var channel = 0u; channel < last; channel++) {
        planes[((place.z * 4u + channel) * params.height + row) * params.width + column] += sum[channel];
    }
}
