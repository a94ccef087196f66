// 3x3 convolution, register-blocked, directly from memory; runs everywhere.
//
// An invocation computes 7 rows of one column for 8 output channels. It uses no workgroup memory.
//
// Weights: [output / 8][input / 4][kernel x][output / 4 % 2][kernel y][input % 4], then the block's
// [output / 8][input / 4][output / 4 % 2][input % 4].
//
// Grid: x columns / 32; y (blocks of 7 rows) x (groups of 8 output channels); z tiles.

@compute @workgroup_size(32)
fn conv3x3_direct(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) index: u32) {
    let groups = (params.outputs + 1u) / 2u;
    let x = workgroup.x * 32u + index;
    // Uniform in the workgroup, so that a compiler can load each weight once.
    let group = workgroup.y % groups;
    let y = workgroup.y / groups * ROWS;
    let tile = workgroup.z;
    if x >= params.width {
        return;
    }

    var sums0 = Column();
    var sums1 = Column();

    let top = i32(y) - 1;
    var weight = group * params.inputs * 72u;
    for (var channel = 0u; channel < params.inputs; channel++) {
        let norm = norm(tile, channel);
        for (var kx = 0; kx < 3; kx++) {
            let inputs = load_column(tile, top, i32(x) + kx - 1, channel, norm);
            sums0 = add_column(sums0, weights_at(weight), weights_at(weight + 4u), weights_at(weight + 8u), inputs);
            sums1 =
                add_column(sums1, weights_at(weight + 12u), weights_at(weight + 16u), weights_at(weight + 20u), inputs);
            weight += 24u;
        }
    }

    weight = groups * params.inputs * 72u + group * params.block_inputs * 8u;
    for (var channel = 0u; channel < params.block_inputs; channel++) {
        let inputs = load_block_column(tile, y, x, channel);
        sums0 = add_point(sums0, weights_at(weight), inputs);
        sums1 = add_point(sums1, weights_at(weight + 4u), inputs);
        weight += 8u;
    }

    store_column(tile, y, x, 2u * group, sums0);
    store_column(tile, y, x, 2u * group + 1u, sums1);
}
