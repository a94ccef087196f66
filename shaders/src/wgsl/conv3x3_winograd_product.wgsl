// 3x3 Winograd convolution, second of two shaders: multiplies at the points and transforms the sums to pixels.
//
// At each point it sums the products of the input with the kernel. Then it transforms the sums to 4 x 4 pixels of the
// target, with bias and residual. An invocation computes 4 patches for 32 output channels. It reads only its own sums, soon
// enough to find them in a CPU's cache. All invocations of a workgroup need the same weights, so each loads a part and
// broadcasts it. Needs subgroups of 8 invocations or more; the first 8 hold the weights.
//
// Weights: [point][output / 32][input / 4][output / 4 % 8][input % 4], the block's inputs after the source's.
//
// Grid: x (groups of 32 output channels); y (patches of the batch) / (4 * LANES).

@group(0) @binding(1) var<storage, read> points: array<Four>;
// Each four values are the weights from one input channel to four output channels.
@group(0) @binding(2) var<storage, read> weights: array<Four>;
// The residual, of the target's shape, if add_residual is set.
@group(0) @binding(3) var<storage, read> residual: array<Packed>;
// BatchNorm scale [inputs], BatchNorm shift [inputs], bias [outputs].
@group(0) @binding(4) var<storage, read> vectors: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> sums: array<Four>;
@group(0) @binding(6) var<storage, read_write> destination: array<Packed>;

// Four channels of the patches `lane`, `LANES + lane` and so on of a block.
struct Run {
    v0: vec4f,
    v1: vec4f,
    v2: vec4f,
    v3: vec4f,
}

// Adds the products of four input channels to four output channels.
fn add(sum: Run, w: mat4x4f, v: Run) -> Run {
    return Run(
        multiply_add(w, v.v0, sum.v0),
        multiply_add(w, v.v1, sum.v1),
        multiply_add(w, v.v2, sum.v2),
        multiply_add(w, v.v3, sum.v3),
    );
}

fn store_run(at: u32, sum: Run) {
    sums[at] = to_four(sum.v0);
    sums[at + LANES] = to_four(sum.v1);
    sums[at + 2u * LANES] = to_four(sum.v2);
    sums[at + 3u * LANES] = to_four(sum.v3);
}

// Four adjacent pixels.
struct Pixels {
    a: vec4f,
    b: vec4f,
    c: vec4f,
    d: vec4f,
}

// Transforms six points to four pixels.
fn transform(a: vec4f, b: vec4f, c: vec4f, d: vec4f, e: vec4f, f: vec4f) -> Pixels {
    let even_p = b + c;
    let odd_p = b - c;
    let even_q = d + e;
    let odd_q = d - e;
    return Pixels(
        a + even_p + even_q,
        fma(vec4f(P), odd_p, Q * odd_q),
        fma(vec4f(P2), even_p, Q2 * even_q),
        fma(vec4f(P2 * P), odd_p, fma(vec4f(Q2 * Q), odd_q, f)),
    );
}

// Loads and transforms the points of one row.
fn load_points(at: u32, stride: u32) -> Pixels {
    return transform(
        from_four(sums[at]),
        from_four(sums[at + stride]),
        from_four(sums[at + 2u * stride]),
        from_four(sums[at + 3u * stride]),
        from_four(sums[at + 4u * stride]),
        from_four(sums[at + 5u * stride]),
    );
}

fn store_column(corner: Patch, x: u32, output: u32, v: Pixels) {
    store(corner.tile, corner.y, x, output, v.a);
    store(corner.tile, corner.y + 1u, x, output, v.b);
    store(corner.tile, corner.y + 2u, x, output, v.c);
    store(corner.tile, corner.y + 3u, x, output, v.d);
}

// Sums the products of 4 patches for 32 output channels at one point. `holder` is the invocation's number among those of
// its subgroup that hold the weights.
fn multiply(block: u32, group: u32, point: u32, to: u32, lane: u32, holder: u32) {
    let groups = (params.outputs + 7u) / 8u;
    let depth = params.inputs + params.block_inputs;
    var s0 = Run();
    var s1 = Run();
    var s2 = Run();
    var s3 = Run();
    var s4 = Run();
    var s5 = Run();
    var s6 = Run();
    var s7 = Run();
    var at = (block * POINTS + point) * depth * 4u * LANES + lane;
    var weight = (point * groups + group) * depth * 32u + holder;
    for (var quad = 0u; quad < depth; quad++) {
        let v = Run(
            from_four(points[at]),
            from_four(points[at + LANES]),
            from_four(points[at + 2u * LANES]),
            from_four(points[at + 3u * LANES]),
        );
        // Weight n of the 32 is in lane n % 8 of part n / 8.
        let p0 = from_four(weights[weight]);
        let p1 = from_four(weights[weight + 8u]);
        let p2 = from_four(weights[weight + 16u]);
        let p3 = from_four(weights[weight + 24u]);
        s0 = add(s0, low(p0), v);
        s1 = add(s1, high(p0), v);
        s2 = add(s2, low(p1), v);
        s3 = add(s3, high(p1), v);
        s4 = add(s4, low(p2), v);
        s5 = add(s5, high(p2), v);
        s6 = add(s6, low(p3), v);
        s7 = add(s7, high(p3), v);
        at += 4u * LANES;
        weight += 32u;
    }
    // Padding channels of the last group are stored too.
    store_run(to, s0);
    store_run(to + 4u * LANES, s1);
    store_run(to + 8u * LANES, s2);
    store_run(to + 12u * LANES, s3);
    store_run(to + 16u * LANES, s4);
    store_run(to + 20u * LANES, s5);
    store_run(to + 24u * LANES, s6);
    store_run(to + 28u * LANES, s7);
}

// Stores the pixels of a patch for 4 output channels, from the sums at index `at`.
fn store_patch(corner: Patch, output: u32, at: u32) {
    let stride = 32u * LANES;
    let r0 = load_points(at, stride);
    let r1 = load_points(at + 6u * stride, stride);
    let r2 = load_points(at + 12u * stride, stride);
    let r3 = load_points(at + 18u * stride, stride);
    let r4 = load_points(at + 24u * stride, stride);
    let r5 = load_points(at + 30u * stride, stride);
    let x = corner.x;
    store_column(corner, x, output, transform(r0.a, r1.a, r2.a, r3.a, r4.a, r5.a));
    store_column(corner, x + 1u, output, transform(r0.b, r1.b, r2.b, r3.b, r4.b, r5.b));
    store_column(corner, x + 2u, output, transform(r0.c, r1.c, r2.c, r3.c, r4.c, r5.c));
    store_column(corner, x + 3u, output, transform(r0.d, r1.d, r2.d, r3.d, r4.d, r5.d));
}

@compute @workgroup_size(LANES)
fn conv3x3_winograd_product(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_invocation_id) invocation: u32,
) {
    let groups = (params.outputs + 7u) / 8u;
    let group = workgroup.x;
    let block = workgroup.y;
    // Sums are [block][group][point][output / 4 % 8][patch of the block].
    let first = (block * groups + group) * POINTS * 32u * LANES + lane;
    for (var point = 0u; point < POINTS; point++) {
        multiply(block, group, point, first + point * 32u * LANES, lane, invocation % 8u);
    }
    for (var run = 0u; run < 4u; run++) {
        let corner = patch_of((block * 4u + run) * LANES + lane);
        // The last block may be longer than the batch.
        if corner.tile >= params.tiles {
            continue;
        }
        for (var quad = 0u; quad < 8u; quad++) {
            store_patch(corner, group * 8u + quad, first + (quad * 4u + run) * LANES);
        }
    }
}
