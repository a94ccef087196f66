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
// Weights: [input / SIDE][kernel x][kernel y][output / SIDE][input % SIDE][output % SIDE], then the block's
// [input / SIDE][output / SIDE][input % SIDE][output % SIDE]; counts of channels padded to whole workgroups.
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

// Two halves: the rows of pixels with a border of one, SIDE channels each.
var<workgroup> halo: array<f16, 2u * (16u / SPLIT + 2u) * HALO_COLUMNS * SIDE>;
// Two halves: 3 rows of the kernel, 2 * SPLIT tiles of weights each.
var<workgroup> kernel: array<f16, 2u * 6u * SPLIT * SIDE * SIDE>;
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

// One vec4 of the pixels of SIDE channels; padding channels are zero.
fn pixel_item(place: Place, slice: u32, item: u32) -> vec4h {
    let channel = slice * QUADS + item % QUADS;
    let pixel = item / QUADS;
    let y = i32(place.top + pixel / HALO_COLUMNS) - 1;
    let x = i32(place.left + pixel % HALO_COLUMNS) - 1;
    let there = min(channel, params.inputs - 1u);
    let value = load(place.tile, y, x, there, norm(place.tile, there));
    return vec4h(select(vec4f(), value, channel < params.inputs));
}

// One vec4 of the weights of a step.
fn weight_item(place: Place, step: u32, item: u32) -> Stored {
    let run = 2u * SPLIT * SIDE * QUADS;
    let tile = (3u * step + item / run) * place.tiles + place.first;
    return weights[tile * SIDE * QUADS + item % run];
}

fn keep_pixels(half: u32, item: u32, value: vec4h) {
    let at = 4u * (half * halo_items() + item);
    halo[at] = value.x;
    halo[at + 1u] = value.y;
    halo[at + 2u] = value.z;
    halo[at + 3u] = value.w;
}

