// Finds the seeds of a volume: bins of more than ten end points that are the maximum of the 5 x 5 x 5 around.
//
// Grid: one invocation per bin, 16 x 4 x 1 per workgroup.

struct Params {
    /// Size of the volume.
    width: u32,
    height: u32,
    depth: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [bin].
@group(0) @binding(1) var<storage, read> counts: array<u32>;
// The number of seeds, initially zero; then the bin of each and its count, in any order.
@group(0) @binding(2) var<storage, read_write> seeds: array<atomic<u32>>;

@compute @workgroup_size(16, 4)
fn seeds_of(@builtin(global_invocation_id) xyz: vec3u) {
    if is_outside(xyz.zyx) {
        return;
    }
    let bin = place_of(xyz.zyx);
    let count = counts[bin];
    if count <= 10u {
        return;
    }
    let low = max(xyz, vec3u(2u)) - 2u;
    let high = min(xyz + 2u, last_place().zyx);
    for (var z = low.z; z <= high.z; z++) {
        for (var y = low.y; y <= high.y; y++) {
            for (var x = low.x; x <= high.x; x++) {
                if counts[place_of(vec3u(z, y, x))] > count {
                    return;
                }
            }
        }
    }
    let at = 1u + 2u * atomicAdd(&seeds[0], 1u);
    atomicStore(&seeds[at], bin);
    atomicStore(&seeds[at + 1u], count);
}
