// 3x3 convolution on subgroup matrices (tensor cores), f16 times f16, summed in f32.
//
// An implicit matrix product like conv3x3_gemm. The pixels of a row, SIDE input channels each, are the rows of the left
// matrix; they are read from the staged block at the offset of each position of the kernel. A subgroup computes 4 rows of
// SIDE pixels for 2 * SIDE output channels. Of the 4 subgroups of a workgroup, SPLIT divide the channels and the others the
// rows.
//
// A step is a column of the kernel for SIDE input channels. During a step, the weights of the next one and a third of the
// pixels of the next SIDE channels are loaded, into the other half of the workgroup memory.
//
// Weights: [input / SIDE][kernel x][kernel y][output / SIDE][output % SIDE][input % SIDE], then the block's
// [input / SIDE][output / SIDE][output % SIDE][input % SIDE]; counts of channels padded to whole workgroups. A column of a
// right matrix is thus in one piece, as a row of a left one.
//
// Grid: x columns / SIDE; y (blocks of 16 / SPLIT rows) x (groups of 2 * SIDE * SPLIT output channels); z tiles.

// Invocations of 4 subgroups; at least SIDE * SIDE / 2, so that one round of staging takes all weights.
override LANES: u32 = 32u;
// Subgroups that divide the channels: 1 or 2.
override SPLIT: u32 = 1u;

const HALO_COLUMNS = SIDE + 2u;
const QUADS = SIDE / 4u;
// A row of a subgroup's results.
const RESULT = 2u * SIDE * SIDE;

// Two halves: the rows of pixels with a border of one, SIDE channels each; four to an element, so that each is staged by
// one store.
var<workgroup> halo: array<array<f16, 4>, 2u * (16u / SPLIT + 2u) * HALO_COLUMNS * QUADS>;
// Two halves: 3 rows of the kernel, 2 * SPLIT tiles of weights each.
var<workgroup> kernel: array<array<f16, 4>, 2u * 6u * SPLIT * SIDE * QUADS>;
var<workgroup> results: array<f32, 4u * RESULT>;

// The position of a workgroup.
struct Place {
    tile: u32,
    top: u32,
    left: u32,
    /// The first tile of weights, and the number of tiles of weights.
    first: u32,
    tiles: u32,
}

// vec4s of a half: the pixels, a third of which a step stages; and the weights of a step.
fn halo_items() -> u32 {
    return (16u / SPLIT + 2u) * HALO_COLUMNS * QUADS;
}

fn kernel_items() -> u32 {
    return 6u * SPLIT * SIDE * QUADS;
}

// A multiple of QUADS: an invocation stages the same quad of channels of all its pixels.
fn third() -> u32 {
    return (halo_items() / QUADS + 2u) / 3u * QUADS;
}

// The bit that marks the offset of a pixel outside the plane.
const OUTSIDE = 0x80000000u;

// The offset of a staged pixel in the source, in vec4s.
fn pixel_offset(place: Place, item: u32) -> u32 {
    let pixel = min(item, halo_items() - 1u) / QUADS;
    let y = i32(place.top + pixel / HALO_COLUMNS) - 1;
    let x = i32(place.left + pixel % HALO_COLUMNS) - 1;
    let inside = (u32(y) < params.height) & (u32(x) < params.width);
    let at = pixel_of(place.tile, y, x, params.upsample) * params.inputs;
    return select(at | OUTSIDE, at, inside);
}

// The offsets of the pixels that an invocation stages from `item` on.
fn pixel_offsets(place: Place, item: u32) -> vec4u {
    return vec4u(
        pixel_offset(place, item),
        pixel_offset(place, item + LANES),
        pixel_offset(place, item + 2u * LANES),
        pixel_offset(place, item + 3u * LANES),
    );
}

// Whether an invocation may have a pixel, or a vec4 of weights, in a round of a step's staging.
fn has_pixels(round: u32) -> bool {
    return round * LANES < third();
}

fn has_weights(round: u32) -> bool {
    return round * LANES < kernel_items();
}

// One vec4 of channels of a pixel; padding channels are zero.
fn load_pixel(round: u32, offset: u32, channel: u32, norm: Norm) -> vec4h {
    if !has_pixels(round) {
        return vec4h();
    }
    let there = min(channel, params.inputs - 1u);
    return vec4h(normalized((offset & ~OUTSIDE) + there, norm, (offset < OUTSIDE) & (channel < params.inputs)));
}

