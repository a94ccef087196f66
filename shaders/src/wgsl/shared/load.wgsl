// Loads of a convolution's input: BatchNorm, ReLU, skip, style and the nearest 2x upsampling.
//
// Uses conv.wgsl, and the shader's buffers `source`, `skip`, `residual`, `vectors` and `style`.

// The scale and shift of a vec4 of channels.
struct Norm {
    scale: vec4f,
    shift: vec4f,
}

fn norm(tile: u32, channel: u32) -> Norm {
    let scale = vectors[channel];
    var shift = vectors[params.inputs + channel];
    if params.style_stride != 0u {
        // scale * (x + style) + shift; the part with the style does not depend on the pixel.
        shift += scale * style[tile * params.style_stride + params.style_offset + channel];
    }
    return Norm(scale, shift);
}

// The pixel of the source, or of the block's input, under a pixel of the target, clamped to the plane.
fn pixel_of(tile: u32, y: i32, x: i32, upsample: u32) -> u32 {
    let row = u32(clamp(y, 0, i32(params.height) - 1)) >> upsample;
    let column = u32(clamp(x, 0, i32(params.width) - 1)) >> upsample;
    return (tile * (params.height >> upsample) + row) * (params.width >> upsample) + column;
}

// The value of the source, and of the skip, at an index, after BatchNorm and ReLU; 0 if it is not `inside` the plane.
fn normalized(at: u32, norm: Norm, inside: bool) -> vec4f {
    var value = from_packed(source[at]);
    if SKIP {
        value += from_packed(skip[at]);
    }
    let normalized = fma(value, norm.scale, norm.shift);
    // As integers, the bits of finite negative numbers and of -infinity are the lowest. `max` would hide NaN.
    let above = bitcast<vec4i>(normalized) > vec4i(params.lowest);
    return select(vec4f(), normalized, above & vec4<bool>(inside));
}

// One input value after BatchNorm and ReLU. The padding applies after them, so outside the plane the value is 0.
fn load(tile: u32, y: i32, x: i32, channel: u32, norm: Norm) -> vec4f {
    // No branches (`&`, not `&&`; a negative i32 is a large u32): with them, a browser's SwiftShader compiles the inlined
    // copies of this function for minutes.
    let inside = (u32(y) < params.height) & (u32(x) < params.width);
    return normalized(pixel_of(tile, y, x, params.upsample) * params.inputs + channel, norm, inside);
}

// One value of the block's input, which enters its 1x1 convolution unchanged.
fn load_block(tile: u32, y: u32, x: u32, channel: u32) -> vec4f {
    let pixel = pixel_of(tile, i32(y), i32(x), params.block_upsample);
    return from_packed(residual[pixel * params.block_inputs + channel]);
}
