// 3x3 convolution as an implicit matrix product through workgroup memory.
//
// For each four input channels, a workgroup stages its pixels (with a border of one) and the weights, and each invocation
// multiplies 7 adjacent pixels by 8 output channels. A staged pixel goes through BatchNorm and ReLU once, and serves
// all nine positions of the kernel and all output channels of the workgroup. Blocks of 28 columns divide the sides 224, 112,
// 56 and 28 of the published networks.
//
// Weights: [input / 4][kernel y][kernel x][input % 4][output / 4], then the block's [input / 4][input % 4][output / 4].
//
// Grid: x columns / 28; y (blocks of 32 / CHANNEL_GROUPS rows) x (groups of 8 * CHANNEL_GROUPS output channels);
// z tiles.

// Groups of 8 output channels of a workgroup: 4 or 8.
override CHANNEL_GROUPS: u32 = 8u;

const LANES = 128u;
const COLUMNS = 28u;
const HALO_COLUMNS = 30u;
// Adjacent pixels of an invocation, and such runs in a row.
const RUN = 7u;
const RUNS = 4u;

// [y][x], four channels of the pixels and their border: at most 10 rows of 30.
var<workgroup> pixels: array<vec4f, 300>;
// [kernel y][kernel x][input % 4][output / 4]: at most 36 times 16.
var<workgroup> kernel: array<vec4f, 576>;

// Sums of 7 pixels for two groups of 4 output channels.
struct Sums {
    a0: vec4f,
    a1: vec4f,
    a2: vec4f,
    a3: vec4f,
    a4: vec4f,
    a5: vec4f,
    a6: vec4f,
    b0: vec4f,
    b1: vec4f,
    b2: vec4f,
    b3: vec4f,
    b4: vec4f,
    b5: vec4f,
    b6: vec4f,
}

// Adds the products of one input channel: 7 pixels times 8 output channels.
fn add_channel(
    sums: Sums, a: vec4f, b: vec4f, v0: f32, v1: f32, v2: f32, v3: f32, v4: f32, v5: f32, v6: f32
) -> Sums {
    return Sums(
        fma(a, vec4f(v0), sums.a0),
        fma(a, vec4f(v1), sums.a1),
        fma(a, vec4f(v2), sums.a2),
        fma(a, vec4f(v3), sums.a3),
        fma(a, vec4f(v4), sums.a4),
        fma(a, vec4f(v5), sums.a5),
        fma(a, vec4f(v6), sums.a6),
        fma(b, vec4f(v0), sums.b0),
        fma(b, vec4f(v1), sums.b1),
        fma(b, vec4f(v2), sums.b2),
        fma(b, vec4f(v3), sums.b3),
        fma(b, vec4f(v4), sums.b4),
        fma(b, vec4f(v5), sums.b5),
        fma(b, vec4f(v6), sums.b6),
    );
}

// Adds the products of four input channels at one position of the kernel, whose weights begin at `weight`.
fn add_place(
    sums: Sums, weight: u32, v0: vec4f, v1: vec4f, v2: vec4f, v3: vec4f, v4: vec4f, v5: vec4f, v6: vec4f
) -> Sums {
    let next = 2u * CHANNEL_GROUPS;
    let other = CHANNEL_GROUPS;
    var s = sums;
    var at = weight;
    s = add_channel(s, kernel[at], kernel[at + other], v0.x, v1.x, v2.x, v3.x, v4.x, v5.x, v6.x);
    at += next;
    s = add_channel(s, kernel[at], kernel[at + other], v0.y, v1.y, v2.y, v3.y, v4.y, v5.y, v6.y);
    at += next;
    s = add_channel(s, kernel[at], kernel[at + other], v0.z, v1.z, v2.z, v3.z, v4.z, v5.z, v6.z);
    at += next;
    return add_channel(s, kernel[at], kernel[at + other], v0.w, v1.w, v2.w, v3.w, v4.w, v5.w, v6.w);
}

