// target = residual + bias + conv3x3(f(source + skip + style)), where f is BatchNorm and ReLU.
//
// Register-blocked and direct: an invocation computes 14 rows of one column for 4 output channels, and reads every
// input value it needs straight from memory, vec4 by vec4; no workgroup memory. BatchNorm, ReLU, skip, style and the
// nearest 2x upsampling happen on load, bias and residual on store. Activations are [tile][y][x][channel / 4].
//
// Grid: x columns / 8; y (blocks of 14 rows) x (groups of 4 output channels) / 4; z tiles.

struct Params {
    /// Width and height of the target.
    width: u32,
    height: u32,
    /// vec4s a pixel of the source and of the target.
    inputs: u32,
    outputs: u32,
    /// 1 where the source has half the target's sides and is doubled, else 0.
    upsample: u32,
    /// What the normalised input is clipped at: 0 for ReLU, the lowest number for none.
    lowest: f32,
    /// vec4s of style features a tile, 0 where no style is added, and the first one of this layer.
    style_stride: u32,
    style_offset: u32,
    /// 1 where the residual is added, else 0.
    add_residual: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4f>;
// Of the source's shape. Read where SKIP is set.
@group(0) @binding(2) var<storage, read> skip: array<vec4f>;
// Of the target's shape. Read where add_residual is set.
@group(0) @binding(3) var<storage, read> residual: array<vec4f>;
// [output / 4][input / 4][kernel x][kernel y] of 4 x 4: a column for each input channel, a row for each output channel.
@group(0) @binding(4) var<storage, read> weights: array<mat4x4f>;
// BatchNorm scale [inputs], BatchNorm shift [inputs], bias [outputs].
@group(0) @binding(5) var<storage, read> vectors: array<vec4f>;
// [tile][feature / 4].
@group(0) @binding(6) var<storage, read> style: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>;

// A constant, not a parameter: without it the loads of the skip must cost nothing.
override SKIP: bool = false;

// Rows of an invocation. The code below is unrolled by hand for it: compilers do not unroll loops whose number of
// rounds the bounds checks also limit, and sums in an indexed array would live in memory.
const ROWS = 14u;

// One input value after its prologue. The padding comes after BatchNorm and ReLU, so outside of the plane it is 0.
fn load(tile: u32, y: i32, x: i32, channel: u32, scale: vec4f, shift: vec4f) -> vec4f {
    // Compared without branches (`&`, not `&&`; below 0 is large as u32): with them, 16 inlined copies of this function
    // keep a browser's SwiftShader compiling for minutes.
    let inside = (u32(y) < params.height) & (u32(x) < params.width);
    let row = u32(clamp(y, 0, i32(params.height) - 1)) >> params.upsample;
    let column = u32(clamp(x, 0, i32(params.width) - 1)) >> params.upsample;
    let pixel = (tile * (params.height >> params.upsample) + row) * (params.width >> params.upsample) + column;
    let at = pixel * params.inputs + channel;
    var value = source[at];
    if SKIP {
        value += skip[at];
    }
    return select(vec4f(), max(value * scale + shift, vec4f(params.lowest)), inside);
}

fn store(tile: u32, y: u32, x: u32, output: u32, bias: vec4f, sum: vec4f) {
    if y >= params.height {
        return;
    }
    let at = ((tile * params.height + y) * params.width + x) * params.outputs + output;
    var value = sum + bias;
    if params.add_residual != 0u {
        value += residual[at];
    }
    destination[at] = value;
}

@compute @workgroup_size(8, 4)
fn conv3x3(@builtin(global_invocation_id) id: vec3u) {
    let x = id.x;
    let output = id.y % params.outputs;
    let y = id.y / params.outputs * ROWS;
    let tile = id.z;
    if x >= params.width || y >= params.height {
        return;
    }

    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    var sum4 = vec4f();
    var sum5 = vec4f();
    var sum6 = vec4f();
    var sum7 = vec4f();
    var sum8 = vec4f();
    var sum9 = vec4f();
    var sum10 = vec4f();
    var sum11 = vec4f();
    var sum12 = vec4f();
    var sum13 = vec4f();

    let top = i32(y) - 1;
    var weight = output * params.inputs * 9u;
    for (var channel = 0u; channel < params.inputs; channel++) {
        let scale = vectors[channel];
        var shift = vectors[params.inputs + channel];
        if params.style_stride != 0u {
            // scale * (x + style) + shift, with what does not depend on the pixel taken out.
            shift += scale * style[tile * params.style_stride + params.style_offset + channel];
        }
        for (var kx = 0; kx < 3; kx++) {
            let column = i32(x) + kx - 1;
            let w0 = weights[weight];
            let w1 = weights[weight + 1u];
            let w2 = weights[weight + 2u];
            weight += 3u;
            // Each input row adds to the three rows of the target that it is a neighbour of.
            var v = load(tile, top, column, channel, scale, shift);
            sum0 += w0 * v;
            v = load(tile, top + 1, column, channel, scale, shift);
            sum0 += w1 * v;
            sum1 += w0 * v;
            v = load(tile, top + 2, column, channel, scale, shift);
            sum0 += w2 * v;
            sum1 += w1 * v;
            sum2 += w0 * v;
            v = load(tile, top + 3, column, channel, scale, shift);
            sum1 += w2 * v;
            sum2 += w1 * v;
            sum3 += w0 * v;
            v = load(tile, top + 4, column, channel, scale, shift);
            sum2 += w2 * v;
            sum3 += w1 * v;
            sum4 += w0 * v;
            v = load(tile, top + 5, column, channel, scale, shift);
            sum3 += w2 * v;
            sum4 += w1 * v;
            sum5 += w0 * v;
            v = load(tile, top + 6, column, channel, scale, shift);
            sum4 += w2 * v;
            sum5 += w1 * v;
            sum6 += w0 * v;
            v = load(tile, top + 7, column, channel, scale, shift);
            sum5 += w2 * v;
            sum6 += w1 * v;
            sum7 += w0 * v;
            v = load(tile, top + 8, column, channel, scale, shift);
            sum6 += w2 * v;
            sum7 += w1 * v;
            sum8 += w0 * v;
            v = load(tile, top + 9, column, channel, scale, shift);
            sum7 += w2 * v;
            sum8 += w1 * v;
            sum9 += w0 * v;
            v = load(tile, top + 10, column, channel, scale, shift);
            sum8 += w2 * v;
            sum9 += w1 * v;
            sum10 += w0 * v;
            v = load(tile, top + 11, column, channel, scale, shift);
            sum9 += w2 * v;
            sum10 += w1 * v;
            sum11 += w0 * v;
            v = load(tile, top + 12, column, channel, scale, shift);
            sum10 += w2 * v;
            sum11 += w1 * v;
            sum12 += w0 * v;
            v = load(tile, top + 13, column, channel, scale, shift);
            sum11 += w2 * v;
            sum12 += w1 * v;
            sum13 += w0 * v;
            v = load(tile, top + 14, column, channel, scale, shift);
            sum12 += w2 * v;
            sum13 += w1 * v;
            v = load(tile, top + 15, column, channel, scale, shift);
            sum13 += w2 * v;
        }
    }

    let bias = vectors[2u * params.inputs + output];
    store(tile, y, x, output, bias, sum0);
    store(tile, y + 1u, x, output, bias, sum1);
    store(tile, y + 2u, x, output, bias, sum2);
    store(tile, y + 3u, x, output, bias, sum3);
    store(tile, y + 4u, x, output, bias, sum4);
    store(tile, y + 5u, x, output, bias, sum5);
    store(tile, y + 6u, x, output, bias, sum6);
    store(tile, y + 7u, x, output, bias, sum7);
    store(tile, y + 8u, x, output, bias, sum8);
    store(tile, y + 9u, x, output, bias, sum9);
    store(tile, y + 10u, x, output, bias, sum10);
    store(tile, y + 11u, x, output, bias, sum11);
    store(tile, y + 12u, x, output, bias, sum12);
    store(tile, y + 13u, x, output, bias, sum13);
}
