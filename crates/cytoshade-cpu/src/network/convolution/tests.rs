//! Compares every case of the kernels with the plain sum in f64.

use cytoshade_core::{ConvShape, Prologue};

use super::*;
use crate::network::feature_map;
use crate::simd::{Isa, LANES};

/// The values that are added to a convolution.
#[derive(Clone, Copy, Debug)]
enum Adds {
    Nothing,
    Residual,
    /// A shortcut of four channels, whose source is repeated this number of times on each axis.
    Shortcut(usize),
}
use Adds::{Nothing, Residual, Shortcut as Around};

/// Channels in and out, side of the kernel, times the source is repeated, values that are added, and size of the
/// source. The cases cover all kernels, with blocks, patches and bands that are not full.
type Case = ([usize; 2], usize, usize, Adds, [usize; 2]);
const CASES: [Case; 17] = [
    // As plain sums.
    ([3, 5], 3, 1, Nothing, [5, 7]),
    ([2, 33], 3, 2, Nothing, [3, 5]),
    ([3, 17], 3, 1, Residual, [6, 4]),
    ([1, 33], 3, 1, Around(1), [5, 3]),
    ([3, 5], 3, 1, Around(2), [4, 6]),
    ([17, 3], 1, 1, Nothing, [3, 5]),
    ([5, 3], 1, 2, Nothing, [3, 4]),
    ([5, 17], 1, 2, Residual, [2, 3]),
    ([7, 9], 3, 1, Residual, [4, 13]),
    // By Winograd.
    ([17, 3], 3, 1, Nothing, [6, 5]),
    ([16, 17], 3, 1, Residual, [5, 9]),
    ([16, 3], 3, 2, Nothing, [5, 3]),
    ([16, 2], 3, 1, Around(2), [6, 10]),
    // On halves of blocks.
    ([8, 8], 3, 1, Residual, [5, 9]),
    ([8, 24], 3, 1, Around(1), [6, 5]),
    ([25, 9], 3, 2, Nothing, [3, 5]),
    // More patches in a row than are multiplied together.
    ([16, 1], 3, 1, Nothing, [3, 118]),
];

fn values(len: usize, seed: usize) -> Vec<f32> {
    (0..len).map(|i| ((i * 37 + seed * 13) % 101) as f32 / 101.0 - 0.5).collect()
}

fn layer([inputs, outputs]: [usize; 2], kernel: usize, relu: bool) -> cytoshade_core::Conv {
    let scale = values(inputs, 1).iter().map(|scale| scale + 1.0).collect();
    let prologue = Prologue { scale, shift: values(inputs, 2), relu };
    let weight = values(outputs * inputs * kernel * kernel, 4);
    let shape = ConvShape { inputs, outputs, kernel };
    cytoshade_core::Conv::new("conv", shape, prologue, weight, values(outputs, 5)).unwrap()
}

/// A map of NaN, whose values must not be read.
fn blocks(channels: usize, [height, width]: [usize; 2]) -> Vec<Block> {
    vec![Block([f32::NAN; LANES]); channels.div_ceil(LANES) * height * width]
}

fn pack(planes: &[f32], channels: usize, size: [usize; 2]) -> Vec<Block> {
    let mut packed = blocks(channels, size);
    feature_map::pack(planes, FeatureMap::new_mut(&mut packed, channels, size[0], size[1]));
    // The padding of a row's last block may hold anything.
    for row in packed.chunks_exact_mut(channels.div_ceil(LANES) * size[1]) {
        let (_, last) = row.split_at_mut(channels / LANES * size[1]);
        last.iter_mut().for_each(|block| block.0[channels % LANES..].fill(f32::NAN));
    }
    packed
}

