//! Packs the weights of convolutions in the shaders' orders.
//!
//! All orders consist of vec4s: each holds the weights from one input channel to four output channels.

use cytoshade_core::Conv;

/// Channels and kernel of a convolution.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// Side of the kernel.
    pub(super) kernel: usize,
}

/// One weight of a convolution: its channels, and its row and column in the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) output: usize,
    pub(super) input: usize,
    pub(super) y: usize,
    pub(super) x: usize,
}

/// A packing order of weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    /// Input and output channels are padded to multiples of these, with zero weights.
    pub(super) padding: (usize, usize),
    /// The index of a weight, from the padding, the convolution and the weight.
    pub(super) index: fn((usize, usize), Counts, Weight) -> usize,
}

impl Order {
    /// Number of values for a convolution.
    fn len(&self, Counts { inputs, outputs, kernel }: Counts) -> usize {
        let (input, output) = self.padding;
        inputs.next_multiple_of(input) * kernel * kernel * outputs.next_multiple_of(output)
    }

    /// The weights of a convolution, then those of its shortcut, if any.
    pub(super) fn pack(&self, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        let mut packed = Vec::new();
        for (conv, scaled) in std::iter::once((conv, false)).chain(shortcut.map(|shortcut| (shortcut, true))) {
            let counts = Counts { inputs: conv.inputs(), outputs: conv.outputs(), kernel: conv.kernel() };
            let start = packed.len();
            packed.resize(start + self.len(counts), 0.0);
            for (at, &weight) in conv.weight().iter().enumerate() {
                let place = nth(counts, at);
                // A shortcut has no ReLU, so its BatchNorm's scale is folded into the weights.
                let factor = if scaled { conv.scale()[place.input] } else { 1.0 };
                packed[start + (self.index)(self.padding, counts, place)] = weight * factor;
            }
        }
        packed
    }
}

/// The weight at an index of the state dict's order, `[output][input][y][x]`.
fn nth(Counts { inputs, kernel, .. }: Counts, at: usize) -> Weight {
    Weight {
        output: at / kernel.pow(2) / inputs,
        input: at / kernel.pow(2) % inputs,
        y: at / kernel % kernel,
        x: at % kernel,
    }
}

/// The order for invocations that compute a column of pixels for `quads` vec4s of channels.
///
/// It is [output / (4 * quads)][input / 4][kernel x][output / 4 % quads][kernel y][input % 4].
pub(super) fn columns(quads: usize) -> Order {
    Order {
        padding: (4, 4 * quads),
        index: |(_, outputs), Counts { inputs, kernel, .. }, Weight { output, input, y, x }| {
            let group = output / outputs * inputs.div_ceil(4) + input / 4;
            let block = ((group * kernel + x) * (outputs / 4) + output % outputs / 4) * kernel + y;
            (block * 4 + input % 4) * 4 + output % 4
        },
    }
}

/// The concatenated scale, shift and bias of a convolution, each padded with zeros to a multiple of 4.
///
/// A padding channel is therefore zero after the convolution and adds nothing to the next. The bias includes the
/// shortcut's shift and bias.
pub(crate) fn vectors(conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
    let mut bias: Vec<f64> = conv.bias().iter().copied().map(f64::from).collect();
    if let Some(shortcut) = shortcut {
        let rows = shortcut.weight().chunks(shortcut.inputs());
        for ((bias, row), &own) in bias.iter_mut().zip(rows).zip(shortcut.bias()) {
            let shift: f64 = row.iter().zip(shortcut.shift()).map(|(&w, &s)| f64::from(w) * f64::from(s)).sum();
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Asserts that no two weights share an index and that none lies past the end.
    pub(in crate::operators) fn assert_is_injective(order: Order) {
        for (inputs, outputs, kernel) in [(1, 1, 3), (5, 7, 3), (8, 32, 3), (33, 20, 1), (4, 70, 3)] {
            let counts = Counts { inputs, outputs, kernel };
            let mut taken = vec![false; order.len(counts)];
            for at in 0..inputs * outputs * kernel * kernel {
                let index = (order.index)(order.padding, counts, nth(counts, at));
                assert!(!std::mem::replace(&mut taken[index], true), "{order:?} {counts:?} {index}");
            }
        }
    }

    #[test]
    fn every_weight_has_an_index_of_its_own_in_columns() {
        for quads in [1, 2, 4] {
            assert_is_injective(columns(quads));
        }
    }

    #[test]
    #[should_panic(expected = "Order")]
    fn a_shared_index_is_found() {
        assert_is_injective(Order {
            index: |_, counts, weight| weight.output * counts.inputs + weight.input,
            ..columns(1)
        });
    }
}
