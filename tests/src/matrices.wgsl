// Subgroup matrices of 16 x 16, worked out value by value: what stands in for them on devices that have none. A factor
// stays where it is in workgroup memory until it is multiplied; of a sum each invocation of a subgroup holds values.
// Results are in f16, as they will be stored: software adapters have 32 KiB of workgroup memory.

const SIDE = 16u;

// Where a factor begins, and the distance of its rows.
struct Factor {
    at: u32,
    stride: u32,
}

// The values lane, lane + LANES / 4 and so on, row by row: of a subgroup of 32 all 8, of one of 64 the first 4.
struct Sums {
    values: array<f32, 8>,
}

fn multiply_add_matrices(lane: u32, pixels: Factor, weights: Factor, addend: Sums) -> Sums {
    var sums = addend;
    // Not known when it is compiled: were all this unrolled, that would take minutes.
    let depth = min(SIDE, params.width + SIDE);
    for (var at = lane; at < SIDE * SIDE; at += LANES / 4u) {
        let row = at / SIDE;
        let column = at % SIDE;
        var sum = 0.0;
        for (var k = 0u; k < depth; k++) {
            let pixel = f32(halo[pixels.at + row * pixels.stride + k]);
            sum += pixel * f32(kernel[weights.at + k * weights.stride + column]);
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
