// What every convolution is given: target = residual + bias + conv(f(source + skip + style)), where f is BatchNorm and,
// with lowest = 0, ReLU. Activations are [tile][y][x][channel / 4].

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
    /// Where a 1x1 convolution of the block's input is added instead: vec4s a pixel of that input, else 0; and 1 where
    /// that input has half the target's sides.
    block_inputs: u32,
    block_upsample: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<Stored>;
// Of the source's shape. Read where SKIP is set.
@group(0) @binding(2) var<storage, read> skip: array<Stored>;
// The residual, of the target's shape, where add_residual is set; the block's input where block_inputs is.
@group(0) @binding(3) var<storage, read> residual: array<Stored>;
// Each vec4 holds the weights from one input channel to four output channels; their order is the kernel's own.
@group(0) @binding(4) var<storage, read> weights: array<Stored>;
// BatchNorm scale [inputs], BatchNorm shift [inputs], bias [outputs].
@group(0) @binding(5) var<storage, read> vectors: array<vec4f>;
// [tile][feature / 4].
@group(0) @binding(6) var<storage, read> style: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> destination: array<Stored>;

// A constant, not a parameter: without it the loads of the skip must cost nothing.
override SKIP: bool = false;

// sum + weights * value, where column k of the weights belongs to input channel k.
fn multiply_add(weights: mat4x4f, value: vec4f, sum: vec4f) -> vec4f {
    return fma(weights[3], value.wwww, fma(weights[2], value.zzzz, fma(weights[1], value.yyyy, fma(weights[0], value.xxxx, sum))));
}

// Four vec4s of weights from `at` on.
fn weights_at(at: u32) -> mat4x4f {
    return mat4x4f(vec4f(weights[at]), vec4f(weights[at + 1u]), vec4f(weights[at + 2u]), vec4f(weights[at + 3u]));
}
