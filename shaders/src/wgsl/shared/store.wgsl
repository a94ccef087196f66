// Stores of a convolution's result: bias and residual.
//
// Uses conv.wgsl, and the shader's buffers `residual`, `vectors` and `destination`.

fn store(tile: u32, y: u32, x: u32, output: u32, sum: vec4f) {
    if y >= params.height || x >= params.width || output >= params.outputs {
        return;
    }
    let at = ((tile * params.height + y) * params.width + x) * params.outputs + output;
    var value = sum + vectors[2u * params.inputs + output];
    if params.add_residual != 0u {
        value += from_packed(residual[at]);
    }
    destination[at] = to_packed(value);
}
