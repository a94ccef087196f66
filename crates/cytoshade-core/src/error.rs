//! The errors of images, parameters and networks.

/// The errors of this crate. Each message states the fault, the expected values and the remedy.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sample buffer does not hold `channels * height * width` values.
    #[error(
        "the sample buffer holds {found} values, but {channels} x {height} x {width} (channels x height x width) needs \
         {expected}; pass the buffer's true shape"
    )]
    SampleCount {
        /// Values in the buffer.
        found: usize,
        /// Values that the shape needs, or `usize::MAX` if the product overflows.
        expected: usize,
        /// Number of channels.
        channels: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// A side of the image is under 2 pixels.
    #[error("the image is {height} x {width} pixels (height x width); both sides must be at least 2 pixels")]
    ImageTooSmall {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// The image's pixels have a type that this version does not read.
    #[error("the image holds pixels of the type {found}; convert them to 8 or 16 bits or to 32-bit floats first")]
    PixelType {
        /// The type's name.
        found: String,
    },
    /// The image has no channels.
    #[error("the image has no channels; at least one is needed")]
    NoChannels,
    /// The stack has no z-slices.
    #[error("the stack has no z-slices; at least one is needed")]
    NoSlices,
    /// The z-slices of a stack differ in size or channels.
    #[error(
        "z-slice {slice} (counted from 0) is {} x {} x {} (channels x height x width), but the first is {} x {} x {}; \
         all z-slices of a stack must have one size: segment these as images",
        found[0], found[1], found[2], expected[0], expected[1], expected[2]
    )]
    SlicesDiffer {
        /// The first z-slice that differs, from 0.
        slice: usize,
        /// Its channels, height and width.
        found: [usize; 3],
        /// The channels, height and width of the first z-slice.
        expected: [usize; 3],
    },
    /// The stack is too small or too large for 3-D dynamics.
    #[error(
        "3-D dynamics would run on {} x {} x {} voxels (depth x height x width); they need at least 2 on each side and at most \
         {limit} in all: segment the z-slices with stitch_threshold, or change diameter or anisotropy",
        size[0], size[1], size[2]
    )]
    StackSize {
        /// Depth, height and width.
        size: [usize; 3],
        /// The limit, in voxels.
        limit: usize,
    },
    /// A sample is NaN, infinite or out of the range of f32.
    #[error(
        "the image holds {value} in channel {channel} at row {y}, column {x} (counted from 0); \
         every sample must be a finite number in the range of f32: replace such samples before segmenting"
    )]
    NotFinite {
        /// The value as text.
        value: String,
        /// Channel, from 0.
        channel: usize,
        /// Row, from 0.
        y: usize,
        /// Column, from 0.
        x: usize,
    },
    /// `chan` or `chan2` names a channel that the image does not have.
    #[error("{name} is {chan}, but the image has {channels} channels; use 1 to {channels}, or 0 for {zero_means}")]
    NoSuchChannel {
        /// `chan` or `chan2`.
        name: &'static str,
        /// The requested channel, from 1.
        chan: usize,
        /// Channels in the image.
        channels: usize,
        /// The meaning of 0 for this parameter.
        zero_means: &'static str,
    },
    /// A parameter is out of its range.
    #[error("{name} is {found}; expected {expected}")]
    Param {
        /// The parameter's name, as in [`crate::Params`].
        name: &'static str,
        /// The value that was found.
        found: String,
        /// The accepted values.
        expected: &'static str,
    },
    /// No parameter has this name.
    #[error("no parameter is named {name}; cytoshade_core::Params::PLAIN lists the names")]
    NoSuchParam {
        /// The name.
        name: String,
    },
    /// The resize to the model's diameter would leave no pixels.
    #[error(
        "a diameter of {diameter} pixels shrinks the {height} x {width} image (height x width) to {to_height} x {to_width}; \
         give a smaller diameter"
    )]
    ResizedAway {
        /// Diameter in pixels.
        diameter: f32,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Height after the resize.
        to_height: usize,
        /// Width after the resize.
        to_width: usize,
    },
    /// The image has too many pixels, before or after the resize to the model's diameter.
    #[error(
        "the image has {height} x {width} pixels (height x width), and {to_height} x {to_width} at the network's size \
         for a diameter of {diameter} pixels; the limit is {limit} pixels; give a smaller image or a larger diameter, or \
         raise the limit with --limits pixels=N (`Params::max_pixels`), at most 4294967295"
    )]
    TooManyPixels {
        /// Diameter in pixels.
        diameter: f32,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
        /// Height after the resize.
        to_height: usize,
        /// Width after the resize.
        to_width: usize,
        /// The limit, in pixels.
        limit: usize,
    },
    /// An array of a layer has another length than the layer's sizes require.
    #[error(
        "{layer}: {what} has {found} values, expected {expected}; the weights are damaged or belong to another network"
    )]
    Layer {
        /// The layer's name in the model file.
        layer: String,
        /// The array's name.
        what: &'static str,
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
    },
    /// The scale or shift of a BatchNorm is not finite.
    #[error(
        "{layer} has a scale or shift of {value}; its running variance must not be negative: the weights are damaged"
    )]
    LayerValue {
        /// The layer's name in the model file.
        layer: String,
        /// The scale or shift.
        value: f32,
    },
    /// A layer's sizes are not those of its operation in the plan.
    #[error(
        "{layer} has a kernel of {}, {} inputs and {} outputs, expected {}, {} and {}; the weights belong to another \
         network",
        found[0], found[1], found[2], expected[0], expected[1], expected[2]
    )]
    LayerShape {
        /// The layer's name in the model file.
        layer: String,
        /// Kernel, inputs and outputs found.
        found: [usize; 3],
        /// Kernel, inputs and outputs that the plan needs.
        expected: [usize; 3],
    },
    /// The plan names weights that the network does not have.
    #[error(
        "the network's plan names {kind} {index} (counted from 0), which its weights lack; give the weights of this plan"
    )]
    NoSuchWeights {
        /// The kind of the weights: a convolution or a matrix.
        kind: &'static str,
        /// The index that the plan names.
        index: usize,
    },
    /// A shortcut's convolution has a ReLU.
    #[error("{layer} has a ReLU; a shortcut is a 1x1 convolution without one")]
    ShortcutRelu {
        /// The layer's name in the model file.
        layer: String,
    },
    /// An operation breaks a rule of plans, so that no backend can run it.
    #[error("operation {operation} of the network's plan (counted from 1) {found}; expected {expected}")]
    Plan {
        /// The operation, from 1; 0 stands for the plan's tensors, one past the last for its results.
        operation: usize,
        /// The fault, as the predicate of the message.
        found: String,
        /// The rule that it breaks.
        expected: &'static str,
    },
    /// The requested side of a tile does not suit the network.
    #[error(
        "tiles of {side} x {side} pixels do not suit the network: their side must be a multiple of {padding}, to which \
         planes are padded, and {padding} a multiple of {multiple}; choose another bsize, or another network"
    )]
    TileSide {
        /// Side of the tiles in pixels.
        side: usize,
        /// The sides of planes are padded to a multiple of this.
        padding: usize,
        /// The sides of the network's tiles are multiples of this.
        multiple: usize,
    },
    /// A property of the network is out of range.
    #[error("the network's {what} is {found}; expected {expected}")]
    NetworkShape {
        /// The property.
        what: &'static str,
        /// The value that was found.
        found: String,
        /// The accepted values.
        expected: &'static str,
    },
    /// The network has no flows among its outputs.
    #[error(
        "the network has {outputs} outputs and no flows; segmentation needs dY, dX and cellprob: give a segmentation model"
    )]
    NotSegmentation {
        /// Channels of the network's output.
        outputs: usize,
    },
    /// The caller cancelled the run.
    #[error("cancelled")]
    Cancelled,
}
