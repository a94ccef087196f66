//! The order in which a backend runs a network, and where each intermediate lives.
//!
//! A plan is a list of [`Step`]s over [`Tensor`]s. Tensors that are never alive together share a buffer, so a backend
//! allocates [`Plan::buffers`] buffers once and runs every batch of tiles in them.

use std::cmp::Reverse;
use std::ops::RangeInclusive;

use crate::network::Shape;

/// An intermediate: `channels` planes of the tile's size halved `level` times, living in buffer number `buffer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// Which buffer it lives in.
    pub buffer: usize,
    /// Channels, without padding.
    pub channels: usize,
    /// How often the tile's sides are halved.
    pub level: usize,
}

impl Tensor {
    /// Height and width of the tensor for tiles of `height` x `width`.
    pub fn size(&self, height: usize, width: usize) -> (usize, usize) {
        (height >> self.level, width >> self.level)
    }
}

/// Where one projection of the style begins in the vector of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StyleSlice {
    /// Which of [`crate::Network::linears`].
    pub linear: usize,
    /// First value, a multiple of 4.
    pub offset: usize,
}

/// A 1x1 convolution that a step adds to its result instead of a residual (`proj` of a block).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projection {
    /// Which of [`crate::Network::convs`].
    pub conv: usize,
    /// Read; one level deeper than the step's target where `upsample`.
    pub source: Tensor,
    /// Repeat each value of the source 2 x 2 times.
    pub upsample: bool,
}

/// One step of a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// The maximum of each 2 x 2 block.
    MaxPool {
        /// Read.
        source: Tensor,
        /// Written.
        target: Tensor,
    },
    /// `target = residual + projection + conv(source + skip + style)`, where the source is doubled by repetition first
    /// if `upsample`.
    Conv {
        /// Which of [`crate::Network::convs`].
        conv: usize,
        /// Read; one level deeper than `target` where `upsample`.
        source: Tensor,
        /// Repeat each value of the source 2 x 2 times.
        upsample: bool,
        /// Added to the source, of the same shape.
        skip: Option<Tensor>,
        /// A projection of the style that is added to every pixel of the source.
        style: Option<StyleSlice>,
        /// Added to the result, of the target's shape.
        residual: Option<Tensor>,
        /// Added to the result; `None` in every step of [`Plan::new`].
        projection: Option<Projection>,
        /// Written.
        target: Tensor,
    },
    /// The style vector: the mean of each channel, divided by the L2 norm of all.
    Style {
        /// Read.
        source: Tensor,
    },
    /// Every projection of the style vector.
    StyleProjections,
}

/// A network as a list of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What to run, in order.
    pub steps: Vec<Step>,
    /// The network's input, written before the first step.
    pub input: Tensor,
    /// The network's output, complete after the last step.
    pub output: Tensor,
    /// Where each projection of the style begins.
    pub styles: Vec<StyleSlice>,
    /// Length of the vector of all projections, each padded to a multiple of 4.
    pub style_features: usize,
    /// For each buffer, every (channels, level) that lives in it.
    tenants: Vec<Vec<(usize, usize)>>,
}

impl Plan {
    /// The plan of a network, every convolution a step.
    pub fn new(shape: &Shape) -> Self {
        Self::build(shape, false)
    }

    /// The plan of a network in which each block's `proj` is part of the step that adds its result: fewer steps, and
    /// the projections are never in memory.
    pub fn fused(shape: &Shape) -> Self {
        Self::build(shape, true)
    }

    fn build(shape: &Shape, fuse: bool) -> Self {
        let mut styles = Vec::new();
        let mut style_features = 0;
        for (linear, layer) in shape.linears().iter().enumerate() {
            styles.push(StyleSlice { linear, offset: style_features });
            style_features += layer.outputs.next_multiple_of(4);
        }
        let mut builder = Builder { fuse, ..Builder::default() };
        let input = builder.tensor(shape.inputs(), 0);
        let output = build(shape, &styles, &mut builder, input);
        let (steps, tenants, place) = builder.place(output);
        Self { steps, input: place(input), output: place(output), styles, style_features, tenants }
    }

    /// Number of buffers.
    pub fn buffers(&self) -> usize {
        self.tenants.len()
    }

    /// Values that a buffer must hold for one tile of `height` x `width`, with channel counts padded to a multiple of
    /// `pad`.
    pub fn buffer_len(&self, buffer: usize, height: usize, width: usize, pad: usize) -> usize {
        self.tenants[buffer]
            .iter()
            .map(|&(channels, level)| channels.next_multiple_of(pad) * (height >> level) * (width >> level))
            .max()
            .unwrap_or(0)
    }

