// Patches and points of Winograd's F(4x4, 3x3) (Winograd 1980; Lavin and Gray 2016, "Fast algorithms for convolutional
// neural networks"). Uses conv.wgsl.
//
// It takes 36 products for 16 pixels instead of 144. A patch is 4 x 4 pixels of the target; the 6 x 6 pixels of the source
// under it are transformed to 36 points: the values of polynomials at 0, P, -P, Q, -Q and infinity on each axis. P and Q
// had the least rounding error of the pairs tested.
//
// Patches are numbered through all tiles of the batch. A block is 4 * LANES of them, and the points are
// [block][point][channel / 4][patch of the block], so that a workgroup of the product reads one contiguous piece.

// Invocations of a workgroup, each with its own patches. On a CPU, the subgroup size.
override LANES: u32 = 32u;

const POINTS = 36u;
const P = 0.75;
const Q = 1.5;
const P2 = P * P;
const Q2 = Q * Q;

struct Patch {
    tile: u32,
    /// Its upper left pixel.
    y: u32,
    x: u32,
}

fn patch_of(index: u32) -> Patch {
    let columns = (params.width + 3u) / 4u;
    let each = columns * ((params.height + 3u) / 4u);
    let inside = index % each;
    return Patch(index / each, inside / columns * 4u, inside % columns * 4u);
}

// The index of the first point of a patch, for points of `quads` vec4s; the next is quads * 4 * LANES further.
fn place_of(index: u32, quads: u32, quad: u32) -> u32 {
    let block = 4u * LANES;
    return (index / block * POINTS * quads + quad) * block + index % block;
}
