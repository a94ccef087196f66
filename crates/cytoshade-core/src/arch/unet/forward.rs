//! The order of the reference's `CPnet.forward`.

use super::UNet;
use super::layers::{down_conv, down_proj, up_full};
use crate::{Convolution, Error, LinearProduct, Operation, Plan, PlanBuilder, Shortcut, TensorId, TensorShape};

/// Every block computes `x = proj(x) + c1(c0(x)); x = x + c3(c2(x))`, with `conv_0` to `conv_3` as `c0` to `c3`. Up
/// levels add the skip to the input of `c1`, and products of the style to those of `c1` to `c3`.
pub(super) fn plan(unet: &UNet) -> Result<Plan, Error> {
    let (plan, input) = PlanBuilder::new(unet.nbase[0]);
    let mut forward = Forward { unet, plan };
    let downs = forward.down(input);
    let deepest = downs[unet.levels() - 1];
    let style = forward.style(deepest);
    let full = forward.full(style);

    let mut x = deepest;
    for n in (0..unet.levels()).rev() {
        x = forward.up_level(n, x, downs[n], full[n]);
    }
    let output = TensorShape::Map { channels: unet.nout, scale: 1 };
    let output = forward.plan.convolution(output, |target| Convolution::new(unet.output(), 1, x, target));
    forward.plan.finish(output, Some(style))
}

struct Forward<'a> {
    unet: &'a UNet,
    plan: PlanBuilder,
}

