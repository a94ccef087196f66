// Radix selection of percentiles, counting: counts the next digit of the samples with a rank's prefix.
//
// Ranks with the same prefix share the counts of the first of them.
//
// Grid: z regions; x workgroups that share the values of a region.

struct Params {
    /// Width of a region.
    width: u32,
    /// Rows of a z-slice of a region.
    height: u32,
    /// Values of a region.
    pixels: u32,
    /// Row stride, in values.
    stride: u32,
    /// Strides between samples along z-slices, rows and columns.
    step_z: u32,
    step_y: u32,
    step_x: u32,
    /// The digit's lowest bit: 24, 16, 8, 0 in turn.
    shift: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// The bits of the values.
@group(0) @binding(1) var<storage, read> values: array<u32>;
// [region]: the index of its first value.
@group(0) @binding(2) var<storage, read> firsts: array<u32>;
// [region][rank].
@group(0) @binding(3) var<storage, read> ranks: array<Rank>;
// [region][count]. Initially zero.
@group(0) @binding(4) var<storage, read_write> counts: array<atomic<u32>>;

var<workgroup> tally: array<atomic<u32>, COUNTS>;

// The key of a value. Keys have the order of the values; both zeros have the same key.
fn key(at: u32) -> u32 {
    let bits = values[at];
    if bits == 0x80000000u {
        return bits;
    }
    return bits ^ select(0x80000000u, 0xffffffffu, bits >= 0x80000000u);
}

@compute @workgroup_size(256)
fn percentile_count(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    for (var at = lane; at < COUNTS; at += 256u) {
        atomicStore(&tally[at], 0u);
    }
    workgroupBarrier();

    let first = firsts[group.z];
    let a = ranks[group.z * RANKS].prefix;
    let b = ranks[group.z * RANKS + 1u].prefix;
    let c = ranks[group.z * RANKS + 2u].prefix;
    let d = ranks[group.z * RANKS + 3u].prefix;
    let kind = key(first);
    var differs = false;
    // If all values are contiguous samples, no division is needed.
    let whole = (params.stride == params.width) & (params.step_z + params.step_y + params.step_x == 3u);
    for (var pixel = group.x * 256u + lane; pixel < params.pixels; pixel += groups.x * 256u) {
        var at = pixel;
        var skipped = 0u;
        if !whole {
            let row = pixel / params.width;
            let x = pixel - row * params.width;
            let z = row / params.height;
            at = row * params.stride + x;
            skipped = z % params.step_z + (row - z * params.height) % params.step_y + x % params.step_x;
        }
        let sample = key(first + at);
        differs = differs | (sample != kind);
        if skipped > 0u {
            continue;
        }
        let digit = (sample >> params.shift) & 255u;
        // Two shifts, since a shift by 32 does nothing.
        let prefix = (sample >> params.shift) >> 8u;
        if prefix == a {
            atomicAdd(&tally[digit], 1u);
        } else if prefix == b {
            atomicAdd(&tally[DIGITS + digit], 1u);
        } else if prefix == c {
            atomicAdd(&tally[2u * DIGITS + digit], 1u);
        } else if prefix == d {
            atomicAdd(&tally[3u * DIGITS + digit], 1u);
        }
    }
    if differs {
        atomicStore(&tally[COUNTS - 1u], 1u);
    }
    workgroupBarrier();
    for (var at = lane; at < COUNTS; at += 256u) {
        let count = atomicLoad(&tally[at]);
        if count > 0u {
            atomicAdd(&counts[group.z * COUNTS + at], count);
        }
    }
}
