//! Convolutions and matrices with their values.

use crate::Error;

/// `eps` of every BatchNorm: PyTorch's default, which the reference keeps.
const EPS: f64 = 1e-5;

/// The sizes of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvShape {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the kernel: 1 or 3.
    pub kernel: usize,
}

/// The function that a convolution applies to its input: `f(x) = scale * x + shift`, then a ReLU if `relu`.
#[derive(Clone, Debug, PartialEq)]
pub struct Prologue {
    /// Factor on each input channel.
    pub scale: Vec<f32>,
    /// Offset of each input channel.
    pub shift: Vec<f32>,
    /// Whether negative values become 0.
    pub relu: bool,
}

impl Prologue {
    /// The identity on `inputs` channels, followed by a ReLU if `relu`.
    pub fn plain(inputs: usize, relu: bool) -> Self {
        Self { scale: vec![1.0; inputs], shift: vec![0.0; inputs], relu }
    }
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

impl BatchNorm {
    /// Folds the BatchNorm `name` of `channels` channels into a scale and a shift.
    ///
    /// `scale = weight / sqrt(var + 1e-5)` and `shift = bias - mean * scale`, computed in f64. `relu` passes to the
    /// result.
    ///
    /// # Errors
    /// [`Error::Layer`] with the first vector of another length, [`Error::LayerValue`] if a scale or shift is not finite
    /// (for example, because a variance is negative).
    pub fn fold(&self, name: &str, channels: usize, relu: bool) -> Result<Prologue, Error> {
        for (what, values) in
            [("weight", &self.weight), ("bias", &self.bias), ("running_mean", &self.mean), ("running_var", &self.var)]
        {
            check_len(name, what, values.len(), channels)?;
        }
        let mut scale = Vec::with_capacity(channels);
        let mut shift = Vec::with_capacity(channels);
        for (((&weight, &bias), &mean), &var) in self.weight.iter().zip(&self.bias).zip(&self.mean).zip(&self.var) {
            let factor = f64::from(weight) / (f64::from(var) + EPS).sqrt();
            scale.push(factor as f32);
            shift.push((f64::from(bias) - f64::from(mean) * factor) as f32);
        }
        if let Some(&value) = scale.iter().chain(&shift).find(|value| !value.is_finite()) {
            return Err(Error::LayerValue { layer: name.into(), value });
        }
        Ok(Prologue { scale, shift, relu })
    }
}

/// A convolution with zero padding and stride 1, and the prologue on its input.
///
/// `y = bias + sum over the kernel and the inputs of weight * f(x)`, with the [`Prologue`] `f`. Outside of the map
/// `f(x)` is 0: the padding applies after the prologue.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    name: String,
    shape: ConvShape,
    prologue: Prologue,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Conv {
    /// A convolution from its values: `weight` of shape [outputs, inputs, kernel, kernel], `bias` of shape `[outputs]`.
    ///
    /// # Errors
    /// [`Error::Layer`] with the first array of another length.
    pub fn new(
        name: impl Into<String>,
        shape: ConvShape,
        prologue: Prologue,
        weight: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, Error> {
        let (name, ConvShape { inputs, outputs, kernel }) = (name.into(), shape);
        check_len(&name, "scale", prologue.scale.len(), inputs)?;
        check_len(&name, "shift", prologue.shift.len(), inputs)?;
        let weights = outputs.saturating_mul(inputs).saturating_mul(kernel).saturating_mul(kernel);
        check_len(&name, "weight", weight.len(), weights)?;
        check_len(&name, "bias", bias.len(), outputs)?;
        Ok(Self { name, shape, prologue, weight, bias })
    }

    /// Name in the model file, without `.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Input channels.
    pub fn inputs(&self) -> usize {
        self.shape.inputs
    }

    /// Output channels.
    pub fn outputs(&self) -> usize {
        self.shape.outputs
    }

    /// Side of the kernel.
    pub fn kernel(&self) -> usize {
        self.shape.kernel
    }

    /// Whether the prologue ends in a ReLU.
    pub fn relu(&self) -> bool {
        self.prologue.relu
    }

    /// The prologue's factor on each input channel.
    pub fn scale(&self) -> &[f32] {
        &self.prologue.scale
    }

    /// The prologue's offset of each input channel.
    pub fn shift(&self) -> &[f32] {
        &self.prologue.shift
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

/// A matrix and a bias: `y = bias + weight * x`.
#[derive(Clone, Debug, PartialEq)]
pub struct Linear {
    name: String,
    inputs: usize,
    outputs: usize,
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// A matrix of shape [outputs, inputs] and a bias of `outputs` values.
    ///
    /// # Errors
    /// [`Error::Layer`] with the first array of another length.
    pub fn new(
        name: impl Into<String>,
        inputs: usize,
        outputs: usize,
        weight: Vec<f32>,
        bias: Vec<f32>,
    ) -> Result<Self, Error> {
        let name = name.into();
        check_len(&name, "weight", weight.len(), outputs.saturating_mul(inputs))?;
        check_len(&name, "bias", bias.len(), outputs)?;
        Ok(Self { name, inputs, outputs, weight, bias })
    }

    /// Name in the model file, without `.weight`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Length of the input.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Length of the output.
    pub fn outputs(&self) -> usize {
        self.outputs
    }

    /// Weights of shape [outputs, inputs].
    pub fn weight(&self) -> &[f32] {
        &self.weight
    }

    /// Offset of each output.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }
}

fn check_len(layer: &str, what: &'static str, found: usize, expected: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Layer { layer: layer.into(), what, found, expected }) }
}