    /// Values in all buffers together, as [`Plan::buffer_len`] counts them.
    pub fn total_len(&self, height: usize, width: usize, pad: usize) -> usize {
        (0..self.buffers()).map(|buffer| self.buffer_len(buffer, height, width, pad)).sum()
    }
}

/// Lists the steps of the reference's `CPnet.forward`, and returns the output.
fn build(shape: &Shape, styles: &[StyleSlice], b: &mut Builder, input: Tensor) -> Tensor {
    let nbase = shape.nbase();
    let levels = shape.levels();
    let mut downs: Vec<Tensor> = Vec::with_capacity(levels);
    for n in 0..levels {
        let x = match downs.last() {
            None => input,
            Some(&above) => {
                let target = b.tensor(above.channels, n);
                b.steps.push(Step::MaxPool { source: above, target });
                target
            }
        };
        let channels = nbase[n + 1];
        let proj = b.proj(Projection { conv: shape.down_proj(n), source: x, upsample: false }, channels, n);
        let t = b.conv(ConvStep::new(shape.down_conv(n, 0), x), channels, n);
        let x = b.conv(proj.added_to(ConvStep::new(shape.down_conv(n, 1), t)), channels, n);
        let t = b.conv(ConvStep::new(shape.down_conv(n, 2), x), channels, n);
        downs.push(b.conv(ConvStep { residual: Some(x), ..ConvStep::new(shape.down_conv(n, 3), t) }, channels, n));
    }
    let mut x = downs[levels - 1];
    b.steps.push(Step::Style { source: x });
    b.steps.push(Step::StyleProjections);
    for n in (0..levels).rev() {
        let channels = shape.up_channels(n).1;
        let upsample = n + 1 < levels;
        let style = |t| Some(styles[shape.up_full(n, t)]);
        let proj = b.proj(Projection { conv: shape.up_proj(n), source: x, upsample }, channels, n);
        let t = b.conv(ConvStep { upsample, ..ConvStep::new(shape.up_conv(n, 0), x) }, channels, n);
        let second = ConvStep { skip: Some(downs[n]), style: style(1), ..ConvStep::new(shape.up_conv(n, 1), t) };
        x = b.conv(proj.added_to(second), channels, n);
        let t = b.conv(ConvStep { style: style(2), ..ConvStep::new(shape.up_conv(n, 2), x) }, channels, n);
        let last = ConvStep { style: style(3), residual: Some(x), ..ConvStep::new(shape.up_conv(n, 3), t) };
        x = b.conv(last, channels, n);
    }
    b.conv(ConvStep::new(shape.output(), x), shape.nout(), 0)
}

struct ConvStep {
    conv: usize,
    source: Tensor,
    upsample: bool,
    skip: Option<Tensor>,
    style: Option<StyleSlice>,
    residual: Option<Tensor>,
    projection: Option<Projection>,
}

impl ConvStep {
    fn new(conv: usize, source: Tensor) -> Self {
        Self { conv, source, upsample: false, skip: None, style: None, residual: None, projection: None }
    }
}

/// What a block's `proj` gives: a tensor, or a part of a later step.
enum Proj {
    Tensor(Tensor),
    Part(Projection),
}

impl Proj {
    fn added_to(self, step: ConvStep) -> ConvStep {
        match self {
            Proj::Tensor(tensor) => ConvStep { residual: Some(tensor), ..step },
            Proj::Part(projection) => ConvStep { projection: Some(projection), ..step },
        }
    }
}

/// Collects steps over tensors that have a number of their own each (in `Tensor::buffer`), then places them.
#[derive(Default)]
struct Builder {
    /// Whether `proj` becomes part of a later step.
    fuse: bool,
    steps: Vec<Step>,
    tensors: Vec<(usize, usize)>,
}

impl Builder {
    fn tensor(&mut self, channels: usize, level: usize) -> Tensor {
        self.tensors.push((channels, level));
        Tensor { buffer: self.tensors.len() - 1, channels, level }
    }

    fn conv(&mut self, step: ConvStep, channels: usize, level: usize) -> Tensor {
        let target = self.tensor(channels, level);
        let ConvStep { conv, source, upsample, skip, style, residual, projection } = step;
        self.steps.push(Step::Conv { conv, source, upsample, skip, style, residual, projection, target });
        target
    }

