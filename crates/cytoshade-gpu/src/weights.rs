//! Weights in the order in which the shaders read them.

use cytoshade_core::{Conv, Linear};

/// The order of a convolution's weights, in vec4s: each holds what goes from one input channel to four output channels.
/// Channels that pad a count get zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// [output / (4 * quads)][input / 4][kernel x][output / 4 % quads][kernel y][input % 4].
    Columns {
        /// vec4s of output channels of an invocation.
        quads: usize,
    },
    /// [input / 4][kernel y][kernel x][input % 4][output / 4].
    Rows,
    /// [input / side][kernel x][kernel y][output / side][input % side][output % side].
    Tiles {
        /// Rows and columns of a matrix.
        side: usize,
        /// Output channels of a workgroup, a multiple of `side`; their count is padded to a multiple.
        block: usize,
    },
}

/// The counts that say where a weight lies.
#[derive(Clone, Copy)]
struct Counts {
    inputs: usize,
    outputs: usize,
    kernel: usize,
}

impl Order {
    /// What the counts of input and output channels are padded to multiples of.
    fn padding(self) -> (usize, usize) {
        match self {
            Order::Columns { quads } => (4, 4 * quads),
            Order::Rows => (4, 4),
            Order::Tiles { side, block } => (side, block),
        }
    }

    /// Values that a convolution takes.
    fn len(self, Counts { inputs, outputs, kernel }: Counts) -> usize {
        let (input, output) = self.padding();
        inputs.next_multiple_of(input) * kernel * kernel * outputs.next_multiple_of(output)
    }

    /// Where the weight of kernel row `y` and column `x` lies.
    fn place(
        self,
        Counts { inputs, outputs, kernel }: Counts,
        output: usize,
        input: usize,
        y: usize,
        x: usize,
    ) -> usize {
        match self {
            Order::Columns { quads } => {
                let group = output / (4 * quads) * inputs.div_ceil(4) + input / 4;
                let block = ((group * kernel + x) * quads + output / 4 % quads) * kernel + y;
                (block * 4 + input % 4) * 4 + output % 4
            }
            Order::Rows => {
                let row = ((input / 4 * kernel + y) * kernel + x) * 4 + input % 4;
                row * outputs.next_multiple_of(4) + output
            }
            Order::Tiles { side, block } => {
                let row = (input / side * kernel + x) * kernel + y;
                let tile = row * (outputs.next_multiple_of(block) / side) + output / side;
                (tile * side + input % side) * side + output % side
            }
        }
    }
}

/// The weights of a convolution, followed by those of the block's `proj` where it is part of the same step.
pub(crate) fn conv_weights(order: Order, conv: &Conv, proj: Option<&Conv>) -> Vec<f32> {
    let mut packed = Vec::new();
    for (conv, scaled) in std::iter::once((conv, false)).chain(proj.map(|proj| (proj, true))) {
        let counts = Counts { inputs: conv.inputs(), outputs: conv.outputs(), kernel: conv.kernel() };
        let start = packed.len();
        packed.resize(start + order.len(counts), 0.0);
        for (at, &weight) in conv.weight().iter().enumerate() {
            // The state dict has [outputs, inputs, kernel y, kernel x].
            let (x, y) = (at % counts.kernel, at / counts.kernel % counts.kernel);
            let input = at / counts.kernel.pow(2) % counts.inputs;
            let output = at / counts.kernel.pow(2) / counts.inputs;
            // `proj` has no ReLU, so that its norm's scale goes into the weights.
            let factor = if scaled { conv.scale()[input] } else { 1.0 };
            packed[start + order.place(counts, output, input, y, x)] = weight * factor;
        }
    }
    packed
}

/// Scale, shift and bias of a convolution one after another, each padded with zeros to a multiple of 4. A padding
/// channel is thus zero after the convolution, and does not matter to the next. The bias is joined by what the shift and
/// the bias of the block's `proj` come to.
pub(crate) fn conv_vectors(conv: &Conv, proj: Option<&Conv>) -> Vec<f32> {
    let mut bias: Vec<f64> = conv.bias().iter().copied().map(f64::from).collect();
    if let Some(proj) = proj {
        let rows = proj.weight().chunks(proj.inputs());
        for ((bias, row), &own) in bias.iter_mut().zip(rows).zip(proj.bias()) {
            let shift: f64 = row.iter().zip(proj.shift()).map(|(&w, &s)| f64::from(w) * f64::from(s)).sum();
            *bias += f64::from(own) + shift;
        }
    }
    let bias: Vec<f32> = bias.into_iter().map(|value| value as f32).collect();
    let mut packed = Vec::new();
    for vector in [conv.scale(), conv.shift(), &bias] {
        packed.extend_from_slice(vector);
        packed.resize(packed.len().next_multiple_of(4), 0.0);
    }
    packed
}

/// The weights of matrices with one input and their biases.
///
/// Weights have the order [input / 4][output / 4] of 4 x 4, a column for each input, where `output` counts through the
/// outputs of all matrices, each padded with zeros to a multiple of 4.
pub(crate) fn linear_weights(linears: &[&Linear]) -> (Vec<f32>, Vec<f32>) {
    let inputs = linears.first().map_or(0, |linear| linear.inputs());
    let outputs: usize = linears.iter().map(|linear| linear.outputs().next_multiple_of(4)).sum();
    let mut weights = vec![0.0; inputs.div_ceil(4) * outputs / 4 * 16];
    let mut bias = vec![0.0; outputs];
    let mut first = 0;
    for linear in linears {
        bias[first..][..linear.outputs()].copy_from_slice(linear.bias());
        for (at, &weight) in linear.weight().iter().enumerate() {
            let (input, output) = (at % linear.inputs(), first + at / linear.inputs());
            let block = input / 4 * (outputs / 4) + output / 4;
            weights[block * 16 + input % 4 * 4 + output % 4] = weight;
        }
        first += linear.outputs().next_multiple_of(4);
    }
    (weights, bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No two weights share a place, none lies past the end.
    #[test]
    fn every_weight_has_a_place_of_its_own() {
        let orders = [1, 2, 4].map(|quads| Order::Columns { quads }).into_iter().chain([
            Order::Rows,
            Order::Tiles { side: 8, block: 16 },
            Order::Tiles { side: 16, block: 64 },
        ]);
        for order in orders {
            for (inputs, outputs, kernel) in [(1, 1, 3), (5, 7, 3), (8, 32, 3), (33, 20, 1), (4, 70, 3)] {
                let counts = Counts { inputs, outputs, kernel };
                let mut taken = vec![false; order.len(counts)];
                for at in 0..inputs * outputs * kernel * kernel {
                    let (x, y) = (at % kernel, at / kernel % kernel);
                    let (input, output) = (at / kernel / kernel % inputs, at / kernel / kernel / inputs);
                    let place = order.place(counts, output, input, y, x);
                    assert!(!std::mem::replace(&mut taken[place], true), "{order:?} {place}");
                }
            }
        }
    }
}
