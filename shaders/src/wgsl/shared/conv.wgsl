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
    /// Most tiles that the buffers have room for.
    tiles: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// A constant, not a parameter: without it the loads of the skip must cost nothing.
override SKIP: bool = false;

// sum + weights * value, where column k of the weights belongs to input channel k.
fn multiply_add(weights: mat4x4f, value: vec4f, sum: vec4f) -> vec4f {
    return fma(weights[3], value.wwww, fma(weights[2], value.zzzz, fma(weights[1], value.yyyy, fma(weights[0], value.xxxx, sum))));
}
