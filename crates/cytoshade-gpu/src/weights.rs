//! Weights in the order in which the shaders read them.

use cytoshade_core::{Conv, Linear, StyleSlice};

/// The weights of a convolution: [output / 4][input / 4][kernel x][kernel y] of 4 x 4, a column for each input channel.
/// Channels that pad a count to a multiple of 4 get zeros.
pub(crate) fn conv_weights(conv: &Conv) -> Vec<f32> {
    let (inputs, outputs, kernel) = (conv.inputs(), conv.outputs(), conv.kernel());
    let taps = kernel * kernel;
    let (input_quads, output_quads) = (inputs.div_ceil(4), outputs.div_ceil(4));
    let mut packed = vec![0.0; output_quads * input_quads * taps * 16];
    for (at, &weight) in conv.weight().iter().enumerate() {
        // The state dict has [outputs, inputs, kernel y, kernel x].
        let (x, y) = (at % kernel, at / kernel % kernel);
        let input = at / taps % inputs;
        let output = at / taps / inputs;
        let block = ((output / 4 * input_quads + input / 4) * kernel + x) * kernel + y;
        packed[block * 16 + input % 4 * 4 + output % 4] = weight;
    }
    packed
}

/// Scale, shift and bias of a convolution one after another, each padded with zeros to a multiple of 4. A padding
/// channel is thus zero after the convolution, and does not matter to the next.
pub(crate) fn conv_vectors(conv: &Conv) -> Vec<f32> {
    let mut packed = Vec::new();
    for vector in [conv.scale(), conv.shift(), conv.bias()] {
        packed.extend_from_slice(vector);
        packed.resize(packed.len().next_multiple_of(4), 0.0);
    }
    packed
}

/// The weights of all projections of the style, [channel / 4][feature / 4] of 4 x 4, a column for each channel; and
/// their biases.
pub(crate) fn linear_weights(linears: &[Linear], slices: &[StyleSlice], features: usize) -> (Vec<f32>, Vec<f32>) {
    let channels = linears.first().map_or(0, Linear::inputs);
    let mut weights = vec![0.0; channels.div_ceil(4) * features.div_ceil(4) * 16];
    let mut bias = vec![0.0; features.next_multiple_of(4)];
    for slice in slices {
        let linear = &linears[slice.linear];
        bias[slice.offset..][..linear.outputs()].copy_from_slice(linear.bias());
        for (at, &weight) in linear.weight().iter().enumerate() {
            let (channel, feature) = (at % linear.inputs(), slice.offset + at / linear.inputs());
            let block = channel / 4 * features.div_ceil(4) + feature / 4;
            weights[block * 16 + channel % 4 * 4 + feature % 4] = weight;
        }
    }
    (weights, bias)
}
