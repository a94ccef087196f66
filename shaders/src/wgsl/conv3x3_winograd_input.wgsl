// 3x3 Winograd convolution, first of two shaders: transforms the input to the points.
//
// The input first passes BatchNorm and ReLU. A second dispatch, with BLOCK, adds the block's input as further channels.
//
// Grid: x vec4s of channels of the source or, with BLOCK, of the block's input; y (patches of the batch) / LANES.

// Whether the block's input is transformed instead of the source.
override BLOCK: bool = false;

@group(0) @binding(1) var<storage, read> source: array<Packed>;
// The shape of the source. Read if SKIP is set.
@group(0) @binding(2) var<storage, read> skip: array<Packed>;
// The block's input if block_inputs is set.
@group(0) @binding(3) var<storage, read> residual: array<Packed>;
// BatchNorm scale [inputs], BatchNorm shift [inputs].
@group(0) @binding(4) var<storage, read> vectors: array<vec4f>;
// [tile][feature / 4].
@group(0) @binding(5) var<storage, read> style: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> points: array<Four>;

// Six adjacent values.
struct Line {
    a: vec4f,
    b: vec4f,
    c: vec4f,
    d: vec4f,
    e: vec4f,
    f: vec4f,
}

// Transforms six adjacent pixels to the six points.
fn transform(v: Line) -> Line {
    let even_p = fma(vec4f(-Q2), v.c, v.e);
    let odd_p = fma(vec4f(-Q2), v.b, v.d);
    let even_q = fma(vec4f(-P2), v.c, v.e);
    let odd_q = fma(vec4f(-P2), v.b, v.d);
    return Line(
        fma(vec4f(P2 * Q2), v.a, fma(vec4f(-(P2 + Q2)), v.c, v.e)),
        fma(vec4f(P), odd_p, even_p),
        fma(vec4f(-P), odd_p, even_p),
        fma(vec4f(Q), odd_q, even_q),
        fma(vec4f(-Q), odd_q, even_q),
        fma(vec4f(P2 * Q2), v.b, fma(vec4f(-(P2 + Q2)), v.d, v.f)),
    );
}

fn store_points(at: u32, stride: u32, v: Line) {
    points[at] = to_four(v.a);
    points[at + stride] = to_four(v.b);
    points[at + 2u * stride] = to_four(v.c);
    points[at + 3u * stride] = to_four(v.d);
    points[at + 4u * stride] = to_four(v.e);
    points[at + 5u * stride] = to_four(v.f);
}

// A column of the patch's pixels and their border.
fn load_column(corner: Patch, x: i32, channel: u32, norm: Norm) -> Line {
    let y = i32(corner.y) - 1;
    return Line(
        load(corner.tile, y, x, channel, norm),
        load(corner.tile, y + 1, x, channel, norm),
        load(corner.tile, y + 2, x, channel, norm),
        load(corner.tile, y + 3, x, channel, norm),
        load(corner.tile, y + 4, x, channel, norm),
        load(corner.tile, y + 5, x, channel, norm),
    );
}

fn load_block_column(corner: Patch, x: i32, channel: u32) -> Line {
    let y = i32(corner.y) - 1;
    return Line(
        load_block(corner.tile, u32(y), u32(x), channel),
        load_block(corner.tile, u32(y + 1), u32(x), channel),
        load_block(corner.tile, u32(y + 2), u32(x), channel),
        load_block(corner.tile, u32(y + 3), u32(x), channel),
        load_block(corner.tile, u32(y + 4), u32(x), channel),
        load_block(corner.tile, u32(y + 5), u32(x), channel),
    );
}

@compute @workgroup_size(LANES)
fn conv3x3_winograd_input(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    let channel = workgroup.x;
    let quads = params.inputs + params.block_inputs;
    let index = workgroup.y * LANES + lane;
    var corner = patch_of(index);
    // The last block may be longer than the batch. Points past the end are not used.
    corner.tile = min(corner.tile, params.tiles - 1u);
    let x = i32(corner.x);

    var c0: Line;
    var c1: Line;
    var c2: Line;
    var c3: Line;
    var c4: Line;
    var c5: Line;
    if !BLOCK {
        let norm = norm(corner.tile, channel);
        c0 = transform(load_column(corner, x - 1, channel, norm));
        c1 = transform(load_column(corner, x, channel, norm));
        c2 = transform(load_column(corner, x + 1, channel, norm));
        c3 = transform(load_column(corner, x + 2, channel, norm));
        c4 = transform(load_column(corner, x + 3, channel, norm));
        c5 = transform(load_column(corner, x + 4, channel, norm));
    } else {
        c0 = transform(load_block_column(corner, x - 1, channel));
        c1 = transform(load_block_column(corner, x, channel));
        c2 = transform(load_block_column(corner, x + 1, channel));
        c3 = transform(load_block_column(corner, x + 2, channel));
        c4 = transform(load_block_column(corner, x + 3, channel));
        c5 = transform(load_block_column(corner, x + 4, channel));
    }

    let stride = quads * 4u * LANES;
    let at = place_of(index, quads, channel + select(0u, params.inputs, BLOCK));
    store_points(at, stride, transform(Line(c0.a, c1.a, c2.a, c3.a, c4.a, c5.a)));
    store_points(at + 6u * stride, stride, transform(Line(c0.b, c1.b, c2.b, c3.b, c4.b, c5.b)));
    store_points(at + 12u * stride, stride, transform(Line(c0.c, c1.c, c2.c, c3.c, c4.c, c5.c)));
    store_points(at + 18u * stride, stride, transform(Line(c0.d, c1.d, c2.d, c3.d, c4.d, c5.d)));
    store_points(at + 24u * stride, stride, transform(Line(c0.e, c1.e, c2.e, c3.e, c4.e, c5.e)));
    store_points(at + 30u * stride, stride, transform(Line(c0.f, c1.f, c2.f, c3.f, c4.f, c5.f)));
}
