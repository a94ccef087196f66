// The buffers of the convolutions of one dispatch. Uses `Packed`, and `Weight` of weights.wgsl or weights_f32.wgsl.

@group(0) @binding(1) var<storage, read> source: array<Packed>;
// The shape of the source. Read if SKIP is set.
@group(0) @binding(2) var<storage, read> skip: array<Packed>;
// The residual, of the target's shape, if add_residual is set; the block's input if block_inputs is.
@group(0) @binding(3) var<storage, read> residual: array<Packed>;
// Each vec4 holds the weights from one input channel to four output channels, in the order of the kernel.
@group(0) @binding(4) var<storage, read> weights: array<Weight>;
// BatchNorm scale [inputs], BatchNorm shift [inputs], bias [outputs].
@group(0) @binding(5) var<storage, read> vectors: array<vec4f>;
// [tile][feature / 4].
@group(0) @binding(6) var<storage, read> style: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> destination: array<Packed>;

// Four vec4s of weights, the first at index `at`.
fn weights_at(at: u32) -> mat4x4f {
    return mat4x4f(vec4f(weights[at]), vec4f(weights[at + 1u]), vec4f(weights[at + 2u]), vec4f(weights[at + 3u]));
}
