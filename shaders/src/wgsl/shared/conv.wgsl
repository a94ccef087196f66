// The parameters of every convolution.
//
// target = residual + bias + conv(f(source + skip + style)), with f the BatchNorm and, for a ReLU's `lowest`, the ReLU.
// Activations are [tile][y][x][channel / 4].

struct Params {
    /// Width and height of the target.
    width: u32,
    height: u32,
    /// vec4s per pixel of the source and of the target.
    inputs: u32,
    outputs: u32,
    /// 1 if the source has half the target's sides and is upsampled, else 0.
    upsample: u32,
    /// Normalized inputs are 0 unless their bits, as an integer, are above these: the bits of -infinity for a ReLU, of
    /// -0 for none.
    lowest: i32,
    /// vec4s of style features per tile, 0 if no style is added; and the first one of this layer.
    style_stride: u32,
    style_offset: u32,
    /// 1 if the residual is added, else 0.
    add_residual: u32,
    /// vec4s per pixel of the block's input if a 1x1 convolution of it, the shortcut, is added, else 0; and 1 if it has half
    /// the target's sides, else 0.
    block_inputs: u32,
    block_upsample: u32,
    /// Capacity of the buffers in tiles.
    tiles: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// Whether the skip is added. A constant, not a parameter: without a skip, its loads must cost nothing.
override SKIP: bool = false;

// sum + weights * value; column k of the weights belongs to input channel k.
fn multiply_add(weights: mat4x4f, value: vec4f, sum: vec4f) -> vec4f {
    return fma(weights[3], value.wwww, fma(weights[2], value.zzzz, fma(weights[1], value.yyyy, fma(weights[0], value.xxxx, sum))));
}
