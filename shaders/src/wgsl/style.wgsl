// The style vector of each tile: the mean of each channel, divided by the L2 norm of all means.
//
// The LANES invocations of a workgroup are groups of pixels by 16 vec4s of channels: neighbours read neighbouring channels,
// each of G groups sums every Gth pixel, and the first group adds the sums up. (A browser zeroes workgroup memory, and its
// SwiftShader compiles that value by value: less memory compiles faster.)
//
// Grid: one workgroup per tile, in z.

struct Params {
    /// Pixels of a plane.
    pixels: u32,
    /// vec4s per pixel.
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [tile][pixel][channel / 4].
@group(0) @binding(1) var<storage, read> source: array<Stored>;
// [tile][channel / 4].
@group(0) @binding(2) var<storage, read_write> style: array<vec4f>;

const QUADS = 16u;
// A multiple of QUADS.
override LANES: u32 = 256u;
// Pixels summed before the sum is added to the total: keeps rounding errors small.
const RUN = 32u;

var<workgroup> sums: array<vec4f, LANES>;

// The sum of one vec4 of channels over the pixels group, group + groups, ....
fn partial_sum(tile: u32, channel: u32, group: u32) -> vec4f {
    let groups = LANES / QUADS;
    var total = vec4f();
    if channel >= params.channels {
        return total;
    }
    var pixel = group;
    while pixel < params.pixels {
        var run = vec4f();
        let end = min(params.pixels, pixel + RUN * groups);
        for (; pixel < end; pixel += groups) {
            run += vec4f(source[(tile * params.pixels + pixel) * params.channels + channel]);
        }
        total += run;
    }
    return total;
}

// The sums of one vec4 of channels from all groups.
fn joined(quad: u32) -> vec4f {
    var sum = vec4f();
    for (var lane = quad; lane < LANES; lane += QUADS) {
        sum += sums[lane];
    }
    return sum;
}

@compute @workgroup_size(LANES)
fn style_vector(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    let tile = workgroup.z;
    let quad = lane % QUADS;
    let group = lane / QUADS;
    var squares = 0.0;

    for (var first = 0u; first < params.channels; first += QUADS) {
        let channel = first + quad;
        sums[lane] = partial_sum(tile, channel, group);
        workgroupBarrier();
        if group == 0u && channel < params.channels {
            let mean = joined(quad) / f32(params.pixels);
            style[tile * params.channels + channel] = mean;
            squares += dot(mean, mean);
        }
        // No invocation may write the next sums while group 0 still reads these.
        workgroupBarrier();
    }

    sums[lane] = vec4f(squares);
    workgroupBarrier();
    if group != 0u {
        return;
    }
    var all = 0.0;
    for (var other = 0u; other < QUADS; other++) {
        all += sums[other].x;
    }
    // If all means are zero, the style stays zero.
    let norm = select(1.0, sqrt(all), all > 0.0);
    // Each invocation divides the means that it wrote.
    for (var channel = quad; channel < params.channels; channel += QUADS) {
        style[tile * params.channels + channel] /= norm;
    }
}
