// Converts planes to channels-last activations.
//
// [tile][channel][pixel] becomes [tile][pixel][channel / 4]; padding channels are zero.
//
// Grid: one invocation per vec4 of the result, linear.

struct Params {
    /// Pixels of a plane.
    pixels: u32,
    /// Channels of a tile, without padding.
    channels: u32,
    /// vec4s in the result.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> planes: array<f32>;
@group(0) @binding(2) var<storage, read_write> activations: array<Stored>;

fn value(tile: u32, channel: u32, pixel: u32) -> f32 {
    if channel >= params.channels {
        return 0.0;
    }
    return planes[(tile * params.channels + channel) * params.pixels + pixel];
}

@compute @workgroup_size(LINEAR_WORKGROUP)
fn pack(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = invocation_number(group, groups, lane);
    if at >= params.count {
        return;
    }
    let quads = (params.channels + 3u) / 4u;
    let channel = at % quads * 4u;
    let pixel = at / quads % params.pixels;
    let tile = at / quads / params.pixels;
    activations[at] = Stored(vec4f(
        value(tile, channel, pixel),
        value(tile, channel + 1u, pixel),
        value(tile, channel + 2u, pixel),
        value(tile, channel + 3u, pixel),
    ));
}
