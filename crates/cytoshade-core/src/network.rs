//! The Cellpose U-Net's checked weights (the reference's `resnet_torch.CPnet`).

use crate::Error;

/// Channels in one layer above which weights are refused; the published networks have 256.
const MAX_CHANNELS: usize = 4096;
/// Levels of the U-Net above which weights are refused; the published networks have 4.
const MAX_LEVELS: usize = 8;
/// `eps` of every BatchNorm.
const EPS: f64 = 1e-5;

/// The layout of a network: everything else follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    nbase: Vec<usize>,
    nout: usize,
}

/// One convolution of a [`Shape`]: what it is called and how large it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Name of its BatchNorm in the state dict, without `.weight`.
    pub batch_norm: String,
    /// Name of the convolution in the state dict, without `.weight`.
    pub name: String,
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the kernel: 1 or 3.
    pub kernel: usize,
    /// Whether a ReLU stands between the BatchNorm and the convolution (`proj` has none).
    pub relu: bool,
}

/// One projection of the style vector of a [`Shape`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearShape {
    /// Name in the state dict, without `.weight`.
    pub name: String,
    /// Channels of the style vector.
    pub inputs: usize,
    /// Channels of the convolution's input that it is added to.
    pub outputs: usize,
}

impl Shape {
    /// A layout: `nbase` holds the input channels and then the channels of each level (`[2, 32, 64, 128, 256]` in the
    /// published networks), `nout` the output channels (3: dY, dX, cellprob).
    ///
    /// # Errors
    /// [`Error::NetworkShape`] for counts of zero and sizes past the limits.
    pub fn new(nbase: Vec<usize>, nout: usize) -> Result<Self, Error> {
        if nbase.len() < 2 || nbase.len() > MAX_LEVELS + 1 {
            let found = format!("{} entries", nbase.len());
            return Err(Error::NetworkShape { what: "nbase", found, expected: "2 to 9 entries" });
        }
        if nbase.iter().chain([&nout]).any(|&channels| channels == 0 || channels > MAX_CHANNELS) {
            let found = format!("nbase {nbase:?} with {nout} outputs");
            return Err(Error::NetworkShape { what: "channels", found, expected: "1 to 4096 in every layer" });
        }
        Ok(Self { nbase, nout })
    }

    /// Input channels and then the channels of each level.
    pub fn nbase(&self) -> &[usize] {
        &self.nbase
    }

    /// Channels of the input.
    pub fn inputs(&self) -> usize {
        self.nbase[0]
    }

    /// Channels of the output.
    pub fn nout(&self) -> usize {
        self.nout
    }

    /// Levels of the U-Net: 4 in the published networks.
    pub fn levels(&self) -> usize {
        self.nbase.len() - 1
    }

    /// Length of the style vector: the channels of the deepest level.
    pub fn style_channels(&self) -> usize {
        self.nbase[self.levels()]
    }

    /// The sides of a tile must be multiples of this: one halving between each two levels.
    pub fn tile_multiple(&self) -> usize {
        1 << (self.levels() - 1)
    }

    /// Channels of up level `n`'s input and output.
    pub(crate) fn up_channels(&self, n: usize) -> (usize, usize) {
        (self.nbase[(n + 2).min(self.levels())], self.nbase[n + 1])
    }

