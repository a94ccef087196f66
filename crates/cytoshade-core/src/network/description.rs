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
    /// How planes become tiles.
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
    /// Which of them are flows and cell probability; the others are classes. `None` for networks that do not segment.
    pub flows: Option<FlowChannels>,
}

/// Which channels of an output the dynamics read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowChannels {
    /// Flow along Y.
    pub dy: usize,
    /// Flow along X.
    pub dx: usize,
    /// Cell probability, as a logit.
    pub cellprob: usize,
}

/// How planes become tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TileRule {
    /// The network takes tiles whose sides are multiples of this.
    pub multiple: usize,
    /// The reference pads the sides of a plane to a multiple of this; see [`Pad::new`](crate::tiling::Pad::new).
    pub padding: usize,
    /// Side of a tile in pixels unless [`Params::bsize`](crate::Params::bsize) says otherwise.
    pub side: usize,
}

/// The size at which a network expects cells; see [`Rescale`](crate::rescale::Rescale).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RescaleRule {
    /// Diameter in pixels to which cells are resized before they enter the network.
    pub diam_mean: f32,
    /// Mean diameter in pixels of the cells of the training images: the diameter of an image if none is given.
    pub diam_labels: f32,
}

impl OutputChannels {
    /// The channels in the order in which the pipelines keep them: dY, dX, cell probability, then the classes.
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
    /// The side of a tile: `bsize`, or the network's own if there is none.
    ///
    /// # Errors
    /// [`Error::TileSide`] if the sides of tiles and padded planes would not suit the network.
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