    fn proj(&mut self, projection: Projection, channels: usize, level: usize) -> Proj {
        if self.fuse {
            return Proj::Part(projection);
        }
        let Projection { conv, source, upsample } = projection;
        Proj::Tensor(self.conv(ConvStep { upsample, ..ConvStep::new(conv, source) }, channels, level))
    }

    /// Gives each tensor a buffer that no other tensor has while it lives, the largest tensors first: the first buffer that
    /// is free all the while, else a new one. So no buffer is larger than its first tensor, and small tensors live where
    /// large ones do not yet or no longer (after Pisarchyk and Lee 2020, "Efficient memory management for deep neural net
    /// inference", greedy by size).
    #[allow(clippy::type_complexity)]
    fn place(self, output: Tensor) -> (Vec<Step>, Vec<Vec<(usize, usize)>>, impl Fn(Tensor) -> Tensor) {
        let Self { mut steps, tensors, .. } = self;
        let deepest = tensors.iter().map(|&(_, level)| level).max().unwrap_or(0);
        let size = |(channels, level): (usize, usize)| channels.next_multiple_of(4) << (2 * (deepest - level));

        // The steps from the one that writes a tensor to the last one that reads it. Tensor 0 is the input, which is there
        // before the first step.
        let mut lives: Vec<RangeInclusive<usize>> = vec![0..=0; tensors.len()];
        for (at, step) in (1..).zip(&steps) {
            if let Some(target) = step.target() {
                lives[target.buffer] = at..=at;
            }
            for tensor in step.reads() {
                lives[tensor.buffer] = *lives[tensor.buffer].start()..=at;
            }
        }
        lives[output.buffer] = *lives[output.buffer].start()..=usize::MAX;

        // Of equal ones the one of the larger plane comes first: backends may fill up channels further.
        let mut waiting: Vec<usize> = (0..tensors.len()).collect();
        let rank = |&at: &usize| (Reverse(size(tensors[at])), tensors[at].1, at);
        let mut buffer_of = vec![0; tensors.len()];
        let mut buffers: Vec<Vec<usize>> = Vec::new();
        while let Some(tensor) = waiting.iter().copied().min_by_key(rank) {
            waiting.retain(|&other| other != tensor);
            let apart = |other: &usize| {
                lives[*other].end() < lives[tensor].start() || lives[tensor].end() < lives[*other].start()
            };
            let free = buffers.iter().position(|tenants| tenants.iter().all(apart));
            buffer_of[tensor] = free.unwrap_or(buffers.len());
            match free {
                Some(buffer) => buffers[buffer].push(tensor),
                None => buffers.push(vec![tensor]),
            }
        }
        let tenants = buffers.iter().map(|of| of.iter().map(|&tensor| tensors[tensor]).collect()).collect();
        let place = move |tensor: Tensor| Tensor { buffer: buffer_of[tensor.buffer], ..tensor };
        for step in &mut steps {
            step.map(&place);
        }
        (steps, tenants, place)
    }
}

impl Step {
    /// The tensors that the step reads.
    pub fn reads(&self) -> impl Iterator<Item = Tensor> + use<> {
        let tensors = match *self {
            Step::MaxPool { source, .. } | Step::Style { source } => [Some(source), None, None, None],
            Step::Conv { source, skip, residual, projection, .. } => {
                [Some(source), skip, residual, projection.map(|projection| projection.source)]
            }
            Step::StyleProjections => [None; 4],
        };
        tensors.into_iter().flatten()
    }

    /// The tensor that the step writes.
    pub fn target(&self) -> Option<Tensor> {
        match *self {
            Step::MaxPool { target, .. } | Step::Conv { target, .. } => Some(target),
            Step::Style { .. } | Step::StyleProjections => None,
        }
    }

