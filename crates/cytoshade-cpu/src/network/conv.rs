//! BatchNorm, ReLU and a convolution with zero padding (the reference's `batchconv`, `batchconv0`, `batchconvstyle`).
//!
//! The output's rows are cut into bands, one rayon task each. For each band the source rows that it meets are loaded
//! once ([`super::band`]); from there the product is taken, plainly ([`super::direct`]) or by Winograd
//! ([`super::winograd`]). Where a block's `proj` is added, it is written into the band first ([`super::proj`]).

use std::cell::RefCell;

use crate::parallel::*;

use super::accumulate::Accumulate;
use super::band::{Band, rows_per_band};
use super::conv_input::ConvInput;
use super::direct::{Direct, Rows, cached_rows};
use super::feature_map::{FeatureMap, sized};
use super::proj::Proj;
use super::weights::{self, Product};
use super::winograd::{self, SIDE, Winograd};
use crate::simd::{AnyLanes, Block, HALF, Lanes, Work};

thread_local! {
    /// What a thread needs for a band. Kept between bands: fresh memory would cost more page faults than the work costs
    /// time.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

#[derive(Debug, Default)]
struct Scratch {
    /// The loaded band.
    band: Vec<Block>,
    winograd: winograd::Scratch,
}

/// A convolution with its weights in the order in which an instruction set reads them.
#[derive(Debug)]
pub(super) struct Conv {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    /// How often the source is repeated on each axis: 2 where it is upsampled, else 1.
    factor: usize,
    /// Factor on each input channel.
    scale: Vec<Block>,
    /// Offset of each input channel.
    shift: Vec<Block>,
    method: Method,
    /// Offset of each output channel.
    bias: Vec<Block>,
    /// What is added to the result.
    proj: Option<Proj>,
}

/// How the product is taken.
#[derive(Debug)]
enum Method {
    /// One product for each output pixel that a source pixel becomes, or one for all of them.
    Direct(Vec<Product>),
    /// The kernels at the points: [point, output group, input channel, block in group, 16].
    Winograd(Vec<Block>),
}

impl Conv {
    #[inline(never)]
    pub(super) fn new(conv: &cytoshade_core::Conv, upsample: bool, proj: Option<Proj>, lanes: AnyLanes) -> Self {
        let factor = if upsample { 2 } else { 1 };
        // With fewer input channels the transforms cost more than the products that they spare.
        let method = if conv.kernel() == 3 && conv.inputs() >= HALF {
            Method::Winograd(weights::winograd_weights(conv, lanes.group()))
        } else {
            Method::Direct(Product::all(conv, factor, lanes.group()))
        };
        Self {
            inputs: conv.inputs(),
            outputs: conv.outputs(),
            kernel: conv.kernel(),
            factor,
            scale: Block::pad(conv.scale()),
            shift: Block::pad(conv.shift()),
            method,
            bias: Block::pad(conv.bias()),
            proj,
        }
    }

    /// `target = residual + proj(projected) + bias + weights * relu(scale * source + shift)`.
    pub(super) fn run(&self, lanes: AnyLanes, reads: Reads<'_>, target: FeatureMap<&mut [Block]>) {
        lanes.run(Run { conv: self, reads, target });
    }

    /// Writes what `proj` gives for the rows of `target`, from row `first` of the plane on.
    fn project<L: Lanes>(&self, lanes: L, reads: &Reads<'_>, first: usize, target: &mut [Block]) {
        if let (Some(proj), Some(source)) = (&self.proj, reads.projected) {
            proj.run(lanes, source, first, target);
        }
    }

    fn band<'a>(&'a self, source: ConvInput<'a>, repeat: usize, width: usize) -> Band<'a> {
        let Self { scale, shift, kernel, .. } = self;
        Band { source, scale, shift, repeat, pad: kernel / 2, padded: width + kernel - 1 }
    }
}

/// What a convolution reads.
pub(super) struct Reads<'a> {
    pub(super) source: ConvInput<'a>,
    /// Accumulate to the result; not where there is something `projected`.
    pub(super) residual: Option<FeatureMap<&'a [Block]>>,
    /// The source of `proj`.
    pub(super) projected: Option<FeatureMap<&'a [Block]>>,
}

impl<'a> Reads<'a> {
    fn added(&self) -> Accumulate<FeatureMap<&'a [Block]>> {
        match (self.projected, self.residual) {
            (Some(_), _) => Accumulate::Target,
            (None, Some(residual)) => Accumulate::Residual(residual),
            (None, None) => Accumulate::Nothing,
        }
    }
}

/// One run of a convolution.
struct Run<'a> {
    conv: &'a Conv,
    reads: Reads<'a>,
    target: FeatureMap<&'a mut [Block]>,
}

