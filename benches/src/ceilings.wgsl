// The limits of an adapter: copying, and multiplying and adding in registers.

@group(0) @binding(0) var<storage, read> source: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> destination: array<vec4f>;

@compute @workgroup_size(64)
fn copy(@builtin(global_invocation_id) id: vec3u) {
    destination[id.x] = source[id.x];
}

// 8 independent sums of 4 values, 8 times per round: 512 operations per round.
const ROUNDS = 64u;

@compute @workgroup_size(64)
fn multiply_add(@builtin(global_invocation_id) id: vec3u) {
    let factor = source[id.x % 64u];
    let addend = source[id.x % 64u + 64u];
    var s0 = factor;
    var s1 = factor + 1.0;
    var s2 = factor + 2.0;
    var s3 = factor + 3.0;
    var s4 = factor + 4.0;
    var s5 = factor + 5.0;
    var s6 = factor + 6.0;
    var s7 = factor + 7.0;
    for (var round = 0u; round < ROUNDS; round++) {
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
        s0 = fma(s0, factor, addend); s1 = fma(s1, factor, addend);
        s2 = fma(s2, factor, addend); s3 = fma(s3, factor, addend);
        s4 = fma(s4, factor, addend); s5 = fma(s5, factor, addend);
        s6 = fma(s6, factor, addend); s7 = fma(s7, factor, addend);
    }
    destination[id.x] = s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7;
}