// The offset of one vec4 of the weights of a step.
fn weight_offset(place: Place, item: u32) -> u32 {
    let run = 2u * SPLIT * SIDE * QUADS;
    return (min(item, kernel_items() - 1u) / run * place.tiles + place.first) * SIDE * QUADS + item % run;
}

// One vec4 of the weights of a step.
fn load_weight(round: u32, offset: u32, step: u32, tiles: u32) -> vec4h {
    if !has_weights(round) {
        return vec4h();
    }
    return vec4h(weights[offset + 3u * step * tiles * SIDE * QUADS]);
}

fn keep_pixels(half: u32, item: u32, value: vec4h) {
    halo[half * halo_items() + item] = array<f16, 4>(value.x, value.y, value.z, value.w);
}

fn keep_weights(half: u32, item: u32, value: vec4h) {
    kernel[half * kernel_items() + item] = array<f16, 4>(value.x, value.y, value.z, value.w);
}

// Keeps what an invocation loaded in a round, of pixels up to `end`.
fn keep_round_of_pixels(round: u32, half: u32, item: u32, end: u32, value: vec4h) {
    if has_pixels(round) && (item < end) {
        keep_pixels(half, item, value);
    }
}

fn keep_round_of_weights(round: u32, half: u32, item: u32, value: vec4h) {
    if has_weights(round) && (item < kernel_items()) {
        keep_weights(half, item, value);
    }
}

// Stores a row of a subgroup's results.
fn store_row(place: Place, y: u32, subgroup: u32, lane: u32) {
    for (var item = lane; item < SIDE * SIDE / 2u; item += LANES / 4u) {
        let quad = item % (2u * QUADS);
        let column = item / (2u * QUADS);
        let at = subgroup * RESULT + column * 2u * SIDE + 4u * quad;
        let value = vec4f(results[at], results[at + 1u], results[at + 2u], results[at + 3u]);
        let output = (place.first + subgroup % SPLIT * 2u) * QUADS + quad;
        store(place.tile, y, place.left + column, output, value);
    }
}

