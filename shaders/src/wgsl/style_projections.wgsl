// Every projection of the style vector: features = bias + weights * style, for all layers at once.
//
// Grid: x (vec4s of features) / 64; z tiles.

struct Params {
    /// vec4s of features and of the style vector per tile.
    features: u32,
    channels: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// [tile][channel / 4].
@group(0) @binding(1) var<storage, read> style: array<vec4f>;
// [channel / 4][feature / 4] of 4 x 4: a column for each channel, a row for each feature.
@group(0) @binding(2) var<storage, read> weights: array<mat4x4f>;
// [feature / 4].
@group(0) @binding(3) var<storage, read> bias: array<vec4f>;
// [tile][feature / 4].
@group(0) @binding(4) var<storage, read_write> features: array<vec4f>;

@compute @workgroup_size(64)
fn style_projections(@builtin(global_invocation_id) id: vec3u) {
    let feature = id.x;
    let tile = id.z;
    if feature >= params.features {
        return;
    }
    var sum = vec4f();
    for (var channel = 0u; channel < params.channels; channel++) {
        sum += weights[channel * params.features + feature] * style[tile * params.channels + channel];
    }
    features[tile * params.features + feature] = sum + bias[feature];
}
