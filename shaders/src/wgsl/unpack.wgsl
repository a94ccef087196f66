// Converts channels-last activations to planes.
//
// [tile][pixel][channel / 4] becomes [tile][channel][pixel], without padding channels.
//
// Grid: one invocation per value of the result, linear.

struct Params {
    /// Pixels of a plane.
    pixels: u32,
    /// Channels of a tile, without padding.
    channels: u32,
    /// Values in the result.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> activations: array<Stored>;
@group(0) @binding(2) var<storage, read_write> planes: array<f32>;

@compute @workgroup_size(LINEAR_WORKGROUP)
fn unpack(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = invocation_number(group, groups, lane);
    if at >= params.count {
        return;
    }
    let pixel = at % params.pixels;
    let channel = at / params.pixels % params.channels;
    let tile = at / params.pixels / params.channels;
    let quads = (params.channels + 3u) / 4u;
    planes[at] = f32(activations[(tile * params.pixels + pixel) * quads + channel / 4u][channel % 4u]);
}
