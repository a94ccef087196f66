// Measures each label: its size, its bounds and the sums of its coordinates.
//
// The first pixel of each run of a label along a row adds the whole run.
//
// Grid: one invocation per pixel, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane.
    width: u32,
    height: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [pixel].
@group(0) @binding(1) var<storage, read> labels: array<u32>;
// [label][8]: pixels, complement of the first pixel, last row, complement of the first column, last column, sums of the rows
// and of the columns, and how often these passed 2^32 (columns in the upper half). Initially zero; label 0 is left out.
@group(0) @binding(2) var<storage, read_write> table: array<atomic<u32>>;

fn add(at: u32, value: u32, carry: u32) {
    if atomicAdd(&table[at], value) > ~value {
        atomicAdd(&table[at / 8u * 8u + 7u], carry);
    }
}

@compute @workgroup_size(16, 4)
fn measure(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let row = place.y * params.width;
    let label = labels[row + place.x];
    if label == 0u {
        return;
    }
    if place.x > 0u {
        if labels[row + place.x - 1u] == label {
            return;
        }
    }
    var end = place.x + 1u;
    while end < params.width {
        if labels[row + end] != label {
            break;
        }
        end++;
    }
    let count = end - place.x;
    let entry = 8u * label;
    atomicAdd(&table[entry], count);
    atomicMax(&table[entry + 1u], ~(row + place.x));
    atomicMax(&table[entry + 2u], place.y);
    atomicMax(&table[entry + 3u], ~place.x);
    atomicMax(&table[entry + 4u], end - 1u);
    add(entry + 5u, count * place.y, 1u);
    // One of the two factors is even.
    let ends = place.x + end - 1u;
    add(entry + 6u, select((count / 2u) * ends, count * (ends / 2u), (count & 1u) != 0u), 0x10000u);
}