    fn map(&mut self, place: &impl Fn(Tensor) -> Tensor) {
        match self {
            Step::MaxPool { source, target } => {
                *source = place(*source);
                *target = place(*target);
            }
            Step::Style { source } => *source = place(*source),
            Step::Conv { source, skip, residual, projection, target, .. } => {
                *source = place(*source);
                *skip = skip.map(place);
                *residual = residual.map(place);
                *projection = projection.map(|p| Projection { source: place(p.source), ..p });
                *target = place(*target);
            }
            Step::StyleProjections => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both plans of each shape.
    fn plans() -> Vec<(Shape, Plan)> {
        let both = |shape: Shape| [(shape.clone(), Plan::new(&shape)), (shape.clone(), Plan::fused(&shape))];
        shapes().into_iter().flat_map(both).collect()
    }

    fn shapes() -> Vec<Shape> {
        [vec![2, 32, 64, 128, 256], vec![1, 5, 7, 9], vec![3, 8], vec![2, 64, 16, 4, 128, 2]]
            .map(|nbase| Shape::new(nbase, 3).unwrap())
            .to_vec()
    }

    /// Follows which step wrote each buffer last: every read must find the tensor that was meant.
    #[test]
    fn no_step_reads_what_a_later_one_has_overwritten() {
        for (_, plan) in plans() {
            let mut holds: Vec<Option<(usize, usize)>> = vec![None; plan.buffers()];
            holds[plan.input.buffer] = Some((plan.input.channels, plan.input.level));
            for step in &plan.steps {
                for tensor in step.reads() {
                    assert_eq!(holds[tensor.buffer], Some((tensor.channels, tensor.level)), "{step:?}");
                    assert_ne!(Some(tensor.buffer), step.target().map(|target| target.buffer), "{step:?}");
                }
                if let Some(target) = step.target() {
                    holds[target.buffer] = Some((target.channels, target.level));
                }
            }
            assert_eq!(holds[plan.output.buffer], Some((3, 0)));
        }
    }

    #[test]
    fn convolutions_get_the_channels_of_their_shape_and_each_runs_once() {
        for (shape, plan) in plans() {
            let convs = shape.convs();
            let mut ran = vec![0; convs.len()];
            for step in &plan.steps {
                if let Step::Conv { conv, source, upsample, skip, style, residual, projection, target } = step {
                    ran[*conv] += 1;
                    assert_eq!(source.channels, convs[*conv].inputs);
                    assert_eq!(target.channels, convs[*conv].outputs);
                    assert_eq!(source.level, target.level + usize::from(*upsample));
                    assert!(skip.is_none_or(|skip| skip.channels == source.channels && skip.level == source.level));
                    assert!(residual.is_none_or(|r| r.channels == target.channels && r.level == target.level));
                    assert!(style.is_none_or(|s| shape.linears()[s.linear].outputs == source.channels));
                    if let Some(Projection { conv, source, upsample }) = *projection {
                        ran[conv] += 1;
                        assert_eq!((convs[conv].inputs, convs[conv].kernel), (source.channels, 1));
                        assert_eq!(convs[conv].outputs, target.channels);
                        assert_eq!(source.level, target.level + usize::from(upsample));
                        assert!(residual.is_none());
                    }
                }
            }
            assert!(ran.iter().all(|&ran| ran == 1), "{ran:?}");
        }
    }

    #[test]
    fn a_fused_plan_has_a_step_less_for_each_block() {
        for shape in shapes() {
            let (plain, fused) = (Plan::new(&shape), Plan::fused(&shape));
            assert_eq!(fused.steps.len() + 2 * shape.levels(), plain.steps.len());
            assert!(fused.total_len(64, 64, 4) <= plain.total_len(64, 64, 4));
        }
    }

    /// What ARCHITECTURE.md states of the published networks and a tile of 224 x 224.
    #[test]
    fn the_published_network_takes_as_many_steps_and_bytes_as_stated() {
        let shape = Shape::new(vec![2, 32, 64, 128, 256], 3).unwrap();
        let values = |tensor: Tensor| {
            let (height, width) = tensor.size(224, 224);
            tensor.channels.next_multiple_of(4) * height * width
        };
        let costs = [Plan::new(&shape), Plan::fused(&shape)].map(|plan| {
            let moved: usize = plan.steps.iter().flat_map(|step| step.reads().chain(step.target())).map(values).sum();
            (plan.steps.len(), plan.buffers(), plan.total_len(224, 224, 4) * 4, moved * 4)
        });
        // Steps, buffers, bytes of the buffers, bytes read and written.
        assert_eq!(costs, [(46, 7, 31_309_824, 295_034_880), (38, 6, 24_887_296, 246_865_920)]);
    }

    #[test]
    fn buffers_are_shared() {
        let plan = Plan::new(&Shape::new(vec![2, 32, 64, 128, 256], 3).unwrap());
        let writes = plan.steps.iter().filter(|step| step.target().is_some()).count();
        assert!(plan.buffers() <= 8 && writes == 44, "{} buffers for {writes} tensors", plan.buffers());
        // 32 channels of 224 x 224 is the largest tensor; all intermediates together take at most six of them.
        assert!(plan.total_len(224, 224, 4) <= 6 * 32 * 224 * 224, "{}", plan.total_len(224, 224, 4));
    }
}
