// The maximum of each 2 x 2 block.
//
// Activations are [tile][y][x][channel / 4].
//
// Grid: one invocation per vec4 of the target, linear.

struct Params {
    /// Width and height of the target; the source has twice as many.
    width: u32,
    height: u32,
    /// vec4s per pixel.
    channels: u32,
    /// vec4s in the target.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<Stored>;
@group(0) @binding(2) var<storage, read_write> destination: array<Stored>;

@compute @workgroup_size(LINEAR_WORKGROUP)
fn max_pool(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = invocation_number(group, groups, lane);
    if at >= params.count {
        return;
    }
    let channel = at % params.channels;
    let x = at / params.channels % params.width;
    // Tiles follow each other without gaps, so the number of a row in the batch is enough.
    let row = at / params.channels / params.width;
    let right = params.channels;
    let down = 2u * params.width * params.channels;
    let corner = 2u * row * down + 2u * x * right + channel;
    destination[at] = max(
        max(source[corner], source[corner + right]),
        max(source[corner + down], source[corner + down + right]),
    );
}
