// The style vector of each tile: the mean of each channel over the plane, divided by the L2 norm of all means.
//
// One workgroup a tile. Its 256 invocations are 16 groups of pixels by 16 vec4s of channels: neighbours read
// neighbouring channels, each sums every 16th pixel, and a tree over the groups joins the sums.
//
// Grid: z tiles.

struct Params {
    /// Pixels of a plane.
    pixels: u32,
    /// vec4s a pixel.
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [tile][pixel][channel / 4].
@group(0) @binding(1) var<storage, read> source: array<Stored>;
// [tile][channel / 4].
@group(0) @binding(2) var<storage, read_write> style: array<vec4f>;

const QUADS = 16u;
const GROUPS = 16u;
// Pixels that are summed one by one before the sum joins the larger ones: keeps rounding errors small.
const RUN = 32u;

var<workgroup> sums: array<vec4f, 256>;

// The sum of one vec4 of channels over the pixels group, group + 16, group + 32, ...
fn partial_sum(tile: u32, channel: u32, group: u32) -> vec4f {
    var total = vec4f();
    if channel >= params.channels {
        return total;
    }
    var pixel = group;
    while pixel < params.pixels {
        var run = vec4f();
        let end = min(params.pixels, pixel + RUN * GROUPS);
        for (; pixel < end; pixel += GROUPS) {
            run += vec4f(source[(tile * params.pixels + pixel) * params.channels + channel]);
        }
        total += run;
    }
    return total;
}

@compute @workgroup_size(256)
fn style_vector(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    let tile = workgroup.z;
    let quad = lane % QUADS;
    let group = lane / QUADS;
    var squares = 0.0;

    for (var first = 0u; first < params.channels; first += QUADS) {
        let channel = first + quad;
        sums[lane] = partial_sum(tile, channel, group);
        for (var half = GROUPS / 2u; half > 0u; half /= 2u) {
            workgroupBarrier();
            if group < half {
                sums[lane] += sums[lane + half * QUADS];
            }
        }
        if group == 0u && channel < params.channels {
            let mean = sums[lane] / f32(params.pixels);
            style[tile * params.channels + channel] = mean;
            squares += dot(mean, mean);
        }
        // Nobody may write the next sums while group 0 still reads these.
        workgroupBarrier();
    }

    sums[lane] = vec4f(squares);
    for (var half = GROUPS * QUADS / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    workgroupBarrier();
    // All means zero is a blank style: it stays zero.
    let norm = select(1.0, sqrt(sums[0].x), sums[0].x > 0.0);

    // Each invocation of group 0 divides the means that it wrote itself.
    if group == 0u {
        for (var channel = quad; channel < params.channels; channel += QUADS) {
            style[tile * params.channels + channel] /= norm;
        }
    }
}
