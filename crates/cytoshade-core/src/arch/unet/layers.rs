//! The layers of the U-Net: their order, and their names in the state dict.

use super::UNet;
use crate::{BatchNorm, Conv, ConvId, ConvShape, Error, Linear, LinearId};

/// Convolutions of a level, down and up together: twice `proj` and `conv_0` to `conv_3`.
pub(super) const CONVS_OF_LEVEL: usize = 10;

/// One convolution of a [`UNet`] and its BatchNorm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvLayer {
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
    /// Whether a ReLU lies between the BatchNorm and the convolution; `proj` has none.
    pub relu: bool,
}

/// One matrix of a [`UNet`], which maps the style to an offset of each channel (`full` in the reference).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinearLayer {
    /// Name in the state dict, without `.weight`.
    pub name: String,
    /// Channels of the style vector.
    pub inputs: usize,
    /// Channels of the map to which the result is added.
    pub outputs: usize,
}

impl ConvLayer {
    fn new(at: &str, inputs: usize, outputs: usize, kernel: usize, relu: bool) -> Self {
        // A Sequential of BatchNorm (0), ReLU (1) and Conv (2); without a ReLU the Conv is 1.
        let conv = if relu { 2 } else { 1 };
        Self { batch_norm: format!("{at}.0"), name: format!("{at}.{conv}"), inputs, outputs, kernel, relu }
    }

    /// The convolution with its values: `weight` of shape [outputs, inputs, kernel, kernel], `bias` of shape `[outputs]`.
    ///
    /// # Errors
    /// As [`BatchNorm::fold`] and [`Conv::new`].
    pub fn conv(&self, norm: &BatchNorm, weight: Vec<f32>, bias: Vec<f32>) -> Result<Conv, Error> {
        let &Self { inputs, outputs, kernel, relu, .. } = self;
        let prologue = norm.fold(&self.batch_norm, inputs, relu)?;
        Conv::new(&self.name, ConvShape { inputs, outputs, kernel }, prologue, weight, bias)
    }
}

impl LinearLayer {
    /// The matrix with its values: `weight` of shape [outputs, inputs], `bias` of shape `[outputs]`.
    ///
    /// # Errors
    /// As [`Linear::new`].
    pub fn linear(&self, weight: Vec<f32>, bias: Vec<f32>) -> Result<Linear, Error> {
        Linear::new(&self.name, self.inputs, self.outputs, weight, bias)
    }
}

impl UNet {
    /// Every convolution: for each down level `proj` and `conv_0` to `conv_3`, for each up level the same, then the
    /// output.
    pub fn convs(&self) -> Vec<ConvLayer> {
        let mut convs = Vec::new();
        for n in 0..self.levels() {
            let (inputs, outputs) = (self.nbase[n], self.nbase[n + 1]);
            let at = format!("downsample.down.res_down_{n}");
            convs.push(ConvLayer::new(&format!("{at}.proj"), inputs, outputs, 1, false));
            for t in 0..4 {
                let inputs = if t == 0 { inputs } else { outputs };
                convs.push(ConvLayer::new(&format!("{at}.conv.conv_{t}"), inputs, outputs, 3, true));
            }
        }
        for n in 0..self.levels() {
            let (inputs, outputs) = self.up_channels(n);
            let at = format!("upsample.up.res_up_{n}");
            convs.push(ConvLayer::new(&format!("{at}.proj"), inputs, outputs, 1, false));
            convs.push(ConvLayer::new(&format!("{at}.conv.conv_0"), inputs, outputs, 3, true));
            for t in 1..4 {
                convs.push(ConvLayer::new(&format!("{at}.conv.conv_{t}.conv"), outputs, outputs, 3, true));
            }
        }
        convs.push(ConvLayer::new("output", self.nbase[1], self.nout, 1, true));
        convs
    }

    /// Every matrix: three for each up level, those of `conv_1` to `conv_3`.
    pub fn linears(&self) -> Vec<LinearLayer> {
        let layers = (0..self.levels()).flat_map(|n| (1..4).map(move |t| (n, t)));
        let linear = |(n, t): (usize, usize)| LinearLayer {
            name: format!("upsample.up.res_up_{n}.conv.conv_{t}.full"),
            inputs: self.style_channels(),
            outputs: self.up_channels(n).1,
        };
        layers.map(linear).collect()
    }

    /// Channels of up level `n`'s input and output.
    pub(super) fn up_channels(&self, n: usize) -> (usize, usize) {
        (self.nbase[(n + 2).min(self.levels())], self.nbase[n + 1])
    }

    pub(super) fn up_proj(&self, n: usize) -> ConvId {
        ConvId::new(5 * (self.levels() + n))
    }

    pub(super) fn up_conv(&self, n: usize, t: usize) -> ConvId {
        ConvId::new(5 * (self.levels() + n) + 1 + t)
    }

    pub(super) fn output(&self) -> ConvId {
        ConvId::new(CONVS_OF_LEVEL * self.levels())
    }
}

pub(super) fn down_proj(n: usize) -> ConvId {
    ConvId::new(5 * n)
}

pub(super) fn down_conv(n: usize, t: usize) -> ConvId {
    ConvId::new(5 * n + 1 + t)
}

/// The matrix of up level `n`'s `conv_t`, for `t` from 1 to 3.
pub(super) fn up_full(n: usize, t: usize) -> LinearId {
    LinearId::new(3 * n + t - 1)
}
