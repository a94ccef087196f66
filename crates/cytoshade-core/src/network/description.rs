//! The description of a network for the pipelines.

use crate::Error;

/// The properties of a network that the pipelines use: its inputs, outputs and sizes.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Name of the architecture, such as "U-Net".
    pub architecture: &'static str,
    /// Channels of the input.
    pub inputs: usize,
    /// Channels of the output and their meaning.
    pub outputs: OutputChannels,
    /// The rule by which planes are cut into tiles.
    pub tile: TileRule,
    /// Channels of the style vector. `None` if the network has none.
    pub style: Option<usize>,
    /// The size at which the network expects cells.
    pub rescale: RescaleRule,
}

/// The channels of a network's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputChannels {
    /// Number of channels.
    pub count: usize,
    /// The channels of the flows and the cell probability; the others are classes. `None` for networks that do not
    /// segment.
    pub flows: Option<FlowChannels>,
}

/// The output channels that the dynamics read, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowChannels {
    /// Flow along Y.
    pub dy: usize,
    /// Flow along X.
    pub dx: usize,
    /// Cell probability, as a logit.
    pub cellprob: usize,
}

/// The rule by which planes are cut into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRule {
    /// The sides of the network's tiles are multiples of this, in pixels.
    pub multiple: usize,
    /// The sides of planes are padded to a multiple of this, in pixels; see [`Pad::new`](crate::tiling::Pad::new).
    pub padding: usize,
    /// Side of a tile in pixels if [`Params::bsize`](crate::Params::bsize) is unset.
    pub side: usize,
}

/// The size at which a network expects cells; see [`Rescale`](crate::rescale::Rescale).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RescaleRule {
    /// Diameter in pixels to which cells are resized before they enter the network.
    pub diam_mean: f32,
    /// Mean diameter in pixels of the cells in the training images; the diameter of an image if none is given or
    /// estimated.
    pub diam_labels: f32,
}

impl OutputChannels {
    /// The channels in the pipelines' order: dY, dX, cell probability, then the classes.
    ///
    /// `None` for networks that do not segment.
    pub fn segmentation_order(&self) -> Option<Vec<usize>> {
        let FlowChannels { dy, dx, cellprob } = self.flows?;
        let first = [dy, dx, cellprob];
        let classes = (0..self.count).filter(|channel| !first.contains(channel));
        Some(first.into_iter().chain(classes).collect())
    }
}

impl TileRule {
    /// The side of a tile in pixels: `bsize`, or the network's own if `bsize` is `None`.
    ///
    /// # Errors
    /// [`Error::TileSide`] unless the side is a multiple of `padding`, and `padding` one of `multiple`.
    pub fn side(&self, bsize: Option<usize>) -> Result<usize, Error> {
        let TileRule { multiple, padding, side } = *self;
        let side = bsize.unwrap_or(side);
        if side == 0 || !side.is_multiple_of(padding) || !padding.is_multiple_of(multiple) {
            return Err(Error::TileSide { side, padding, multiple });
        }
        Ok(side)
    }
}

impl Description {
    /// Checks the ranges of the properties.
    ///
    /// # Errors
    /// [`Error::NetworkShape`] with the first property that is out of range.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |what, found: String, expected| Err(Error::NetworkShape { what, found, expected });
        let OutputChannels { count, flows } = self.outputs;
        if let Some(FlowChannels { dy, dx, cellprob }) = flows {
            let distinct = dy != dx && dx != cellprob && cellprob != dy;
            if !distinct || [dy, dx, cellprob].iter().any(|&channel| channel >= count) {
                let found = format!("{dy}, {dx} and {cellprob} of {count}");
                return refuse("flow channels", found, "three different channels of the output");
            }
        }
        let TileRule { multiple, padding, side } = self.tile;
        if multiple == 0 || padding == 0 || side == 0 {
            return refuse("tile rule", format!("{:?}", self.tile), "numbers of pixels above 0");
        }
        let RescaleRule { diam_mean, diam_labels } = self.rescale;
        for (what, diameter) in [("diam_mean", diam_mean), ("diam_labels", diam_labels)] {
            if !(diameter.is_finite() && diameter > 0.0) {
                return refuse(what, diameter.to_string(), "a number of pixels above 0");
            }
        }
        Ok(())
    }
}
