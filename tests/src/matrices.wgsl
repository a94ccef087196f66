// Subgroup matrices of 16 x 16, emulated value by value on devices without them. A factor stays in workgroup memory
// until it is multiplied; each invocation of a subgroup holds some values of a sum. Results are in f16, as they will be
// stored: software adapters have 32 KiB of workgroup memory.

const SIDE = 16u;

// Start of a factor, and the distance of two rows of pixels or columns of weights, in elements of four values.
struct Factor {
    at: u32,
    stride: u32,
}

// The values lane, lane + LANES / 4 and so on, row by row: all 8 for a subgroup of 32, the first 4 for one of 64.
struct Sums {
    values: array<f32, 8>,
}

fn multiply_add_matrices(lane: u32, pixels: Factor, weights: Factor, addend: Sums) -> Sums {
    var sums = addend;
    // Unknown at compile time: unrolling all this would take minutes.
    let depth = min(SIDE, params.width + SIDE);
    for (var at = lane; at < SIDE * SIDE; at += LANES / 4u) {
        let row = at / SIDE;
        let column = at % SIDE;
        var sum = 0.0;
        for (var k = 0u; k < depth; k++) {
            let pixel = f32(halo[pixels.at + row * pixels.stride + k / 4u][k % 4u]);
            sum += pixel * f32(kernel[weights.at + column * weights.stride + k / 4u][k % 4u]);
        }
        sums.values[at / (LANES / 4u)] += sum;
    }
    return sums;
}

fn store_matrix(lane: u32, sums: Sums, to: u32, stride: u32) {
    for (var at = lane; at < SIDE * SIDE; at += LANES / 4u) {
        results[to + at / SIDE * stride + at % SIDE] = f16(sums.values[at / (LANES / 4u)]);
    }
}