impl Work for Run<'_> {
    type Output = ();

    fn run<L: Lanes>(self, lanes: L) {
        match &self.conv.method {
            Method::Direct(products) => self.direct(lanes, products),
            Method::Winograd(weights) => self.winograd(lanes, weights),
        }
    }
}

impl Run<'_> {
    #[inline(never)]
    fn direct<L: Lanes>(self, lanes: L, products: &[Product]) {
        let Self { conv, reads, target } = self;
        let Conv { inputs, outputs, kernel, factor, bias, .. } = conv;
        let band = conv.band(reads.source, 1, reads.source.map.width);
        let rows = rows_per_band(band.source.map.height, cached_rows(&band), current_num_threads());
        // What `proj` repeats is not cut apart.
        let rows = rows.next_multiple_of(conv.proj.as_ref().map_or(1, |proj| proj.factor));
        let direct =
            Direct { inputs: *inputs, outputs: *outputs, products, factor: *factor, bias, added: reads.added() };
        // What one source row becomes.
        let row_len = factor * target.row_len();
        target.data.par_chunks_mut(rows * row_len).enumerate().for_each(|(at, target)| {
            let first = at * rows;
            conv.project(lanes, &reads, first, target);
            SCRATCH.with_borrow_mut(|scratch| {
                let buffer = sized(&mut scratch.band, band.row_len() * (target.len() / row_len + kernel - 1));
                band.load(lanes, first, buffer);
                let (row_len, width) = (band.row_len(), band.source.map.width);
                direct.multiply(lanes, Rows { data: buffer, row_len, block_stride: band.padded, width }, first, target);
            });
        });
    }

    #[inline(never)]
    fn winograd<L: Lanes>(self, lanes: L, weights: &[Block]) {
        let Self { conv, reads, target } = self;
        let Conv { inputs, outputs, factor, bias, .. } = conv;
        let (height, width, row_len) = (target.height, target.width, target.row_len());
        let in_row = width.div_ceil(SIDE);
        let band = conv.band(reads.source, *factor, in_row * SIDE);
        let tiles = winograd::tiles(conv.scale.len(), bias.len());
        let most = (tiles / in_row).max(1);
        let tile_rows = rows_per_band(height.div_ceil(SIDE), most, current_num_threads());
        let rows = SIDE * tile_rows;
        let winograd =
            Winograd { inputs: *inputs, outputs: *outputs, weights, bias, added: reads.added(), width, tiles };
        target.data.par_chunks_mut(rows * row_len).enumerate().for_each(|(at, target)| {
            let first = at * rows;
            conv.project(lanes, &reads, first, target);
            let loaded = (target.len() / row_len).next_multiple_of(SIDE) + 2;
            SCRATCH.with_borrow_mut(|scratch| {
                let buffer = sized(&mut scratch.band, band.row_len() * loaded);
                band.load(lanes, first, buffer);
                winograd.multiply(lanes, &band, buffer, &mut scratch.winograd, first, target);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use cytoshade_core::{BatchNorm, ConvShape};

    use super::super::feature_map;
    use super::*;
    use crate::simd::{Isa, LANES};

    /// What is added to a convolution.
    #[derive(Clone, Copy, Debug)]
    enum Adds {
        Nothing,
        Residual,
        /// A `proj` of four channels, whose source is repeated so often on each axis.
        Proj(usize),
    }
    use Adds::{Nothing, Proj as Projected, Residual};

    /// Channels in and out, the kernel's side, how often the source is repeated, what is added, and the source's size: every
    /// way through the kernels, with blocks, tiles and bands that are not full.
    type Case = ([usize; 2], usize, usize, Adds, [usize; 2]);
    const CASES: [Case; 15] = [
        // Plainly.
        ([3, 5], 3, 1, Nothing, [5, 7]),
        ([2, 33], 3, 2, Nothing, [3, 5]),
        ([3, 17], 3, 1, Residual, [6, 4]),
        ([1, 33], 3, 1, Projected(1), [5, 3]),
        ([3, 5], 3, 1, Projected(2), [4, 6]),
        ([17, 3], 1, 1, Nothing, [3, 5]),
        ([7, 9], 3, 1, Residual, [4, 13]),
        // By Winograd.
        ([17, 3], 3, 1, Nothing, [6, 5]),
        ([16, 17], 3, 1, Residual, [5, 9]),
        ([16, 3], 3, 2, Nothing, [5, 3]),
        ([16, 2], 3, 1, Projected(2), [6, 10]),
        // Of halves of blocks.
        ([8, 8], 3, 1, Residual, [5, 9]),
        ([8, 24], 3, 1, Projected(1), [6, 5]),
        ([25, 9], 3, 2, Nothing, [3, 5]),
        // More tiles in a row than are multiplied together.
        ([16, 1], 3, 1, Nothing, [3, 118]),
    ];

    fn values(len: usize, seed: usize) -> Vec<f32> {
        (0..len).map(|i| ((i * 37 + seed * 13) % 101) as f32 / 101.0 - 0.5).collect()
    }

    fn layer([inputs, outputs]: [usize; 2], kernel: usize, relu: bool) -> cytoshade_core::Conv {
        let shape = ConvShape { batch_norm: "norm".into(), name: "conv".into(), inputs, outputs, kernel, relu };
        let norm = BatchNorm {
            weight: values(inputs, 1).iter().map(|weight| weight + 1.0).collect(),
            bias: values(inputs, 2),
            mean: values(inputs, 3),
            var: vec![1.0; inputs],
        };
        let weight = values(outputs * inputs * kernel * kernel, 4);
        cytoshade_core::Conv::new(&shape, &norm, weight, values(outputs, 5)).unwrap()
    }

    /// A map of nothing that may ever be read.
    fn blocks(channels: usize, [height, width]: [usize; 2]) -> Vec<Block> {
        vec![Block([f32::NAN; LANES]); channels.div_ceil(LANES) * height * width]
    }

    fn pack(planes: &[f32], channels: usize, size: [usize; 2]) -> Vec<Block> {
        let mut packed = blocks(channels, size);
        feature_map::pack(planes, FeatureMap::new_mut(&mut packed, channels, size[0], size[1]));
        // What fills up a row's last block may be anything.
        for row in packed.chunks_exact_mut(channels.div_ceil(LANES) * size[1]) {
            let (_, last) = row.split_at_mut(channels / LANES * size[1]);
            last.iter_mut().for_each(|block| block.0[channels % LANES..].fill(f32::NAN));
        }
        packed
    }

    /// What `conv` makes of planes that are repeated `factor` times on each axis, as the plain sum in f64.
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

    fn check(case: Case, isa: Isa) {
        let ([inputs, outputs], kernel, factor, adds, size) = case;
        let lanes = isa.detect().unwrap();
        let large = size.map(|side| factor * side);
        let layer_of_proj = layer([4, outputs], 1, false);
        let proj_factor = if let Projected(factor) = adds { factor } else { 1 };
        let small = large.map(|side| side / proj_factor);
        let proj = matches!(adds, Projected(_)).then(|| Proj::new(&layer_of_proj, proj_factor == 2, lanes));
        let (planes, residual, projected) = (
            values(inputs * size[0] * size[1], 6),
            values(outputs * large[0] * large[1], 7),
            values(4 * small[0] * small[1], 8),
        );
        let packed = [pack(&planes, inputs, size), pack(&residual, outputs, large), pack(&projected, 4, small)];

        let layer = layer([inputs, outputs], kernel, true);
        let mut target = blocks(outputs, large);
        let reads = Reads {
            source: ConvInput { map: FeatureMap::new(&packed[0], inputs, size[0], size[1]), skip: None, style: None },
            residual: matches!(adds, Residual).then(|| FeatureMap::new(&packed[1], outputs, large[0], large[1])),
            projected: proj.is_some().then(|| FeatureMap::new(&packed[2], 4, small[0], small[1])),
        };
        Conv::new(&layer, factor == 2, proj, lanes).run(
            lanes,
            reads,
            FeatureMap::new_mut(&mut target, outputs, large[0], large[1]),
        );
        if cfg!(miri) {
            return; // It looks for accesses that are wrong; the numbers are the same without it.
        }
        let mut found = vec![0.0; outputs * large[0] * large[1]];
        feature_map::unpack(FeatureMap::new(&target, outputs, large[0], large[1]), &mut found);

        let expected = plain(&layer, &planes, factor, size);
        let added = match adds {
            Nothing => vec![0.0; found.len()],
            Residual => residual.iter().copied().map(f64::from).collect(),
            Projected(factor) => plain(&layer_of_proj, &projected, factor, small),
        };
        for ((found, expected), added) in found.into_iter().zip(expected).zip(added) {
            let error = (f64::from(found) - expected - added).abs();
            assert!(error < 2e-5, "{case:?} on {isa}: {found} for {}", expected + added);
        }
    }

    #[test]
    fn every_way_gives_the_plain_sum() {
        for isa in Isa::available() {
            // The last one takes Miri longer than all others together.
            for case in &CASES[..CASES.len() - usize::from(cfg!(miri))] {
                check(*case, isa);
            }
        }
    }
}
