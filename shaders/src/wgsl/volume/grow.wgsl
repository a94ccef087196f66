// Grows the seeds of a volume.
//
// A seed grows five times by one bin in all 26 directions, over bins of more than two end points. If several seeds
// reach a bin, it belongs to the last of them.
//
// Grid: one workgroup per seed, linear.

struct Params {
    /// Size of the volume.
    width: u32,
    height: u32,
    depth: u32,
    /// The number of seeds.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [bin].
@group(0) @binding(1) var<storage, read> counts: array<u32>;
// The bin of each seed, by ascending counts of end points.
@group(0) @binding(2) var<storage, read> seeds: array<u32>;
// [bin]: 0, or the number of the seed that owns it, from 1 on. Initially zero.
@group(0) @binding(3) var<storage, read_write> grown: array<atomic<u32>>;

const REACH = 5;
const SIDE = 11u;
const ROWS = 121u;

// Rows along X of the 11 x 11 x 11 bins around the seed, one bit per bin, with a border of empty rows.
var<workgroup> rows: array<u32, 169>;

@compute @workgroup_size(128)
fn grow(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let number = workgroup_number(group, groups);
    if number >= params.count {
        return;
    }
    let seed = seeds[number];
    let row = seed / params.width;
    let center = vec3i(vec3u(row / params.height, row % params.height, seed % params.width));
    let first = center + vec3i(i32(lane / SIDE), i32(lane % SIDE), 0) - REACH;

    // The bins of this invocation's row over which a seed may grow.
    var open = 0u;
    if lane < ROWS {
        for (var i = 0; i < 2 * REACH + 1; i++) {
            // Coordinates below 0 wrap around to far outside.
            let at = vec3u(first + vec3i(0, 0, i));
            if !is_outside(at) {
                open |= u32(counts[place_of(at)] > 2u) << u32(i);
            }
        }
    }
    rows[lane] = 0u;
    if lane < 41u {
        rows[128u + lane] = 0u;
    }
    let here = (lane / SIDE + 1u) * 13u + lane % SIDE + 1u;
    var mine = select(0u, 1u << u32(REACH), lane == ROWS / 2u);
    for (var round = 0; round < REACH; round++) {
        workgroupBarrier();
        if lane < ROWS {
            rows[here] = mine;
        }
        workgroupBarrier();
        if lane < ROWS {
            var near = 0u;
            for (var z = here - 13u; z <= here + 13u; z += 13u) {
                near |= rows[z - 1u] | rows[z] | rows[z + 1u];
            }
            mine = (near | (near << 1u) | (near >> 1u)) & open;
        }
    }
    for (var i = 0; i < 2 * REACH + 1; i++) {
        if ((mine >> u32(i)) & 1u) != 0u {
            atomicMax(&grown[place_of(vec3u(first + vec3i(0, 0, i)))], number + 1u);
        }
    }
}
