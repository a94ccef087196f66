// Maps intensities by the ranges of tiles: (value - low) / (high - low), both interpolated between tiles.
//
// Grid: one invocation per value, linear.

struct Params {
    /// Width and height of a z-slice.
    width: u32,
    height: u32,
    /// Rows and columns of tiles.
    rows: u32,
    columns: u32,
    /// Values of a channel.
    pixels: u32,
    /// Values in total.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [channel][row of tiles][column]: low and high.
@group(0) @binding(1) var<storage, read> tables: array<vec2f>;
// [row, then column of a z-slice]: the tile before it, and the bits of the weight of the next tile.
@group(0) @binding(2) var<storage, read> places: array<vec2u>;
// [channel][z-slice][row][column].
@group(0) @binding(3) var<storage, read_write> planes: array<f32>;

fn across(row: u32, x: vec2u) -> vec2f {
    let weight = bitcast<f32>(x.y);
    let next = min(x.x + 1u, params.columns - 1u);
    return tables[row * params.columns + x.x] * (1.0 - weight) + tables[row * params.columns + next] * weight;
}

@compute @workgroup_size(LINEAR_WORKGROUP)
fn normalize_tiles(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = invocation_number(group, groups, lane);
    if at >= params.count {
        return;
    }
    let row = at / params.width;
    let y = places[row % params.height];
    let x = places[params.height + at - row * params.width];
    let first = at / params.pixels * params.rows;
    let weight = bitcast<f32>(y.y);
    let next = min(y.x + 1u, params.rows - 1u);
    let bound = across(first + y.x, x) * (1.0 - weight) + across(first + next, x) * weight;
    planes[at] = (planes[at] - bound.x) / (bound.y - bound.x);
}
