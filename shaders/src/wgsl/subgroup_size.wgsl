// The subgroup size of a workgroup that multiplies matrices.
//
// A driver may choose the size for each shader. This one therefore has a product, of zeros, like the convolution.
//
// Grid: one workgroup.

struct Params {
    /// Invocations that write their size.
    count: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [invocation].
@group(0) @binding(1) var<storage, read_write> sizes: array<u32>;

const LANES = 128u;

var<workgroup> values: array<f16, SIDE * SIDE>;
var<workgroup> results: array<f32, SIDE * SIDE>;

@compute @workgroup_size(LANES)
fn subgroup_size(@builtin(local_invocation_index) lane: u32, @builtin(subgroup_size) size: u32) {
    for (var at = lane; at < SIDE * SIDE; at += LANES) {
        values[at] = 0h;
    }
    workgroupBarrier();
    let pixels = coopLoadT<Pixels>(&values[0], SIDE);
    let weights = coopLoadT<Weights>(&values[0], SIDE);
    var product = Sums();
    product = coopMultiplyAdd(pixels, weights, product);
    coopStoreT(product, &results[0], SIDE);
    workgroupBarrier();
    if lane < params.count {
        sizes[lane] = size + u32(results[lane % (SIDE * SIDE)]);
    }
}
