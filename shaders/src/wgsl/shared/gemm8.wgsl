// 8 output channels per invocation, for GPUs with many registers: the fewest loads per product.
const QUADS = 2u;

struct Sums {
    a: Run,
    b: Run,
}

fn add(
    sums: Sums, weights: array<vec4f, QUADS>, v0: f32, v1: f32, v2: f32, v3: f32, v4: f32, v5: f32, v6: f32
) -> Sums {
    return Sums(
        add_run(sums.a, weights[0], v0, v1, v2, v3, v4, v5, v6), add_run(sums.b, weights[1], v0, v1, v2, v3, v4, v5, v6)
    );
}

fn store_sums(tile: u32, y: u32, x: u32, output: u32, sums: Sums) {
    store_run(tile, y, x, output, sums.a);
    store_run(tile, y, x, output + CHANNEL_GROUPS, sums.b);
}