impl Forward<'_> {
    /// A map of level `n`.
    fn map(&self, n: usize) -> TensorShape {
        TensorShape::Map { channels: self.unet.nbase[n + 1], scale: 1 << n }
    }

    /// Appends the down levels and returns the output map of each.
    fn down(&mut self, input: TensorId) -> Vec<TensorId> {
        let mut downs: Vec<TensorId> = Vec::with_capacity(self.unet.levels());
        for n in 0..self.unet.levels() {
            let x = match downs.last() {
                None => input,
                Some(&source) => {
                    let pooled = TensorShape::Map { channels: self.unet.nbase[n], scale: 1 << n };
                    let target = self.plan.tensor(pooled);
                    self.plan.push(Operation::MaxPool { source, target });
                    target
                }
            };
            downs.push(self.down_level(n, x));
        }
        downs
    }

    fn down_level(&mut self, n: usize, x: TensorId) -> TensorId {
        let map = self.map(n);
        let shortcut = Some(Shortcut { weights: down_proj(n), source: x, upsample: false });
        let conv = |t, source, target| Convolution::new(down_conv(n, t), 3, source, target);
        let t = self.plan.convolution(map, |target| conv(0, x, target));
        let x = self.plan.convolution(map, |target| Convolution { shortcut, ..conv(1, t, target) });
        let t = self.plan.convolution(map, |target| conv(2, x, target));
        self.plan.convolution(map, |target| Convolution { residual: Some(x), ..conv(3, t, target) })
    }

    /// Appends the style: the average of the deepest map, of L2 norm 1.
    fn style(&mut self, source: TensorId) -> TensorId {
        let target = self.plan.tensor(TensorShape::Vector { channels: self.unet.style_channels() });
        self.plan.push(Operation::GlobalAverage { source, target });
        target
    }

    /// Appends the style's products for `conv_1` to `conv_3` of each up level.
    fn full(&mut self, source: TensorId) -> Vec<[TensorId; 3]> {
        let levels = self.unet.levels();
        let targets: Vec<[TensorId; 3]> = (0..levels)
            .map(|n| [(); 3].map(|()| self.plan.tensor(TensorShape::Vector { channels: self.unet.nbase[n + 1] })))
            .collect();
        let product = |(n, t)| LinearProduct { weights: up_full(n, t + 1), target: targets[n][t] };
        let products = (0..levels).flat_map(|n| (0..3).map(move |t| (n, t))).map(product).collect();
        self.plan.push(Operation::Linear { source, products });
        targets
    }

    fn up_level(&mut self, n: usize, x: TensorId, skip: TensorId, full: [TensorId; 3]) -> TensorId {
        let (unet, map) = (self.unet, self.map(n));
        // The deepest map is both input and skip of its level; all others come from one level deeper.
        let upsample = n + 1 < unet.levels();
        let shortcut = Some(Shortcut { weights: unet.up_proj(n), source: x, upsample });
        let conv = |t, source, target| Convolution::new(unet.up_conv(n, t), 3, source, target);
        let styled = |t: usize, source, target| Convolution { vector: Some(full[t - 1]), ..conv(t, source, target) };
        let t = self.plan.convolution(map, |target| Convolution { upsample, ..conv(0, x, target) });
        let x = self.plan.convolution(map, |target| Convolution { skip: Some(skip), shortcut, ..styled(1, t, target) });
        let t = self.plan.convolution(map, |target| styled(2, x, target));
        self.plan.convolution(map, |target| Convolution { residual: Some(x), ..styled(3, t, target) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Storage, Tensor};

    fn unets() -> Vec<UNet> {
        [vec![2, 32, 64, 128, 256], vec![1, 5, 7, 9], vec![3, 8], vec![2, 64, 16, 4, 128, 2]]
            .map(|nbase| UNet::new(nbase, 3).unwrap())
            .to_vec()
    }

    #[test]
    fn every_convolution_and_matrix_runs_once_with_its_channels() {
        for unet in unets() {
            let (plan, convs, linears) = (plan(&unet).unwrap(), unet.convs(), unet.linears());
            let (mut ran, mut multiplied) = (vec![0; convs.len()], vec![0; linears.len()]);
            for operation in plan.operations() {
                match operation {
                    Operation::Convolution(Convolution { weights, kernel, source, shortcut, target, .. }) => {
                        let found = [(*weights, *kernel, *source)].into_iter();
                        for (weights, kernel, source) in found.chain(shortcut.map(|it| (it.weights, 1, it.source))) {
                            let layer = &convs[weights.index()];
                            ran[weights.index()] += 1;
                            assert_eq!((layer.kernel, layer.inputs), (kernel, plan[source].channels()));
                            assert_eq!(layer.outputs, plan[*target].channels());
                        }
                    }
                    Operation::Linear { products, .. } => {
                        for product in products {
                            multiplied[product.weights.index()] += 1;
                            assert_eq!(linears[product.weights.index()].outputs, plan[product.target].channels());
                        }
                    }
                    Operation::MaxPool { .. } | Operation::GlobalAverage { .. } => {}
                }
            }
            assert!(ran.iter().chain(&multiplied).all(|&count| count == 1), "{ran:?} {multiplied:?}");
            assert_eq!(plan.tile_multiple(), unet.tile_multiple());
        }
    }

    /// The figures that the documentation states for the published networks and a tile of 224 x 224.
    #[test]
    fn the_published_network_takes_as_many_operations_and_bytes_as_stated() {
        let plan = plan(&UNet::new(vec![2, 32, 64, 128, 256], 3).unwrap()).unwrap();
        let maps = plan.buffers().iter().filter(|buffer| buffer.storage() == Storage::Activations).count();
        let stored = |tensor: Tensor| match tensor.shape.storage() {
            Storage::Activations => tensor.shape.len(224, 224, 4),
            Storage::Vectors => 0,
        };
        let operands = plan.operations().iter().flat_map(|operation| operation.sources().chain(operation.targets()));
        let moved: usize = operands.map(|id| stored(plan[id])).sum();
        // Operations, buffers of maps, their bytes, bytes read and written.
        let bytes = 4 * plan.total_len(Storage::Activations, 224, 224, 4);
        assert_eq!((plan.operations().len(), maps, bytes, 4 * moved), (38, 6, 24_887_296, 246_865_920));
        // The style and its products.
        assert_eq!(plan.total_len(Storage::Vectors, 224, 224, 4), 256 + 3 * (32 + 64 + 128 + 256));
    }
}