/// The convolution of planes that are repeated `factor` times on each axis, as the plain sum in f64.
fn plain(conv: &cytoshade_core::Conv, planes: &[f32], factor: usize, [height, width]: [usize; 2]) -> Vec<f64> {
    let side = conv.kernel() as isize;
    let source = |input: usize, y: isize, x: isize| {
        let (y, x) = (usize::try_from(y).ok()? / factor, usize::try_from(x).ok()? / factor);
        let value = (y < height && x < width).then(|| planes[(input * height + y) * width + x])?;
        let value = f64::from(conv.scale()[input]) * f64::from(value) + f64::from(conv.shift()[input]);
        Some(if conv.relu() { value.max(0.0) } else { value })
    };
    let mut sums = Vec::new();
    for (of_output, &bias) in conv.weight().chunks_exact(conv.weight().len() / conv.outputs()).zip(conv.bias()) {
        for at in 0..factor * height * factor * width {
            let (y, x) = ((at / (factor * width)) as isize, (at % (factor * width)) as isize);
            let products = of_output.iter().zip(0isize..).map(|(&weight, tap)| {
                let (input, tap) = (tap / (side * side), tap % (side * side));
                let value = source(input as usize, y + tap / side - side / 2, x + tap % side - side / 2);
                f64::from(weight) * value.unwrap_or(0.0)
            });
            sums.push(f64::from(bias) + products.sum::<f64>());
        }
    }
    sums
}

fn check(case: Case, relu: bool, isa: Isa) {
    let ([inputs, outputs], kernel, factor, adds, size) = case;
    let lanes = isa.detect().unwrap();
    let large = size.map(|side| factor * side);
    let layer_around = layer([4, outputs], 1, false);
    let factor_around = if let Around(factor) = adds { factor } else { 1 };
    let small = large.map(|side| side / factor_around);
    let shortcut = matches!(adds, Around(_)).then(|| Shortcut::new(&layer_around, factor_around == 2, lanes));
    let (planes, residual, around) = (
        values(inputs * size[0] * size[1], 6),
        values(outputs * large[0] * large[1], 7),
        values(4 * small[0] * small[1], 8),
    );
    let packed = [pack(&planes, inputs, size), pack(&residual, outputs, large), pack(&around, 4, small)];

    let layer = layer([inputs, outputs], kernel, relu);
    let mut target = blocks(outputs, large);
    let reads = Reads {
        source: ConvInput { map: FeatureMap::new(&packed[0], inputs, size[0], size[1]), skip: None, vector: None },
        residual: matches!(adds, Residual).then(|| FeatureMap::new(&packed[1], outputs, large[0], large[1])),
        shortcut: shortcut.is_some().then(|| FeatureMap::new(&packed[2], 4, small[0], small[1])),
    };
    Conv::with_shortcut(&layer, factor == 2, shortcut, lanes).run(
        lanes,
        reads,
        FeatureMap::new_mut(&mut target, outputs, large[0], large[1]),
    );
    if cfg!(miri) {
        return; // Miri looks for wrong accesses; the numbers are checked without it.
    }
    let mut found = vec![0.0; outputs * large[0] * large[1]];
    feature_map::unpack(FeatureMap::new(&target, outputs, large[0], large[1]), &mut found);

    let expected = plain(&layer, &planes, factor, size);
    let added = match adds {
        Nothing => vec![0.0; found.len()],
        Residual => residual.iter().copied().map(f64::from).collect(),
        Around(factor) => plain(&layer_around, &around, factor, small),
    };
    for ((found, expected), added) in found.into_iter().zip(expected).zip(added) {
        let error = (f64::from(found) - expected - added).abs();
        assert!(error < 2e-5, "{case:?}, relu {relu}, on {isa}: {found} for {}", expected + added);
    }
}

#[test]
fn every_way_gives_the_plain_sum() {
    for isa in Isa::available() {
        // The last case takes Miri longer than all others together.
        for case in &CASES[..CASES.len() - usize::from(cfg!(miri))] {
            check(*case, true, isa);
        }
    }
}

#[test]
fn without_a_relu_negative_inputs_stay() {
    for isa in Isa::available() {
        // As plain sums and by Winograd.
        for case in [CASES[0], CASES[6], CASES[9]] {
            check(case, false, isa);
        }
    }
}
