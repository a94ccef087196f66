// 3x3 convolution, register-blocked and direct: an invocation computes 7 rows of one column for 8 output channels, and
// reads every value it needs straight from memory; no workgroup memory. The portable one.
//
// Weights: [output / 8][input / 4][kernel x][output / 4 % 2][kernel y][input % 4], then the block's
// [output / 8][input / 4][output / 4 % 2][input % 4].
//
// Grid: x columns / 8; y (blocks of 7 rows) x (groups of 32 output channels); z tiles.

@compute @workgroup_size(8, 4)
fn conv3x3_direct(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let groups = (params.outputs + 1u) / 2u;
    let workgroups = (params.outputs + 7u) / 8u;
    let x = workgroup.x * 8u + local.x;
    let group = workgroup.y % workgroups * 4u + local.y;
    let y = workgroup.y / workgroups * ROWS;
    let tile = workgroup.z;
    if x >= params.width || group >= groups {
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