    /// Every convolution in the order that [`Network::convs`] keeps: for each down level `proj` and `conv_0` to
    /// `conv_3`, for each up level the same, then the output.
    pub fn convs(&self) -> Vec<ConvShape> {
        let mut convs = Vec::new();
        for n in 0..self.levels() {
            let (inputs, outputs) = (self.nbase[n], self.nbase[n + 1]);
            let at = format!("downsample.down.res_down_{n}");
            convs.push(conv_shape(&format!("{at}.proj"), inputs, outputs, 1, false));
            for t in 0..4 {
                let inputs = if t == 0 { inputs } else { outputs };
                convs.push(conv_shape(&format!("{at}.conv.conv_{t}"), inputs, outputs, 3, true));
            }
        }
        for n in 0..self.levels() {
            let (inputs, outputs) = self.up_channels(n);
            let at = format!("upsample.up.res_up_{n}");
            convs.push(conv_shape(&format!("{at}.proj"), inputs, outputs, 1, false));
            convs.push(conv_shape(&format!("{at}.conv.conv_0"), inputs, outputs, 3, true));
            for t in 1..4 {
                convs.push(conv_shape(&format!("{at}.conv.conv_{t}.conv"), outputs, outputs, 3, true));
            }
        }
        convs.push(conv_shape("output", self.nbase[1], self.nout, 1, true));
        convs
    }

    /// Every projection of the style in the order that [`Network::linears`] keeps: three for each up level.
    pub fn linears(&self) -> Vec<LinearShape> {
        let mut linears = Vec::new();
        for n in 0..self.levels() {
            for t in 1..4 {
                linears.push(LinearShape {
                    name: format!("upsample.up.res_up_{n}.conv.conv_{t}.full"),
                    inputs: self.style_channels(),
                    outputs: self.up_channels(n).1,
                });
            }
        }
        linears
    }

    /// Parameters as the reference counts them: weights, biases, BatchNorm's scales and offsets, and the two diameters.
    /// 6,600,845 in the published networks.
    pub fn parameters(&self) -> usize {
        let convs = self.convs().into_iter().map(|c| 2 * c.inputs + c.outputs * (c.inputs * c.kernel * c.kernel + 1));
        let linears = self.linears().into_iter().map(|l| l.outputs * (l.inputs + 1));
        convs.chain(linears).sum::<usize>() + 2
    }

    /// Floating-point operations of the convolutions for one tile, a multiplication and an addition counting as two.
    /// About 31e9 for the published networks and a tile of 224 x 224.
    pub fn operations(&self, height: usize, width: usize) -> u64 {
        let plan = crate::Plan::new(self);
        let convs = self.convs();
        // In this plan every convolution is a step.
        plan.steps
            .iter()
            .filter_map(|step| match step {
                crate::Step::Conv { conv, target, .. } => {
                    let layer = &convs[*conv];
                    let (height, width) = target.size(height, width);
                    Some((2 * layer.kernel.pow(2) * layer.inputs * layer.outputs * height * width) as u64)
                }
                _ => None,
            })
            .sum()
    }

    pub(crate) fn down_proj(&self, n: usize) -> usize {
        5 * n
    }

    pub(crate) fn down_conv(&self, n: usize, t: usize) -> usize {
        5 * n + 1 + t
    }

    pub(crate) fn up_proj(&self, n: usize) -> usize {
        5 * (self.levels() + n)
    }

    pub(crate) fn up_conv(&self, n: usize, t: usize) -> usize {
        5 * (self.levels() + n) + 1 + t
    }

    pub(crate) fn up_full(&self, n: usize, t: usize) -> usize {
        3 * n + t - 1
    }

    pub(crate) fn output(&self) -> usize {
        10 * self.levels()
    }
}

fn conv_shape(at: &str, inputs: usize, outputs: usize, kernel: usize, relu: bool) -> ConvShape {
    // A Sequential of BatchNorm (0), ReLU (1) and Conv (2); `proj` has no ReLU, so its Conv is 1.
    let conv = if relu { 2 } else { 1 };
    ConvShape { batch_norm: format!("{at}.0"), name: format!("{at}.{conv}"), inputs, outputs, kernel, relu }
}

/// The four vectors of a BatchNorm in evaluation mode, each one value a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct BatchNorm {
    /// Scale (gamma).
    pub weight: Vec<f32>,
    /// Offset (beta).
    pub bias: Vec<f32>,
    /// Running mean.
    pub mean: Vec<f32>,
    /// Running variance.
    pub var: Vec<f32>,
}

