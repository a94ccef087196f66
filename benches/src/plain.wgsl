// A plain tiled 3x3 convolution, the baseline of the family of kernels. For every four input channels a workgroup stages 8 x 8
// pixels with a border of one, and the weights. Each invocation computes one pixel for four output channels. No register
// blocking.
//
// Weights: [output / 4][input / 4][kernel y][kernel x][input % 4], then the block's [output / 4][input / 4][input % 4].
//
// Grid: x columns / 8; y (rows / 8) x (groups of 4 output channels); z tiles.

const SIDE = 8u;
const HALO = SIDE + 2u;
const LANES = SIDE * SIDE;

var<workgroup> pixels: array<vec4f, HALO * HALO>;
var<workgroup> kernel: array<vec4f, 36>;

@compute @workgroup_size(LANES)
fn conv3x3_plain(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    let output = workgroup.y % params.outputs;
    let top = workgroup.y / params.outputs * SIDE;
    let left = workgroup.x * SIDE;
    let tile = workgroup.z;
    let row = lane / SIDE;
    let column = lane % SIDE;

    var sum = vec4f();
    for (var channel = 0u; channel < params.inputs; channel++) {
        let norm = norm(tile, channel);
        // Other invocations may still read the staged values.
        workgroupBarrier();
        for (var at = lane; at < HALO * HALO; at += LANES) {
            pixels[at] = load(tile, i32(top + at / HALO) - 1, i32(left + at % HALO) - 1, channel, norm);
        }
        if lane < 36u {
            kernel[lane] = vec4f(weights[(output * params.inputs + channel) * 36u + lane]);
        }
        workgroupBarrier();
        for (var ky = 0u; ky < 3u; ky++) {
            for (var kx = 0u; kx < 3u; kx++) {
                let w = (3u * ky + kx) * 4u;
                let matrix = mat4x4f(kernel[w], kernel[w + 1u], kernel[w + 2u], kernel[w + 3u]);
                sum = multiply_add(matrix, pixels[(row + ky) * HALO + column + kx], sum);
            }
        }
    }

    let block = params.outputs * params.inputs * 36u;
    for (var channel = 0u; channel < params.block_inputs; channel++) {
        let matrix = weights_at(block + (output * params.block_inputs + channel) * 4u);
        sum = multiply_add(matrix, load_block(tile, top + row, left + column, channel), sum);
    }
    store(tile, top + row, left + column, output, sum);
}