fn keep_weights(half: u32, item: u32, value: vec4h) {
    let at = 4u * (half * kernel_items() + item);
    kernel[at] = value.x;
    kernel[at + 1u] = value.y;
    kernel[at + 2u] = value.z;
    kernel[at + 3u] = value.w;
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
    let row_of_tiles = 2u * SPLIT * SIDE * SIDE;

    // l are the first SIDE output channels of the 4 rows, r the next.
    var l0 = Sums();
    var l1 = Sums();
    var l2 = Sums();
    var l3 = Sums();
    var r0 = Sums();
    var r1 = Sums();
    var r2 = Sums();
    var r3 = Sums();

    for (var item = index; item < halo_items(); item += LANES) {
        keep_pixels(0u, item, pixel_item(place, 0u, item));
    }
    for (var item = index; item < kernel_items(); item += LANES) {
        keep_weights(0u, item, vec4h(weight_item(place, 0u, item)));
    }
    workgroupBarrier();

    let third = (halo_items() + 2u) / 3u;
    for (var step = 0u; step < 3u * slices; step++) {
        let slice = step / 3u;
        let kx = step % 3u;
        // Loads for the next step begin now, into registers. Past the end they load the last one again and drop it.
        let next = min(step + 1u, 3u * slices - 1u);
        let next_slice = min(slice + 1u, slices - 1u);
        let pixels_end = min((kx + 1u) * third, halo_items());
        let p = kx * third + index;
        let last = halo_items() - 1u;
        let p0 = pixel_item(place, next_slice, min(p, last));
        let p1 = pixel_item(place, next_slice, min(p + LANES, last));
        let p2 = pixel_item(place, next_slice, min(p + 2u * LANES, last));
        let p3 = pixel_item(place, next_slice, min(p + 3u * LANES, last));
        let final_weight = kernel_items() - 1u;
        let w0 = weight_item(place, next, min(index, final_weight));
        let w1 = weight_item(place, next, min(index + LANES, final_weight));
        let w2 = weight_item(place, next, min(index + 2u * LANES, final_weight));
        let w3 = weight_item(place, next, min(index + 3u * LANES, final_weight));
        let w4 = weight_item(place, next, min(index + 4u * LANES, final_weight));
        let w5 = weight_item(place, next, min(index + 5u * LANES, final_weight));

        let pixel = slice % 2u * 4u * halo_items() + (row * HALO_COLUMNS + kx) * SIDE;
        let tile = step % 2u * 4u * kernel_items() + subgroup % SPLIT * 2u * SIDE * SIDE;
        let pixels0 = coopLoadT<Pixels>(&halo[pixel + 0u * HALO_COLUMNS * SIDE], SIDE);
        let pixels1 = coopLoadT<Pixels>(&halo[pixel + 1u * HALO_COLUMNS * SIDE], SIDE);
        let pixels2 = coopLoadT<Pixels>(&halo[pixel + 2u * HALO_COLUMNS * SIDE], SIDE);
        let pixels3 = coopLoadT<Pixels>(&halo[pixel + 3u * HALO_COLUMNS * SIDE], SIDE);
        let pixels4 = coopLoadT<Pixels>(&halo[pixel + 4u * HALO_COLUMNS * SIDE], SIDE);
        let pixels5 = coopLoadT<Pixels>(&halo[pixel + 5u * HALO_COLUMNS * SIDE], SIDE);
        // Row 0 of the kernel.
        let left0 = coopLoadT<Weights>(&kernel[tile + 0u * row_of_tiles], SIDE);
        let right0 = coopLoadT<Weights>(&kernel[tile + 0u * row_of_tiles + SIDE * SIDE], SIDE);
        l0 = coopMultiplyAdd(pixels0, left0, l0);
        r0 = coopMultiplyAdd(pixels0, right0, r0);
        l1 = coopMultiplyAdd(pixels1, left0, l1);
        r1 = coopMultiplyAdd(pixels1, right0, r1);
        l2 = coopMultiplyAdd(pixels2, left0, l2);
        r2 = coopMultiplyAdd(pixels2, right0, r2);
        l3 = coopMultiplyAdd(pixels3, left0, l3);
        r3 = coopMultiplyAdd(pixels3, right0, r3);
        // Row 1 of the kernel.
        let left1 = coopLoadT<Weights>(&kernel[tile + 1u * row_of_tiles], SIDE);
        let right1 = coopLoadT<Weights>(&kernel[tile + 1u * row_of_tiles + SIDE * SIDE], SIDE);
        l0 = coopMultiplyAdd(pixels1, left1, l0);
        r0 = coopMultiplyAdd(pixels1, right1, r0);
        l1 = coopMultiplyAdd(pixels2, left1, l1);
        r1 = coopMultiplyAdd(pixels2, right1, r1);
        l2 = coopMultiplyAdd(pixels3, left1, l2);
        r2 = coopMultiplyAdd(pixels3, right1, r2);
        l3 = coopMultiplyAdd(pixels4, left1, l3);
        r3 = coopMultiplyAdd(pixels4, right1, r3);
        // Row 2 of the kernel.
        let left2 = coopLoadT<Weights>(&kernel[tile + 2u * row_of_tiles], SIDE);
        let right2 = coopLoadT<Weights>(&kernel[tile + 2u * row_of_tiles + SIDE * SIDE], SIDE);
        l0 = coopMultiplyAdd(pixels2, left2, l0);
        r0 = coopMultiplyAdd(pixels2, right2, r0);
        l1 = coopMultiplyAdd(pixels3, left2, l1);
        r1 = coopMultiplyAdd(pixels3, right2, r1);
        l2 = coopMultiplyAdd(pixels4, left2, l2);
        r2 = coopMultiplyAdd(pixels4, right2, r2);
        l3 = coopMultiplyAdd(pixels5, left2, l3);
        r3 = coopMultiplyAdd(pixels5, right2, r3);

        let half = (slice + 1u) % 2u;
        if p < pixels_end { keep_pixels(half, p, p0); }
        if p + LANES < pixels_end { keep_pixels(half, p + LANES, p1); }
        if p + 2u * LANES < pixels_end { keep_pixels(half, p + 2u * LANES, p2); }
        if p + 3u * LANES < pixels_end { keep_pixels(half, p + 3u * LANES, p3); }
        let other = (step + 1u) % 2u;
        if index <= final_weight { keep_weights(other, index, vec4h(w0)); }
        if index + LANES <= final_weight { keep_weights(other, index + LANES, vec4h(w1)); }
        if index + 2u * LANES <= final_weight { keep_weights(other, index + 2u * LANES, vec4h(w2)); }
        if index + 3u * LANES <= final_weight { keep_weights(other, index + 3u * LANES, vec4h(w3)); }
        if index + 4u * LANES <= final_weight { keep_weights(other, index + 4u * LANES, vec4h(w4)); }
        if index + 5u * LANES <= final_weight { keep_weights(other, index + 5u * LANES, vec4h(w5)); }
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
        let tile = subgroup % SPLIT * 2u * SIDE * SIDE;
        let left = coopLoadT<Weights>(&kernel[tile], SIDE);
        let right = coopLoadT<Weights>(&kernel[tile + SIDE * SIDE], SIDE);
        let pixel = row * SIDE * SIDE;
        let pixels0 = coopLoadT<Pixels>(&halo[pixel], SIDE);
        let pixels1 = coopLoadT<Pixels>(&halo[pixel + SIDE * SIDE], SIDE);
        let pixels2 = coopLoadT<Pixels>(&halo[pixel + 2u * SIDE * SIDE], SIDE);
        let pixels3 = coopLoadT<Pixels>(&halo[pixel + 3u * SIDE * SIDE], SIDE);
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