/// A BatchNorm, an optional ReLU and a convolution with zero padding: one step of the network.
///
/// `y = bias + sum over the kernel of weight * f(x)`, where `f(x) = scale * x + shift`, clipped at 0 where `relu`, and
/// 0 outside of the plane: the padding applies after the BatchNorm.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    name: String,
    inputs: usize,
    outputs: usize,
    kernel: usize,
    relu: bool,
    scale: Vec<f32>,
    shift: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Conv {
    /// A convolution of `shape` from its arrays; `weight` has the shape [outputs, inputs, kernel, kernel].
    ///
    /// The BatchNorm is folded into a scale and a shift, in f64: `scale = weight / sqrt(var + 1e-5)`,
    /// `shift = bias - mean * scale`.
    ///
    /// # Errors
    /// [`Error::Layer`] with the first array of a wrong length, [`Error::LayerValue`] where the BatchNorm has no finite
    /// scale and shift (a negative variance, say).
    pub fn new(shape: &ConvShape, norm: &BatchNorm, weight: Vec<f32>, bias: Vec<f32>) -> Result<Self, Error> {
        let ConvShape { name, batch_norm, inputs, outputs, kernel, relu } = shape.clone();
        for (what, values) in
            [("weight", &norm.weight), ("bias", &norm.bias), ("running_mean", &norm.mean), ("running_var", &norm.var)]
        {
            check_layer(&batch_norm, what, values.len(), inputs)?;
        }
        check_layer(&name, "weight", weight.len(), outputs * inputs * kernel * kernel)?;
        check_layer(&name, "bias", bias.len(), outputs)?;
        let mut scale = Vec::with_capacity(inputs);
        let mut shift = Vec::with_capacity(inputs);
        for (((&weight, &bias), &mean), &var) in norm.weight.iter().zip(&norm.bias).zip(&norm.mean).zip(&norm.var) {
            let factor = f64::from(weight) / (f64::from(var) + EPS).sqrt();
            scale.push(factor as f32);
            shift.push((f64::from(bias) - f64::from(mean) * factor) as f32);
        }
        if let Some(&value) = scale.iter().chain(&shift).find(|value| !value.is_finite()) {
            return Err(Error::LayerValue { layer: batch_norm, value });
        }
        Ok(Self { name, inputs, outputs, kernel, relu, scale, shift, weight, bias })
    }

    /// Name in the state dict, without `.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Side of the kernel: 1 or 3.
    pub fn kernel(&self) -> usize {
        self.kernel
    }

    /// Whether the normalised input is clipped at 0.
    pub fn relu(&self) -> bool {
        self.relu
    }

    /// Factor on each input channel.
    pub fn scale(&self) -> &[f32] {
        &self.scale
    }

    /// Offset of each input channel.
    pub fn shift(&self) -> &[f32] {
        &self.shift
    }

    /// Weights of shape [outputs, inputs, kernel, kernel].
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// Offset of each output channel.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// A projection of the style vector: `y = bias + weight * style`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    name: String,
    inputs: usize,
    outputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// A projection of `shape` from its arrays; `weight` has the shape [outputs, inputs].
    ///
    /// # Errors
    /// [`Error::Layer`] with the first array of a wrong length.
    pub fn new(shape: &LinearShape, weight: Vec<f32>, bias: Vec<f32>) -> Result<Self, Error> {
        let LinearShape { name, inputs, outputs } = shape.clone();
        check_layer(&name, "weight", weight.len(), outputs * inputs)?;
        check_layer(&name, "bias", bias.len(), outputs)?;
        Ok(Self { name, inputs, outputs, weight, bias })
    }

    /// Name in the state dict, without `.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Channels of the style vector.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Weights of shape [outputs, inputs].
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// Offset of each output channel.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }
}