@compute @workgroup_size(LANES)
fn conv3x3_matrix(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) lane: u32,
) {
    let groups = (params.outputs + 2u * QUADS * SPLIT - 1u) / (2u * QUADS * SPLIT);
    let place = Place(
        workgroup.z,
        workgroup.y / groups * (16u / SPLIT),
        workgroup.x * SIDE,
        workgroup.y % groups * 2u * SPLIT,
        groups * 2u * SPLIT,
    );
    let slices = (params.inputs + QUADS - 1u) / QUADS;
    // The subgroup's first row in the workgroup, and the distance of two rows of the kernel.
    let row = subgroup / SPLIT * 4u;
    let row_of_tiles = 2u * SPLIT * SIDE * QUADS;

    // l are the first SIDE output channels of the 4 rows, r the next.
    var l0 = Sums();
    var l1 = Sums();
    var l2 = Sums();
    var l3 = Sums();
    var r0 = Sums();
    var r1 = Sums();
    var r2 = Sums();
    var r3 = Sums();

    // An invocation stages the same quad of channels of all its pixels.
    let quad = index % QUADS;
    let first_norm = norm(place.tile, min(quad, params.inputs - 1u));
    for (var item = index; item < halo_items(); item += LANES) {
        keep_pixels(0u, item, load_pixel(0u, pixel_offset(place, item), quad, first_norm));
    }
    for (var item = index; item < kernel_items(); item += LANES) {
        keep_weights(0u, item, vec4h(weights[weight_offset(place, item)]));
    }
    workgroupBarrier();

    // The offsets of its pixels in the thirds, that of the next step first, and of its weights.
    var now = pixel_offsets(place, index);
    var later = pixel_offsets(place, index + third());
    var last = pixel_offsets(place, index + 2u * third());
    let v0 = weight_offset(place, index);
    let v1 = weight_offset(place, index + LANES);
    let v2 = weight_offset(place, index + 2u * LANES);
    let v3 = weight_offset(place, index + 3u * LANES);
    let v4 = weight_offset(place, index + 4u * LANES);
    let v5 = weight_offset(place, index + 5u * LANES);

    let row_of_pixels = HALO_COLUMNS * QUADS;
    for (var step = 0u; step < 3u * slices; step++) {
        let slice = step / 3u;
        let kx = step % 3u;
        // Loads for the next step begin now, into registers. Past the end they load the last one again and drop it.
        let next = min(step + 1u, 3u * slices - 1u);
        let channel = min(slice + 1u, slices - 1u) * QUADS + quad;
        let norm = norm(place.tile, min(channel, params.inputs - 1u));
        let p0 = load_pixel(0u, now.x, channel, norm);
        let p1 = load_pixel(1u, now.y, channel, norm);
        let p2 = load_pixel(2u, now.z, channel, norm);
        let p3 = load_pixel(3u, now.w, channel, norm);
        let w0 = load_weight(0u, v0, next, place.tiles);
        let w1 = load_weight(1u, v1, next, place.tiles);
        let w2 = load_weight(2u, v2, next, place.tiles);
        let w3 = load_weight(3u, v3, next, place.tiles);
        let w4 = load_weight(4u, v4, next, place.tiles);
        let w5 = load_weight(5u, v5, next, place.tiles);

        let pixel = slice % 2u * halo_items() + (row * HALO_COLUMNS + kx) * QUADS;
        let tile = step % 2u * kernel_items() + subgroup % SPLIT * 2u * SIDE * QUADS;
        let pixels0 = coopLoadT<Pixels>(&halo[pixel][0], SIDE);
        let pixels1 = coopLoadT<Pixels>(&halo[pixel + row_of_pixels][0], SIDE);
        let pixels2 = coopLoadT<Pixels>(&halo[pixel + 2u * row_of_pixels][0], SIDE);
        let pixels3 = coopLoadT<Pixels>(&halo[pixel + 3u * row_of_pixels][0], SIDE);
        let pixels4 = coopLoadT<Pixels>(&halo[pixel + 4u * row_of_pixels][0], SIDE);
        let pixels5 = coopLoadT<Pixels>(&halo[pixel + 5u * row_of_pixels][0], SIDE);
        // Row 0 of the kernel.
        let left0 = coopLoad<Weights>(&kernel[tile][0], SIDE);
        let right0 = coopLoad<Weights>(&kernel[tile + SIDE * QUADS][0], SIDE);
        l0 = coopMultiplyAdd(pixels0, left0, l0);
        r0 = coopMultiplyAdd(pixels0, right0, r0);
        l1 = coopMultiplyAdd(pixels1, left0, l1);
        r1 = coopMultiplyAdd(pixels1, right0, r1);
        l2 = coopMultiplyAdd(pixels2, left0, l2);
        r2 = coopMultiplyAdd(pixels2, right0, r2);
        l3 = coopMultiplyAdd(pixels3, left0, l3);
        r3 = coopMultiplyAdd(pixels3, right0, r3);
        // Row 1 of the kernel.
        let left1 = coopLoad<Weights>(&kernel[tile + row_of_tiles][0], SIDE);
        let right1 = coopLoad<Weights>(&kernel[tile + row_of_tiles + SIDE * QUADS][0], SIDE);
        l0 = coopMultiplyAdd(pixels1, left1, l0);
        r0 = coopMultiplyAdd(pixels1, right1, r0);
        l1 = coopMultiplyAdd(pixels2, left1, l1);
        r1 = coopMultiplyAdd(pixels2, right1, r1);
        l2 = coopMultiplyAdd(pixels3, left1, l2);
        r2 = coopMultiplyAdd(pixels3, right1, r2);
        l3 = coopMultiplyAdd(pixels4, left1, l3);
        r3 = coopMultiplyAdd(pixels4, right1, r3);
        // Row 2 of the kernel.
        let left2 = coopLoad<Weights>(&kernel[tile + 2u * row_of_tiles][0], SIDE);
        let right2 = coopLoad<Weights>(&kernel[tile + 2u * row_of_tiles + SIDE * QUADS][0], SIDE);
        l0 = coopMultiplyAdd(pixels2, left2, l0);
        r0 = coopMultiplyAdd(pixels2, right2, r0);
        l1 = coopMultiplyAdd(pixels3, left2, l1);
        r1 = coopMultiplyAdd(pixels3, right2, r1);
        l2 = coopMultiplyAdd(pixels4, left2, l2);
        r2 = coopMultiplyAdd(pixels4, right2, r2);
        l3 = coopMultiplyAdd(pixels5, left2, l3);
        r3 = coopMultiplyAdd(pixels5, right2, r3);

        let half = (slice + 1u) % 2u;
        let item = kx * third() + index;
        let end = min((kx + 1u) * third(), halo_items());
        keep_round_of_pixels(0u, half, item, end, p0);
        keep_round_of_pixels(1u, half, item + LANES, end, p1);
        keep_round_of_pixels(2u, half, item + 2u * LANES, end, p2);
        keep_round_of_pixels(3u, half, item + 3u * LANES, end, p3);
        let other = (step + 1u) % 2u;
        keep_round_of_weights(0u, other, index, w0);
        keep_round_of_weights(1u, other, index + LANES, w1);
        keep_round_of_weights(2u, other, index + 2u * LANES, w2);
        keep_round_of_weights(3u, other, index + 3u * LANES, w3);
        keep_round_of_weights(4u, other, index + 4u * LANES, w4);
        keep_round_of_weights(5u, other, index + 5u * LANES, w5);
        let done = now;
        now = later;
        later = last;
        last = done;
        workgroupBarrier();
    }

    // The block's input, at the middle of the kernel only.
    let block_slices = (params.block_inputs + QUADS - 1u) / QUADS;
    for (var slice = 0u; slice < block_slices; slice++) {
        for (var item = index; item < 16u / SPLIT * SIDE * QUADS; item += LANES) {
            let channel = slice * QUADS + item % QUADS;
            let x = place.left + item / QUADS % SIDE;
            let y = place.top + item / QUADS / SIDE;
            let value = load_block(place.tile, y, x, min(channel, params.block_inputs - 1u));
            keep_pixels(0u, item, vec4h(select(vec4f(), value, channel < params.block_inputs)));
        }
        let begin = ((9u * slices + slice) * place.tiles + place.first) * SIDE * QUADS;
        for (var item = index; item < 2u * SPLIT * SIDE * QUADS; item += LANES) {
            keep_weights(0u, item, vec4h(weights[begin + item]));
        }
        workgroupBarrier();
        let tile = subgroup % SPLIT * 2u * SIDE * QUADS;
        let left = coopLoad<Weights>(&kernel[tile][0], SIDE);
        let right = coopLoad<Weights>(&kernel[tile + SIDE * QUADS][0], SIDE);
        let pixel = row * SIDE * QUADS;
        let pixels0 = coopLoadT<Pixels>(&halo[pixel][0], SIDE);
        let pixels1 = coopLoadT<Pixels>(&halo[pixel + SIDE * QUADS][0], SIDE);
        let pixels2 = coopLoadT<Pixels>(&halo[pixel + 2u * SIDE * QUADS][0], SIDE);
        let pixels3 = coopLoadT<Pixels>(&halo[pixel + 3u * SIDE * QUADS][0], SIDE);
        l0 = coopMultiplyAdd(pixels0, left, l0);
        r0 = coopMultiplyAdd(pixels0, right, r0);
        l1 = coopMultiplyAdd(pixels1, left, l1);
        r1 = coopMultiplyAdd(pixels1, right, r1);
        l2 = coopMultiplyAdd(pixels2, left, l2);
        r2 = coopMultiplyAdd(pixels2, right, r2);
        l3 = coopMultiplyAdd(pixels3, left, l3);
        r3 = coopMultiplyAdd(pixels3, right, r3);
        // No invocation may stage while others still read.
        workgroupBarrier();
    }

    // A shader cannot read single values of a matrix, so they go through workgroup memory, row by row.
    let result = subgroup * RESULT;
    let y = place.top + row;
    coopStoreT(l0, &results[result], 2u * SIDE);
    coopStoreT(r0, &results[result + SIDE], 2u * SIDE);
    workgroupBarrier();
    store_row(place, y, subgroup, lane);
    workgroupBarrier();
    coopStoreT(l1, &results[result], 2u * SIDE);
    coopStoreT(r1, &results[result + SIDE], 2u * SIDE);
    workgroupBarrier();
    store_row(place, y + 1u, subgroup, lane);
    workgroupBarrier();
    coopStoreT(l2, &results[result], 2u * SIDE);
    coopStoreT(r2, &results[result + SIDE], 2u * SIDE);
    workgroupBarrier();
    store_row(place, y + 2u, subgroup, lane);
    workgroupBarrier();
    coopStoreT(l3, &results[result], 2u * SIDE);
    coopStoreT(r3, &results[result + SIDE], 2u * SIDE);
    workgroupBarrier();
    store_row(place, y + 3u, subgroup, lane);
}