// Stages `count` weights of each of the workgroup's output channels, [count][output / 4], from index `begin`.
fn stage_weights(lane: u32, count: u32, begin: u32, first: u32) {
    let quads = 2u * CHANNEL_GROUPS;
    for (var at = lane; at < count * quads; at += LANES) {
        // Channels past the last one are not stored, so their weights are irrelevant.
        let output = min(first + at % quads, params.outputs - 1u);
        kernel[at] = vec4f(weights[begin + at / quads * params.outputs + output]);
    }
}

@compute @workgroup_size(LANES)
fn conv3x3_gemm(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = 2u * CHANNEL_GROUPS;
    let groups = (params.outputs + quads - 1u) / quads;
    let rows = LANES / RUNS / CHANNEL_GROUPS;
    let first = workgroup.y % groups * quads;
    let top = workgroup.y / groups * rows;
    let left = workgroup.x * COLUMNS;
    let tile = workgroup.z;
    // Consecutive invocations have the same pixels, so that they read consecutive weights.
    let output = lane % CHANNEL_GROUPS;
    let run = lane / CHANNEL_GROUPS % RUNS;
    let row = lane / CHANNEL_GROUPS / RUNS;

    var sums = Sums();
    for (var channel = 0u; channel < params.inputs; channel++) {
        let norm = norm(tile, channel);
        // No invocation may stage while others still read.
        workgroupBarrier();
        for (var at = lane; at < HALO_COLUMNS * (rows + 2u); at += LANES) {
            let y = i32(top + at / HALO_COLUMNS) - 1;
            let x = i32(left + at % HALO_COLUMNS) - 1;
            pixels[at] = load(tile, y, x, channel, norm);
        }
        stage_weights(lane, 36u, channel * 36u * params.outputs, first);
        workgroupBarrier();
        for (var ky = 0u; ky < 3u; ky++) {
            let at = (row + ky) * HALO_COLUMNS + run * RUN;
            let v0 = pixels[at];
            let v1 = pixels[at + 1u];
            let v2 = pixels[at + 2u];
            let v3 = pixels[at + 3u];
            let v4 = pixels[at + 4u];
            let v5 = pixels[at + 5u];
            let v6 = pixels[at + 6u];
            let v7 = pixels[at + 7u];
            let v8 = pixels[at + 8u];
            let weight = ky * 12u * quads + output;
            sums = add_place(sums, weight, v0, v1, v2, v3, v4, v5, v6);
            sums = add_place(sums, weight + 4u * quads, v1, v2, v3, v4, v5, v6, v7);
            sums = add_place(sums, weight + 8u * quads, v2, v3, v4, v5, v6, v7, v8);
        }
    }

    let block = params.inputs * 36u * params.outputs;
    for (var channel = 0u; channel < params.block_inputs; channel++) {
        workgroupBarrier();
        for (var at = lane; at < COLUMNS * rows; at += LANES) {
            pixels[at] = load_block(tile, top + at / COLUMNS, left + at % COLUMNS, channel);
        }
        stage_weights(lane, 4u, block + channel * 4u * params.outputs, first);
        workgroupBarrier();
        let at = row * COLUMNS + run * RUN;
        sums = add_place(
            sums, output, pixels[at], pixels[at + 1u], pixels[at + 2u], pixels[at + 3u], pixels[at + 4u], pixels[at + 5u],
            pixels[at + 6u]
        );
    }

    let y = top + row;
    let x = left + run * RUN;
    let a = first + output;
    let b = a + CHANNEL_GROUPS;
    store(tile, y, x, a, sums.a0);
    store(tile, y, x + 1u, a, sums.a1);
    store(tile, y, x + 2u, a, sums.a2);
    store(tile, y, x + 3u, a, sums.a3);
    store(tile, y, x + 4u, a, sums.a4);
    store(tile, y, x + 5u, a, sums.a5);
    store(tile, y, x + 6u, a, sums.a6);
    store(tile, y, x, b, sums.b0);
    store(tile, y, x + 1u, b, sums.b1);
    store(tile, y, x + 2u, b, sums.b2);
    store(tile, y, x + 3u, b, sums.b3);
    store(tile, y, x + 4u, b, sums.b4);
    store(tile, y, x + 5u, b, sums.b5);
    store(tile, y, x + 6u, b, sums.b6);
}
