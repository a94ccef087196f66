// A column of 7 pixels of the target, in registers. Uses `load` and `load_block`, `store` and `multiply_add`.
//
// The loops are unrolled by hand: compilers do not unroll loops with bounds checks, and an indexed array of sums would
// be placed in memory.

// Pixels of a column.
const ROWS = 7u;

// Sums for 4 output channels of 7 vertically adjacent pixels.
struct Column {
    s0: vec4f,
    s1: vec4f,
    s2: vec4f,
    s3: vec4f,
    s4: vec4f,
    s5: vec4f,
    s6: vec4f,
}

// The 9 input values under a column of a 3x3 kernel, the first one above the first pixel.
struct Inputs {
    v0: vec4f,
    v1: vec4f,
    v2: vec4f,
    v3: vec4f,
    v4: vec4f,
    v5: vec4f,
    v6: vec4f,
    v7: vec4f,
    v8: vec4f,
}

fn load_column(tile: u32, top: i32, x: i32, channel: u32, norm: Norm) -> Inputs {
    return Inputs(
        load(tile, top, x, channel, norm),
        load(tile, top + 1, x, channel, norm),
        load(tile, top + 2, x, channel, norm),
        load(tile, top + 3, x, channel, norm),
        load(tile, top + 4, x, channel, norm),
        load(tile, top + 5, x, channel, norm),
        load(tile, top + 6, x, channel, norm),
        load(tile, top + 7, x, channel, norm),
        load(tile, top + 8, x, channel, norm),
    );
}

// Adds one column of the kernel, w0 to w2 from top to bottom.
fn add_column(sums: Column, w0: mat4x4f, w1: mat4x4f, w2: mat4x4f, v: Inputs) -> Column {
    return Column(
        multiply_add(w2, v.v2, multiply_add(w1, v.v1, multiply_add(w0, v.v0, sums.s0))),
        multiply_add(w2, v.v3, multiply_add(w1, v.v2, multiply_add(w0, v.v1, sums.s1))),
        multiply_add(w2, v.v4, multiply_add(w1, v.v3, multiply_add(w0, v.v2, sums.s2))),
        multiply_add(w2, v.v5, multiply_add(w1, v.v4, multiply_add(w0, v.v3, sums.s3))),
        multiply_add(w2, v.v6, multiply_add(w1, v.v5, multiply_add(w0, v.v4, sums.s4))),
        multiply_add(w2, v.v7, multiply_add(w1, v.v6, multiply_add(w0, v.v5, sums.s5))),
        multiply_add(w2, v.v8, multiply_add(w1, v.v7, multiply_add(w0, v.v6, sums.s6))),
    );
}

// The block's input under a column in v0 to v6; v7 and v8 are zero.
fn load_block_column(tile: u32, y: u32, x: u32, channel: u32) -> Inputs {
    return Inputs(
        load_block(tile, y, x, channel),
        load_block(tile, y + 1u, x, channel),
        load_block(tile, y + 2u, x, channel),
        load_block(tile, y + 3u, x, channel),
        load_block(tile, y + 4u, x, channel),
        load_block(tile, y + 5u, x, channel),
        load_block(tile, y + 6u, x, channel),
        vec4f(),
        vec4f(),
    );
}

// Adds a 1x1 kernel.
fn add_point(sums: Column, w: mat4x4f, v: Inputs) -> Column {
    return Column(
        multiply_add(w, v.v0, sums.s0),
        multiply_add(w, v.v1, sums.s1),
        multiply_add(w, v.v2, sums.s2),
        multiply_add(w, v.v3, sums.s3),
        multiply_add(w, v.v4, sums.s4),
        multiply_add(w, v.v5, sums.s5),
        multiply_add(w, v.v6, sums.s6),
    );
}

fn store_column(tile: u32, y: u32, x: u32, output: u32, sums: Column) {
    store(tile, y, x, output, sums.s0);
    store(tile, y + 1u, x, output, sums.s1);
    store(tile, y + 2u, x, output, sums.s2);
    store(tile, y + 3u, x, output, sums.s3);
    store(tile, y + 4u, x, output, sums.s4);
    store(tile, y + 5u, x, output, sums.s5);
    store(tile, y + 6u, x, output, sums.s6);
}
