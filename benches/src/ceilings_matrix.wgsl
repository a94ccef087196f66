// Multiplies and adds subgroup matrices in registers, with as many sums as the convolution on matrices.

const ROUNDS = 64u;

override LANES: u32 = 32u;

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;

// 4 tiles of pixels and 2 of weights.
var<workgroup> factors: array<f16, 6u * SIDE * SIDE>;
var<workgroup> results: array<f32, 8u * SIDE * SIDE>;

// A workgroup is one subgroup.
@compute @workgroup_size(LANES)
fn multiply_matrices(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
    for (var at = lane; at < 6u * SIDE * SIDE; at += LANES) {
        factors[at] = f16(source[at].x);
    }
    workgroupBarrier();
    let p0 = coopLoadT<Pixels>(&factors[0], SIDE);
    let p1 = coopLoadT<Pixels>(&factors[SIDE * SIDE], SIDE);
    let p2 = coopLoadT<Pixels>(&factors[2u * SIDE * SIDE], SIDE);
    let p3 = coopLoadT<Pixels>(&factors[3u * SIDE * SIDE], SIDE);
    let w0 = coopLoadT<Weights>(&factors[4u * SIDE * SIDE], SIDE);
    let w1 = coopLoadT<Weights>(&factors[5u * SIDE * SIDE], SIDE);
    var l0 = Sums();
    var l1 = Sums();
    var l2 = Sums();
    var l3 = Sums();
    var r0 = Sums();
    var r1 = Sums();
    var r2 = Sums();
    var r3 = Sums();
    for (var round = 0u; round < ROUNDS; round++) {
        l0 = coopMultiplyAdd(p0, w0, l0);
        r0 = coopMultiplyAdd(p0, w1, r0);
        l1 = coopMultiplyAdd(p1, w0, l1);
        r1 = coopMultiplyAdd(p1, w1, r1);
        l2 = coopMultiplyAdd(p2, w0, l2);
        r2 = coopMultiplyAdd(p2, w1, r2);
        l3 = coopMultiplyAdd(p3, w0, l3);
        r3 = coopMultiplyAdd(p3, w1, r3);
    }
    coopStoreT(l0, &results[0], SIDE);
    coopStoreT(l1, &results[SIDE * SIDE], SIDE);
    coopStoreT(l2, &results[2u * SIDE * SIDE], SIDE);
    coopStoreT(l3, &results[3u * SIDE * SIDE], SIDE);
    coopStoreT(r0, &results[4u * SIDE * SIDE], SIDE);
    coopStoreT(r1, &results[5u * SIDE * SIDE], SIDE);
    coopStoreT(r2, &results[6u * SIDE * SIDE], SIDE);
    coopStoreT(r3, &results[7u * SIDE * SIDE], SIDE);
    workgroupBarrier();
    var sum = vec4f();
    for (var at = lane; at < 8u * SIDE * SIDE; at += LANES) {
        sum += vec4f(results[at]);
    }
    destination[workgroup.x * LANES + lane] = sum;
}
