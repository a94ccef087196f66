// Radix selection of percentiles, picking: picks each rank's next digit from the counts, and zeroes them.
//
// After the last digit it interpolates linearly between the ranks, as numpy does, and writes the bounds for `normalize`.
//
// Grid: z regions.

struct Params {
    /// The digit's lowest bit: 24, 16, 8, 0 in turn.
    shift: u32,
    /// The fraction of the way between the first two ranks, and between the other two.
    low_gamma: f32,
    high_gamma: f32,
    /// Percentiles that differ by at most this carry no signal. Below 0, the percentiles themselves are written.
    contrast: f32,
    /// 1 if the result is inverted, else 0.
    invert: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [region][rank].
@group(0) @binding(1) var<storage, read_write> ranks: array<Rank>;
// [region][count].
@group(0) @binding(2) var<storage, read_write> counts: array<u32>;
// [region]: the bounds for `normalize`; or low and high.
@group(0) @binding(3) var<storage, read_write> bounds: array<vec4f>;

var<workgroup> tally: array<u32, COUNTS>;
// The lower and the upper value of each pair, and the fraction of their distance to add or subtract.
var<workgroup> lower: array<f32, 2>;
var<workgroup> upper: array<f32, 2>;
var<workgroup> part: array<f32, 2>;

fn value(at: u32) -> f32 {
    let key = ranks[at].prefix;
    return bitcast<f32>(key ^ select(0xffffffffu, 0x80000000u, key >= 0x80000000u));
}

@compute @workgroup_size(64)
fn percentile_pick(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
    let first = group.z * RANKS;
    for (var at = lane; at < COUNTS; at += 64u) {
        tally[at] = counts[group.z * COUNTS + at];
        // Whether values differ is counted in the first pass and needed in the last.
        if (at < COUNTS - 1u) | (params.shift == 0u) {
            counts[group.z * COUNTS + at] = 0u;
        }
    }
    var rank = Rank();
    var leader = lane;
    if lane < RANKS {
        rank = ranks[first + lane];
        for (var other = lane; other > 0u; other--) {
            if ranks[first + other - 1u].prefix == rank.prefix {
                leader = other - 1u;
            }
        }
    }
    storageBarrier();
    workgroupBarrier();
    if lane < RANKS {
        var digit = 0u;
        for (; digit < DIGITS - 1u; digit++) {
            let count = tally[leader * DIGITS + digit];
            if rank.below < count {
                break;
            }
            rank.below -= count;
        }
        rank.prefix = (rank.prefix << 8u) | digit;
        ranks[first + lane] = rank;
    }
    storageBarrier();
    workgroupBarrier();
    if params.shift > 0u {
        return;
    }

    // A barrier separates product and sum, so that no compiler fuses them into one rounding.
    if lane < 2u {
        let gamma = select(params.low_gamma, params.high_gamma, lane > 0u);
        let a = value(first + 2u * lane);
        let b = value(first + 2u * lane + 1u);
        lower[lane] = a;
        upper[lane] = b;
        part[lane] = (b - a) * select(gamma, 1.0 - gamma, gamma >= 0.5);
    }
    workgroupBarrier();
    if lane == 0u {
        let low = select(lower[0] + part[0], upper[0] - part[0], params.low_gamma >= 0.5);
        let high = select(lower[1] + part[1], upper[1] - part[1], params.high_gamma >= 0.5);
        let range = high - low;
        let differs = tally[COUNTS - 1u] > 0u;
        let signal = differs & (range > params.contrast);
        bounds[group.z] = vec4f(low, select(0.0, high, params.contrast < 0.0), select(0.0, range, signal), f32(params.invert & u32(differs)));
    }
}