/// A whole network whose layers fit each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    shape: Shape,
    convs: Vec<Conv>,
    linears: Vec<Linear>,
    diam_mean: f32,
    diam_labels: f32,
}

impl Network {
    /// A network from its layers, in the order of [`Shape::convs`] and [`Shape::linears`].
    ///
    /// `diam_mean` is the diameter in pixels that cells are resized to, `diam_labels` the mean diameter of the cells
    /// that the network was trained on.
    ///
    /// # Errors
    /// [`Error::LayerChannels`] for the first layer that does not fit, [`Error::NetworkShape`] for a wrong number of
    /// layers or a diameter that is not a number of pixels above 0.
    pub fn new(
        shape: Shape,
        convs: Vec<Conv>,
        linears: Vec<Linear>,
        diam_mean: f32,
        diam_labels: f32,
    ) -> Result<Self, Error> {
        let (conv_shapes, linear_shapes) = (shape.convs(), shape.linears());
        if convs.len() != conv_shapes.len() || linears.len() != linear_shapes.len() {
            let found = format!("{} convolutions and {} projections", convs.len(), linears.len());
            return Err(Error::NetworkShape { what: "layers", found, expected: "those of Shape::convs and linears" });
        }
        for (conv, expected) in convs.iter().zip(&conv_shapes) {
            let found = (conv.inputs, conv.outputs);
            check_channels(&conv.name, found, (expected.inputs, expected.outputs))?;
        }
        for (linear, expected) in linears.iter().zip(&linear_shapes) {
            let found = (linear.inputs, linear.outputs);
            check_channels(&linear.name, found, (expected.inputs, expected.outputs))?;
        }
        for (what, diameter) in [("diam_mean", diam_mean), ("diam_labels", diam_labels)] {
            if !(diameter.is_finite() && diameter > 0.0) {
                let found = diameter.to_string();
                return Err(Error::NetworkShape { what, found, expected: "a number of pixels above 0" });
            }
        }
        Ok(Self { shape, convs, linears, diam_mean, diam_labels })
    }

    /// The layout.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The convolutions, in the order of [`Shape::convs`].
    pub fn convs(&self) -> &[Conv] {
        &self.convs
    }

    /// The projections of the style, in the order of [`Shape::linears`].
    pub fn linears(&self) -> &[Linear] {
        &self.linears
    }

    /// Diameter in pixels that cells are resized to before the network sees them.
    pub fn diam_mean(&self) -> f32 {
        self.diam_mean
    }

    /// Mean diameter in pixels of the cells that the network was trained on.
    pub fn diam_labels(&self) -> f32 {
        self.diam_labels
    }
}

fn check_layer(layer: &str, what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Layer { layer: layer.into(), what, found, expected }) }
}

fn check_channels(layer: &str, found: (usize, usize), expected: (usize, usize)) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::LayerChannels {
        layer: layer.into(),
        found_in: found.0,
        found_out: found.1,
        expected_in: expected.0,
        expected_out: expected.1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_layout_has_the_published_counts() {
        let shape = Shape::new(vec![2, 32, 64, 128, 256], 3).unwrap();
        let (convs, linears) = (shape.convs(), shape.linears());
        // A convolution has 2 tensors and its BatchNorm 5, a projection 2; and there are two diameters.
        assert_eq!(convs.len() * 7 + linears.len() * 2 + 2, 313);
        assert_eq!(shape.parameters(), 6_600_845);
        let giga = shape.operations(224, 224) as f64 / 1e9;
        assert!((30.0..32.5).contains(&giga), "{giga} GFLOP");
    }

    #[test]
    fn silly_layouts_are_refused() {
        assert!(Shape::new(vec![2], 3).is_err());
        assert!(Shape::new(vec![2, 0], 3).is_err());
        assert!(Shape::new(vec![2, 1 << 40], 3).is_err());
        assert!(Shape::new(vec![2; 20], 3).is_err());
    }
}
