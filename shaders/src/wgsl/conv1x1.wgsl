// target = residual + bias + conv1x1(f(source + skip + style)), where f is BatchNorm and, with lowest = 0, ReLU.
//
// An invocation computes 8 rows of one column for 4 output channels. BatchNorm, ReLU, skip, style and the nearest 2x
// upsampling happen on load, bias and residual on store. Activations are [tile][y][x][channel / 4].
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
// [output / 4][input / 4] of 4 x 4: a column for each input channel, a row for each output channel.
@group(0) @binding(4) var<storage, read> weights: array<mat4x4f>;
// BatchNorm scale [inputs], BatchNorm shift [inputs], bias [outputs].
@group(0) @binding(5) var<storage, read> vectors: array<vec4f>;
// [tile][feature / 4].
@group(0) @binding(6) var<storage, read> style: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> destination: array<vec4f>;

// A constant, not a parameter: without it the loads of the skip must cost nothing.
override SKIP: bool = false;

// Rows of an invocation; unrolled by hand as in conv3x3.wgsl.
const ROWS = 8u;

// The source's first value of the pixel under a pixel of the target; rows below the plane are clamped, their results
// not stored.
fn pixel(tile: u32, y: u32, x: u32) -> u32 {
    let row = tile * (params.height >> params.upsample) + (min(y, params.height - 1u) >> params.upsample);
    return (row * (params.width >> params.upsample) + (x >> params.upsample)) * params.inputs;
}

// One input value after its prologue.
fn load(at: u32, scale: vec4f, shift: vec4f) -> vec4f {
    var value = source[at];
    if SKIP {
        value += skip[at];
    }
    return max(value * scale + shift, vec4f(params.lowest));
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
fn conv1x1(@builtin(global_invocation_id) id: vec3u) {
    let x = id.x;
    let output = id.y % params.outputs;
    let y = id.y / params.outputs * ROWS;
    let tile = id.z;
    if x >= params.width || y >= params.height {
        return;
    }

    let pixel0 = pixel(tile, y, x);
    let pixel1 = pixel(tile, y + 1u, x);
    let pixel2 = pixel(tile, y + 2u, x);
    let pixel3 = pixel(tile, y + 3u, x);
    let pixel4 = pixel(tile, y + 4u, x);
    let pixel5 = pixel(tile, y + 5u, x);
    let pixel6 = pixel(tile, y + 6u, x);
    let pixel7 = pixel(tile, y + 7u, x);

    var sum0 = vec4f();
    var sum1 = vec4f();
    var sum2 = vec4f();
    var sum3 = vec4f();
    var sum4 = vec4f();
    var sum5 = vec4f();
    var sum6 = vec4f();
    var sum7 = vec4f();

    for (var channel = 0u; channel < params.inputs; channel++) {
        let scale = vectors[channel];
        var shift = vectors[params.inputs + channel];
        if params.style_stride != 0u {
            // scale * (x + style) + shift, with what does not depend on the pixel taken out.
            shift += scale * style[tile * params.style_stride + params.style_offset + channel];
        }
        let w = weights[output * params.inputs + channel];
        sum0 += w * load(pixel0 + channel, scale, shift);
        sum1 += w * load(pixel1 + channel, scale, shift);
        sum2 += w * load(pixel2 + channel, scale, shift);
        sum3 += w * load(pixel3 + channel, scale, shift);
        sum4 += w * load(pixel4 + channel, scale, shift);
        sum5 += w * load(pixel5 + channel, scale, shift);
        sum6 += w * load(pixel6 + channel, scale, shift);
        sum7 += w * load(pixel7 + channel, scale, shift);
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
