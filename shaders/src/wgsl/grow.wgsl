// Finds the seeds and grows them.
//
// A seed is a bin of more than ten end points that is the maximum of its 5 x 5 neighbourhood. It grows five times by
// one bin in all directions, over bins of more than two end points. If several seeds reach a bin, it belongs to the one
// with the highest count, of equal ones to the last in the order of the bins.
//
// Grid: one invocation per bin of the plane, 16 x 4 per workgroup.

struct Params {
    /// Width and height of the plane, without the margin.
    width: u32,
    height: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [height + 2 * MARGIN][width + 2 * MARGIN].
@group(0) @binding(1) var<storage, read> counts: array<u32>;
// [bin]: 0, or the seed's count times 128 plus its number in the 11 x 11 around the bin. Initially zero.
@group(0) @binding(2) var<storage, read_write> grown: array<atomic<u32>>;
// [bin]: the seed's number from 1 on, in any order. Written for seeds only.
@group(0) @binding(3) var<storage, read_write> seeds: array<u32>;
// [0]: the number of seeds. Initially zero.
@group(0) @binding(4) var<storage, read_write> table: array<atomic<u32>>;

// A set of bins of the 11 x 11 window around a seed is a vec4u, one bit per bin, row by row: an indexed array would be
// placed in memory. `bit` is the set of one bin.
fn bit(bin: u32) -> vec4u {
    return select(vec4u(), vec4u(1u << (bin % 32u)), vec4u(bin / 32u) == vec4u(0u, 1u, 2u, 3u));
}

// Every bin of a set moved by 1 to 31 bins: to later bins, and to earlier ones.
fn later(bins: vec4u, by: u32) -> vec4u {
    return (bins << vec4u(by)) | vec4u(0u, bins.xyz >> vec3u(32u - by));
}

fn earlier(bins: vec4u, by: u32) -> vec4u {
    return (bins >> vec4u(by)) | vec4u(bins.yzw << vec3u(32u - by), 0u);
}

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

    let corner = seed - 5u * stride - 5u;
    var open = vec4u();
    for (var i = 0u; i < 121u; i++) {
        open |= select(vec4u(), bit(i), counts[corner + (i / 11u) * stride + i % 11u] > 2u);
    }
    var mask = bit(60u);
    for (var round = 0u; round < 5u; round++) {
        // Bins of the first and the last column are reached in the last round, so none moves on into another row.
        let rows = mask | later(mask, 11u) | earlier(mask, 11u);
        mask = (rows | later(rows, 1u) | earlier(rows, 1u)) & open;
    }
    // Counts above 2^25 - 1 end points count as equal.
    let key = min(count, 0x1ffffffu) << 7u;
    for (var i = 0u; i < 121u; i++) {
        if any((mask & bit(i)) != vec4u()) {
            atomicMax(&grown[corner + (i / 11u) * stride + i % 11u], key | (120u - i));
        }
    }
}
