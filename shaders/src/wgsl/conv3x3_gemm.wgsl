// 3x3 convolution as an implicit matrix product through workgroup memory.
//
// For each four input channels, a workgroup stages its pixels (with a border of one) and the weights, and each invocation
// multiplies 7 adjacent pixels by 4 * QUADS output channels. A staged pixel goes through BatchNorm and ReLU once, and
// serves all nine positions of the kernel and all output channels of the workgroup. Blocks of 28 columns divide the sides
// 224, 112, 56 and 28 of the published networks.
//
// The inner indices of the staged arrays are constants, so that each access needs one address and no bounds check.
//
// Weights: [input / 4][kernel y][kernel x][input % 4][output / 4], then the block's [input / 4][input % 4][output / 4].
//
// Grid: x columns / 28; y (blocks of 32 / CHANNEL_GROUPS rows) x (groups of 4 * QUADS * CHANNEL_GROUPS output channels);
// z tiles.

// Groups of 4 * QUADS output channels of a workgroup: 4 or 8.
override CHANNEL_GROUPS: u32 = 8u;

const LANES = 128u;
const COLUMNS = 28u;
// Adjacent pixels of an invocation, such runs in a row, and the pixels of a run with its border.
const RUN = 7u;
const RUNS = 4u;
const HALO = 9u;

// Four channels of a run with its border. Apart, so that an invocation holds the values of one channel at a time; padded
// for loads of four values.
alias Pixels = array<array<f32, 12>, 4>;

// The weights of a group of output channels: [kernel y][kernel x][input % 4][output / 4 % QUADS]. The padding spreads the
// groups over the banks of the memory.
struct Weights {
    rows: array<array<array<array<vec4f, QUADS>, 4>, 3>, 3>,
    padding: vec4f,
}

// [row][run], with a row above and one below. The borders of adjacent runs overlap.
var<workgroup> pixels: array<Pixels, RUNS * (LANES / RUNS / CHANNEL_GROUPS + 2u)>;
var<workgroup> kernel: array<Weights, CHANNEL_GROUPS>;

// Sums of 7 pixels for 4 output channels.
struct Run {
    s0: vec4f,
    s1: vec4f,
    s2: vec4f,
    s3: vec4f,
    s4: vec4f,
    s5: vec4f,
    s6: vec4f,
}

fn add_run(sums: Run, weights: vec4f, v0: f32, v1: f32, v2: f32, v3: f32, v4: f32, v5: f32, v6: f32) -> Run {
    return Run(
        fma(weights, vec4f(v0), sums.s0),
        fma(weights, vec4f(v1), sums.s1),
        fma(weights, vec4f(v2), sums.s2),
        fma(weights, vec4f(v3), sums.s3),
        fma(weights, vec4f(v4), sums.s4),
        fma(weights, vec4f(v5), sums.s5),
        fma(weights, vec4f(v6), sums.s6),
    );
}

fn store_run(tile: u32, y: u32, x: u32, output: u32, sums: Run) {
    store(tile, y, x, output, sums.s0);
    store(tile, y, x + 1u, output, sums.s1);
    store(tile, y, x + 2u, output, sums.s2);
    store(tile, y, x + 3u, output, sums.s3);
    store(tile, y, x + 4u, output, sums.s4);
    store(tile, y, x + 5u, output, sums.s5);
    store(tile, y, x + 6u, output, sums.s6);
}

// Adds the products of one input channel of the staged run `at` in one row of the kernel.
fn add_row(sums: Sums, at: u32, group: u32, ky: u32, channel: u32) -> Sums {
    let v0 = pixels[at][channel][0];
    let v1 = pixels[at][channel][1];
    let v2 = pixels[at][channel][2];
    let v3 = pixels[at][channel][3];
    let v4 = pixels[at][channel][4];
    let v5 = pixels[at][channel][5];
    let v6 = pixels[at][channel][6];
    let v7 = pixels[at][channel][7];
    let v8 = pixels[at][channel][8];
    var s = add(sums, kernel[group].rows[ky][0][channel], v0, v1, v2, v3, v4, v5, v6);
    s = add(s, kernel[group].rows[ky][1][channel], v1, v2, v3, v4, v5, v6, v7);
    return add(s, kernel[group].rows[ky][2][channel], v2, v3, v4, v5, v6, v7, v8);
}

