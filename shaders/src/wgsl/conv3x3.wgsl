// target = residual + bias + conv3x3(f(source + skip + style)), where f is BatchNorm and ReLU.
//
// Register-blocked and direct: an invocation computes 8 rows of one column for 4 output channels, and reads every
// input value it needs straight from memory, vec4 by vec4; no workgroup memory. BatchNorm, ReLU, skip, style and the
// nearest 2x upsampling happen on load, bias and residual on store. Activations are [tile][y][x][channel / 4].
//
// Grid: x columns / 8; y (blocks of 8 rows) x (groups of 4 output channels) / 4; z tiles.

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
// rounds the bounds checks also limit, and accumulators in an indexed array would live in memory.
const ROWS = 8u;

// The source's first value of a row of the target; rows outside are clamped, their values not used.
fn row_start(tile: u32, y: i32) -> u32 {
    let inside = u32(clamp(y, 0, i32(params.height) - 1));
    return (tile * (params.height >> params.upsample) + (inside >> params.upsample)) * (params.width >> params.upsample);
}

// One input value after its prologue. The padding comes after BatchNorm and ReLU, so outside of the plane it is 0.
fn load(at: u32, inside: bool, scale: vec4f, shift: vec4f) -> vec4f {
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

    let top = i32(y) - 1;
    let row0 = row_start(tile, top);
    let row1 = row_start(tile, top + 1);
    let row2 = row_start(tile, top + 2);
    let row3 = row_start(tile, top + 3);
    let row4 = row_start(tile, top + 4);
    let row5 = row_start(tile, top + 5);
    let row6 = row_start(tile, top + 6);
    let row7 = row_start(tile, top + 7);
    let row8 = row_start(tile, top + 8);
    let row9 = row_start(tile, top + 9);
    // The row above is outside for the first block; below, any row but the invocation's first may be.
    let has0 = y > 0u;
    let below = params.height - y;

    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    var sum4 = vec4f();
    var sum5 = vec4f();
    var sum6 = vec4f();
    var sum7 = vec4f();

    var weight = output * params.inputs * 9u;
    for (var channel = 0u; channel < params.inputs; channel++) {
        let scale = vectors[channel];
        var shift = vectors[params.inputs + channel];
        if params.style_stride != 0u {
            // scale * (x + style) + shift, with what does not depend on the pixel taken out.
            shift += scale * style[tile * params.style_stride + params.style_offset + channel];
        }
        for (var kx = 0u; kx < 3u; kx++) {
            let source_x = i32(x + kx) - 1;
            let inside = source_x >= 0 && source_x < i32(params.width);
            let column = u32(clamp(source_x, 0, i32(params.width) - 1)) >> params.upsample;

            let v0 = load((row0 + column) * params.inputs + channel, inside && has0, scale, shift);
            let v1 = load((row1 + column) * params.inputs + channel, inside, scale, shift);
            let v2 = load((row2 + column) * params.inputs + channel, inside && below > 1u, scale, shift);
            let v3 = load((row3 + column) * params.inputs + channel, inside && below > 2u, scale, shift);
            let v4 = load((row4 + column) * params.inputs + channel, inside && below > 3u, scale, shift);
            let v5 = load((row5 + column) * params.inputs + channel, inside && below > 4u, scale, shift);
            let v6 = load((row6 + column) * params.inputs + channel, inside && below > 5u, scale, shift);
            let v7 = load((row7 + column) * params.inputs + channel, inside && below > 6u, scale, shift);
            let v8 = load((row8 + column) * params.inputs + channel, inside && below > 7u, scale, shift);
            let v9 = load((row9 + column) * params.inputs + channel, inside && below > 8u, scale, shift);

            let w0 = weights[weight];
            let w1 = weights[weight + 1u];
            let w2 = weights[weight + 2u];
            weight += 3u;
            sum0 += w0 * v0 + w1 * v1 + w2 * v2;
            sum1 += w0 * v1 + w1 * v2 + w2 * v3;
            sum2 += w0 * v2 + w1 * v3 + w2 * v4;
            sum3 += w0 * v3 + w1 * v4 + w2 * v5;
            sum4 += w0 * v4 + w1 * v5 + w2 * v6;
            sum5 += w0 * v5 + w1 * v6 + w2 * v7;
            sum6 += w0 * v6 + w1 * v7 + w2 * v8;
            sum7 += w0 * v7 + w1 * v8 + w2 * v9;
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
}
