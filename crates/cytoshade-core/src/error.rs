//! What can be wrong with an image, a parameter or a network's shape.

/// Everything that this crate refuses. Each message says what was found, what was expected and what to do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The sample buffer does not hold `channels * height * width` values.
    #[error(
        "the sample buffer holds {found} values, but {channels} x {height} x {width} (channels x height x width) needs {expected}; \
         pass the buffer's true shape"
    )]
    SampleCount {
        /// Values in the buffer.
        found: usize,
        /// Values that the shape needs, or `usize::MAX` where the product overflows.
        expected: usize,
        /// Channels asked for.
        channels: usize,
        /// Height asked for, in pixels.
        height: usize,
        /// Width asked for, in pixels.
        width: usize,
    },
    /// The image has no pixels, or a single row or column.
    #[error("the image is {height} x {width} pixels (height x width); both sides must be at least 2 pixels")]
    ImageTooSmall {
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// Pixels of a type that this version does not read.
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
    /// Layers that were to be a stack are not alike.
    #[error(
        "z-slice {slice} (counted from 0) is {} x {} x {} (channels x height x width), but the first is {} x {} x {}; all z-slices \
         of a stack must be alike: segment them as images",
        found[0], found[1], found[2], expected[0], expected[1], expected[2]
    )]
    SlicesDiffer {
        /// The first z-slice that differs, from 0.
        slice: usize,
        /// Its channels, height and width.
        found: [usize; 3],
        /// Those of the first z-slice.
        expected: [usize; 3],
    },
    /// The stack is too shallow for 3-D dynamics, or too large for them.
    #[error(
        "the stack is {} x {} x {} (depth x height x width) where its flows are followed; 3-D masks need at least 2 on each \
         side and at most {limit} voxels in all: segment its z-slices with stitch_threshold, or change diameter or anisotropy",
        size[0], size[1], size[2]
    )]
    StackSize {
        /// Depth, height and width.
        size: [usize; 3],
        /// The limit, in voxels.
        limit: usize,
    },
    /// A sample is NaN, infinite or outside of what f32 can hold.
    #[error(
        "the image holds {value} in channel {channel} at row {y}, column {x} (counted from 0); \
         every sample must be a finite number that fits f32: replace such samples before segmenting"
    )]
    NotFinite {
        /// The value as it would print.
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
        /// What was asked for, 1-based.
        chan: usize,
        /// Channels in the image.
        channels: usize,
        /// What 0 stands for in this place.
        zero_means: &'static str,
    },
    /// A parameter is out of its range.
    #[error("{name} is {found}; expected {expected}")]
    Param {
        /// The parameter's name, as in [`crate::Params`].
        name: &'static str,
        /// What was found.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// No parameter has this name.
    #[error("{name} is not a parameter; see cytoshade_core::Params::PLAIN for their names")]
    NoSuchParam {
        /// The name.
        name: String,
    },
    /// The image would have no pixels left after the resize to the model's diameter.
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
    /// The image would be enlarged past what can be addressed or afforded.
    #[error(
        "a diameter of {diameter} pixels enlarges the {height} x {width} image (height x width) to {to_height} x {to_width}, \
         over the limit of {limit} pixels; give a larger diameter or a smaller image"
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
    /// A layer's arrays do not fit each other.
    #[error("{layer}: {what} has {found} values, expected {expected}; the weights are damaged or not of this network")]
    Layer {
        /// The layer's name in the state dict.
        layer: String,
        /// Which of its arrays.
        what: &'static str,
        /// Values found.
        found: usize,
        /// Values expected.
        expected: usize,
    },
    /// A BatchNorm that maps a finite input to no finite output.
    #[error(
        "{layer} has a scale or shift of {value}; its running variance must not be negative: the weights are damaged"
    )]
    LayerValue {
        /// The layer's name in the state dict.
        layer: String,
        /// The scale or shift.
        value: f32,
    },
    /// A layer's sizes are not those of its operation in the plan.
    #[error(
        "{layer} has a kernel of {}, {} inputs and {} outputs, expected {}, {} and {}; the weights are not of one network",
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
    /// No backend could run an operation of a plan.
    #[error("operation {operation} of the network's plan (counted from 1) {found}; expected {expected}")]
    Plan {
        /// The operation, from 1; 0 is the plan's input, one past the last its results.
        operation: usize,
        /// What was found, as a predicate.
        found: String,
        /// What every plan keeps.
        expected: &'static str,
    },
    /// The tiles that were asked for do not suit the network.
    #[error(
        "tiles of {side} pixels do not suit the network: their side must be a multiple of {padding} (to which planes are padded), and \
         that a multiple of {multiple}; choose another side of a tile, or another network"
    )]
    TileSide {
        /// Side of the tiles in pixels.
        side: usize,
        /// What the sides of planes are padded to a multiple of.
        padding: usize,
        /// What the sides of the network's tiles are multiples of.
        multiple: usize,
    },
    /// The network's overall shape is out of range.
    #[error("the network's {what} is {found}; expected {expected}")]
    NetworkShape {
        /// Which property.
        what: &'static str,
        /// What was found.
        found: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// The network gives too few outputs for masks.
    #[error(
        "the network has {outputs} outputs and no flows; segmentation needs dY, dX and cellprob: give a segmentation model"
    )]
    NotSegmentation {
        /// Channels of the network's output.
        outputs: usize,
    },
    /// The caller cancelled.
    #[error("cancelled")]
    Cancelled,
}