// Adds the products of one input channel of the staged block's input.
fn add_block(sums: Sums, at: u32, group: u32, channel: u32) -> Sums {
    return add(
        sums, kernel[group].rows[0][0][channel], pixels[at][channel][0], pixels[at][channel][1], pixels[at][channel][2],
        pixels[at][channel][3], pixels[at][channel][4], pixels[at][channel][5], pixels[at][channel][6]
    );
}

// Stages a pixel as the value `column` of the run `at`.
fn stage_pixel(at: u32, column: u32, value: vec4f) {
    pixels[at][0][column] = value.x;
    pixels[at][1][column] = value.y;
    pixels[at][2][column] = value.z;
    pixels[at][3][column] = value.w;
}

// Stages `count` weights of each of the workgroup's output channels, [count][output / 4], from index `begin`.
fn stage_weights(lane: u32, count: u32, begin: u32, first: u32) {
    let quads = QUADS * CHANNEL_GROUPS;
    let quad = lane % quads;
    // Channels past the last one are not stored, so their weights are irrelevant.
    let output = begin + min(first + quad, params.outputs - 1u);
    for (var at = lane / quads; at < count; at += LANES / quads) {
        let value = vec4f(weights[output + at * params.outputs]);
        kernel[quad % CHANNEL_GROUPS].rows[at / 12u][at / 4u % 3u][at % 4u][quad / CHANNEL_GROUPS] = value;
    }
}

@compute @workgroup_size(LANES)
fn conv3x3_gemm(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    let quads = QUADS * CHANNEL_GROUPS;
    let groups = (params.outputs + quads - 1u) / quads;
    let rows = LANES / RUNS / CHANNEL_GROUPS;
    let first = workgroup.y % groups * quads;
    let top = workgroup.y / groups * rows;
    let left = workgroup.x * COLUMNS;
    let tile = workgroup.z;
    // Consecutive invocations have the same pixels, so that they read consecutive weights.
    let group = lane % CHANNEL_GROUPS;
    let run = lane / CHANNEL_GROUPS % RUNS;
    let row = lane / CHANNEL_GROUPS / RUNS;

    var sums = Sums();
    for (var channel = 0u; channel < params.inputs; channel++) {
        let norm = norm(tile, channel);
        // No invocation may stage while others still read.
        workgroupBarrier();
        for (var at = lane; at < HALO * RUNS * (rows + 2u); at += LANES) {
            let y = i32(top + at / (HALO * RUNS)) - 1;
            let x = i32(left + at / HALO % RUNS * RUN + at % HALO) - 1;
            stage_pixel(at / HALO, at % HALO, load(tile, y, x, channel, norm));
        }
        stage_weights(lane, 36u, channel * 36u * params.outputs, first);
        workgroupBarrier();
        for (var ky = 0u; ky < 3u; ky++) {
            let at = (row + ky) * RUNS + run;
            sums = add_row(sums, at, group, ky, 0u);
            sums = add_row(sums, at, group, ky, 1u);
            sums = add_row(sums, at, group, ky, 2u);
            sums = add_row(sums, at, group, ky, 3u);
        }
    }

    let block = params.inputs * 36u * params.outputs;
    for (var channel = 0u; channel < params.block_inputs; channel++) {
        workgroupBarrier();
        for (var at = lane; at < COLUMNS * rows; at += LANES) {
            let value = load_block(tile, top + at / COLUMNS, left + at % COLUMNS, channel);
            stage_pixel(at / RUN, at % RUN, value);
        }
        stage_weights(lane, 4u, block + channel * 4u * params.outputs, first);
        workgroupBarrier();
        let at = row * RUNS + run;
        sums = add_block(sums, at, group, 0u);
        sums = add_block(sums, at, group, 1u);
        sums = add_block(sums, at, group, 2u);
        sums = add_block(sums, at, group, 3u);
    }

    store_sums(tile, top + row, left + run * RUN, first + group, sums);
}
