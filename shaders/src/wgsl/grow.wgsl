// Seeds, and what they grow over: a bin that is the maximum of the 5 x 5 around it is a seed, and grows five times by
// one bin in all directions, over bins of more than two end points. Each bin is left with the seed that has it: of
// those that reach it the one with the highest count, of equal ones the last in the order of the bins.
//
// Grid: one invocation a bin of the plane, 16 x 4 a workgroup.

struct Params {
    /// Width and height of the plane, without the margin.
    width: u32,
    height: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [height + 2 * MARGIN][width + 2 * MARGIN].
@group(0) @binding(1) var<storage, read> counts: array<u32>;
// [bin]: 0, or the seed's count times 128 and its place in the 11 x 11 around the bin. Zero at first.
@group(0) @binding(2) var<storage, read_write> grown: array<atomic<u32>>;
// [bin]: the seed's number from 1 on, in any order. Only those of seeds are written.
@group(0) @binding(3) var<storage, read_write> seeds: array<u32>;
// [0]: how many seeds there are. Zero at first.
@group(0) @binding(4) var<storage, read_write> table: array<atomic<u32>>;

@compute @workgroup_size(16, 4)
fn grow(@builtin(global_invocation_id) place: vec3u) {
    if any(place.xy >= vec2u(params.width, params.height)) {
        return;
    }
    let stride = params.width + 2u * MARGIN;
    let seed = (place.y + MARGIN) * stride + place.x + MARGIN;
    let count = counts[seed];
    if count <= 10u {
        return;
    }
    for (var i = 0u; i < 25u; i++) {
        if counts[seed + (i / 5u) * stride + i % 5u - 2u * stride - 2u] > count {
            return;
        }
    }
    seeds[seed] = atomicAdd(&table[0], 1u) + 1u;

    // Rows of the 11 x 11 window, a bit a bin.
    let corner = seed - 5u * stride - 5u;
    var open: array<u32, 11>;
    var mask: array<u32, 11>;
    for (var i = 0u; i < 121u; i++) {
        open[i / 11u] |= u32(counts[corner + (i / 11u) * stride + i % 11u] > 2u) << (i % 11u);
    }
    mask[5] = 1u << 5u;
    for (var round = 0u; round < 5u; round++) {
        var above = 0u;
        for (var y = 0u; y < 11u; y++) {
            let here = mask[y];
            var all = above | here;
            if y < 10u {
                all |= mask[y + 1u];
            }
            mask[y] = (all | (all << 1u) | (all >> 1u)) & open[y];
            above = here;
        }
    }
    // No two seeds that share a bin can be told from another beyond 2^25 end points each.
    let key = min(count, 0x1ffffffu) << 7u;
    for (var i = 0u; i < 121u; i++) {
        if ((mask[i / 11u] >> (i % 11u)) & 1u) != 0u {
            atomicMax(&grown[corner + (i / 11u) * stride + i % 11u], key | (120u - i));
        }
    }
}
