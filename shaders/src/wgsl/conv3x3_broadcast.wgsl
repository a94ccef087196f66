// 3x3 convolution, register-blocked, with weights shared by subgroup broadcasts.
//
// Like conv3x3_direct, but the invocations of a subgroup compute adjacent columns for the same 16 output channels:
// each loads a part of the weights and broadcasts it. For software adapters (Mesa's llvmpipe), where a vector load of one
// address costs as much as one of many. Needs subgroups of 8 invocations or more; the first 8 hold the weights.
//
// Weights: [output / 16][input / 4][kernel x][output / 4 % 4][kernel y][input % 4], then the block's
// [output / 16][input / 4][output / 4 % 4][input % 4].
//
// Grid: x columns / 32; y (blocks of 7 rows) x (groups of 16 output channels); z tiles.

@compute @workgroup_size(32)
fn conv3x3_broadcast(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let groups = (params.outputs + 3u) / 4u;
    let x = workgroup.x * 32u + index;
    let group = workgroup.y % groups;
    let y = workgroup.y / groups * ROWS;
    let tile = workgroup.z;
    // No invocation returns early: each holds weights for the others.

    var sums0 = Column();
    var sums1 = Column();
    var sums2 = Column();
    var sums3 = Column();

    let top = i32(y) - 1;
    var weight = group * params.inputs * 144u + lane % 8u;
    for (var channel = 0u; channel < params.inputs; channel++) {
        let norm = norm(tile, channel);
        for (var kx = 0; kx < 3; kx++) {
            // Weight n of the 48 is in lane n % 8 of part n / 8.
            let p0 = vec4f(weights[weight]);
            let p1 = vec4f(weights[weight + 8u]);
            let p2 = vec4f(weights[weight + 16u]);
            let p3 = vec4f(weights[weight + 24u]);
            let p4 = vec4f(weights[weight + 32u]);
            let p5 = vec4f(weights[weight + 40u]);
            weight += 48u;
            let inputs = load_column(tile, top, i32(x) + kx - 1, channel, norm);
            sums0 = add_column(sums0, low(p0), high(p0), low(p1), inputs);
            sums1 = add_column(sums1, high(p1), low(p2), high(p2), inputs);
            sums2 = add_column(sums2, low(p3), high(p3), low(p4), inputs);
            sums3 = add_column(sums3, high(p4), low(p5), high(p5), inputs);
        }
    }

    weight = groups * params.inputs * 144u + group * params.block_inputs * 16u + lane % 8u;
    for (var channel = 0u; channel < params.block_inputs; channel++) {
        let p0 = vec4f(weights[weight]);
        let p1 = vec4f(weights[weight + 8u]);
        weight += 16u;
        let inputs = load_block_column(tile, y, x, channel);
        sums0 = add_point(sums0, low(p0), inputs);
        sums1 = add_point(sums1, high(p0), inputs);
        sums2 = add_point(sums2, low(p1), inputs);
        sums3 = add_point(sums3, high(p1), inputs);
    }

    store_column(tile, y, x, 4u * group, sums0);
    store_column(tile, y, x, 4u * group + 1u, sums1);
    store_column(tile, y, x, 4u * group + 2u, sums2);
    store_column(tile, y, x, 4u * group + 3u, sums3);
}
