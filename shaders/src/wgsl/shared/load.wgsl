// Loading an input of a convolution: BatchNorm, ReLU, skip, style and the nearest 2x upsampling.

// What a vec4 of channels is multiplied by, and what is added then.
struct Norm {
    scale: vec4f,
    shift: vec4f,
}

fn norm(tile: u32, channel: u32) -> Norm {
    let scale = vectors[channel];
    var shift = vectors[params.inputs + channel];
    if params.style_stride != 0u {
        // scale * (x + style) + shift, with what does not depend on the pixel taken out.
        shift += scale * style[tile * params.style_stride + params.style_offset + channel];
    }
    return Norm(scale, shift);
}

// Where the source, or the block's input, has a pixel of the target; outside of the plane, the nearest one inside.
fn pixel_of(tile: u32, y: i32, x: i32, upsample: u32) -> u32 {
    let row = u32(clamp(y, 0, i32(params.height) - 1)) >> upsample;
    let column = u32(clamp(x, 0, i32(params.width) - 1)) >> upsample;
    return (tile * (params.height >> upsample) + row) * (params.width >> upsample) + column;
}

// One input value after its prologue. The padding comes after BatchNorm and ReLU, so outside of the plane it is 0.
fn load(tile: u32, y: i32, x: i32, channel: u32, norm: Norm) -> vec4f {
    // Compared without branches (`&`, not `&&`; below 0 is large as u32): with them, the inlined copies of this function
    // keep a browser's SwiftShader compiling for minutes.
    let inside = (u32(y) < params.height) & (u32(x) < params.width);
    let at = pixel_of(tile, y, x, params.upsample) * params.inputs + channel;
    var value = from_packed(source[at]);
    if SKIP {
        value += from_packed(skip[at]);
    }
    return select(vec4f(), max(fma(value, norm.scale, norm.shift), vec4f(params.lowest)), inside);
}

// A value of the block's input, which goes into its 1x1 convolution as it is.
fn load_block(tile: u32, y: u32, x: u32, channel: u32) -> vec4f {
    let pixel = pixel_of(tile, i32(y), i32(x), params.block_upsample);
    return from_packed(residual[pixel * params.block_inputs + channel]);
}
