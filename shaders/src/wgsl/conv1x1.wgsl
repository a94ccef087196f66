// 1x1 convolution.
//
// An invocation computes 7 rows of one column for 4 output channels.
//
// Weights: [output / 4][input / 4][input % 4].
//
// Grid: x columns / 8; y (blocks of 28 rows) x (groups of 4 output channels); z tiles.

@compute @workgroup_size(8, 4)
fn conv1x1(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_id) local: vec3u) {
    let x = workgroup.x * 8u + local.x;
    let output = workgroup.y % params.outputs;
    let y = (workgroup.y / params.outputs * 4u + local.y) * ROWS;
    let tile = workgroup.z;
    if x >= params.width || y >= params.height {
        return;
    }

    var sums = Column();
    var weight = output * params.inputs * 4u;
    for (var channel = 0u; channel < params.inputs; channel++) {
        // The first input is that of the first pixel itself; for a 3x3 kernel it is the one above.
        let inputs = load_column(tile, i32(y), i32(x), channel, norm(tile, channel));
        sums = add_point(sums, weights_at(weight), inputs);
        weight += 4u;
    }
    store_column(tile, y, x, output, sums);
}
