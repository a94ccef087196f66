// Smooths values along one axis by a Gaussian.
//
// The result replaces the destination, or is subtracted from it. Each tap weights the difference between its sample and
// the center sample, so that rounding errors scale with the contrast of the values, not with their level. An invocation
// smooths eight consecutive samples along the axis and reads each sample once for all of them.
//
// Grid: one invocation for eight samples, linear.

struct Params {
    /// Invocations.
    count: u32,
    /// Stride between samples of the axis, in values.
    stride: u32,
    /// Samples along the axis.
    length: u32,
    /// Samples after which the axis repeats: its length, or twice that if it is mirrored at its ends.
    period: u32,
    /// The first tap's distance, modulo the period.
    first: u32,
    /// Taps, including seven of weight 0 at the end.
    taps: u32,
    /// 1 if the result is subtracted, else 0; and the factor of the destination in that case.
    subtract: u32,
    middle: f32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<f32>;
// [tap], with a sum of 1.
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read_write> destination: array<f32>;

const SAMPLES = 8u;

// Four samples from an index on; past the end, the last sample.
fn four(line: u32, place: u32) -> vec4f {
    let at = line + min(place + vec4u(0u, 1u, 2u, 3u), vec4u(params.length - 1u)) * params.stride;
    return vec4f(source[at.x], source[at.y], source[at.z], source[at.w]);
}

fn finish(at: u32, own: f32, sum: f32) {
    if params.subtract == 0u {
        destination[at] = own + sum;
    } else {
        let there = destination[at];
        destination[at] = ((there - own) - sum) + params.middle * there;
    }
}

@compute @workgroup_size(LINEAR_WORKGROUP)
fn gaussian(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) lane: u32,
) {
    let at = invocation_number(group, groups, lane);
    if at >= params.count {
        return;
    }
    let column = at % params.stride;
    let row = at / params.stride;
    let blocks = (params.length + SAMPLES - 1u) / SAMPLES;
    let place = row % blocks * SAMPLES;
    let line = row / blocks * params.length * params.stride + column;
    let own = four(line, place);
    let own_more = four(line, place + 4u);
    var sum = vec4f();
    var sum_more = vec4f();
    var weight = vec4f();
    var weight_more = vec4f();
    var next = (place + params.first) % params.period;
    for (var tap = 0u; tap < params.taps; tap++) {
        // Beyond the length the axis is mirrored.
        let sample = source[line + min(next, 2u * params.length - 1u - next) * params.stride];
        weight_more = vec4f(weight.w, weight_more.xyz);
        weight = vec4f(weights[tap], weight.xyz);
        sum += weight * (sample - own);
        sum_more += weight_more * (sample - own_more);
        next = select(next + 1u, 0u, next + 1u == params.period);
    }
    for (var i = 0u; i < min(SAMPLES, params.length - place); i++) {
        let j = i & 3u;
        finish(
            line + (place + i) * params.stride,
            select(own[j], own_more[j], i > 3u),
            select(sum[j], sum_more[j], i > 3u),
        );
    }
}
