//! The parameters of a segmentation: those of the reference's `CellposeModel.eval`, under its names.

mod declare;

use crate::Error;
pub use declare::{ParamInfo, ParamKind, ParamValue};
use declare::{Parameter, declare_params};

/// The image's channels that the network reads, numbered as in Cellpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
pub struct Channels {
    /// The channel to segment: 0 is the mean of all channels ("grey"), 1 to C name a channel.
    pub chan: usize,
    /// The second (nuclear) channel: 0 is none (zeros), 1 to C name a channel. As in the reference, it is ignored if
    /// `chan` is 0.
    pub chan2: usize,
}

/// `[chan, chan2]`, as in the reference.
impl From<[usize; 2]> for Channels {
    fn from([chan, chan2]: [usize; 2]) -> Self {
        Self { chan, chan2 }
    }
}

/// The mapping of intensities before they enter the network.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Normalize {
    /// Maps the `low` percentile of each channel to 0 and the `high` percentile to 1 (0 <= low < high <= 100). A channel
    /// whose two percentiles differ by 1e-3 or less becomes 0.
    Percentile {
        /// Lower percentile, 1 in the reference.
        low: f32,
        /// Upper percentile, 99 in the reference.
        high: f32,
    },
    /// Maps the intensity `low` of each channel to 0 and `high` to 1 (`lowhigh` in the reference). As there, smoothing,
    /// sharpening and tiles do not apply.
    Range {
        /// Intensity that becomes 0.
        low: f64,
        /// Intensity that becomes 1.
        high: f64,
    },
    /// [`Normalize::Range`] with a low and a high intensity for each input channel of the network.
    Ranges(Vec<(f64, f64)>),
    /// Keeps the intensities. Smoothing, sharpening, tiles and inversion do not apply.
    Off,
}

/// The outputs of a segmentation beside the labels. Off by default: each costs memory, and on a GPU a read-back.
///
/// ```
/// use cytoshade_core::{Outputs, Params};
/// let params = Params::new().outputs(Outputs::new().flows(true).cellprob(true));
/// assert!(params.outputs.flows && !params.outputs.style);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
#[non_exhaustive]
pub struct Outputs {
    /// The flows: (dY, dX) of shape [2, height, width]; of a stack [2, depth, height, width], in 3-D (dZ, dY, dX) of
    /// [3, depth, height, width].
    pub flows: bool,
    /// The cell probability (a logit), of shape [1, height, width]; of a stack [1, depth, height, width].
    pub cellprob: bool,
    /// The style vector, if the network has one; of a stack one for each z-slice, in 3-D one for each plane along X.
    pub style: bool,
    /// The network's outputs beside dY, dX and cell probability, if it has any. Not for stacks.
    pub classes: bool,
}

impl Outputs {
    /// All outputs.
    pub const ALL: Outputs = Outputs { flows: true, cellprob: true, style: true, classes: true };

    /// Nothing but the labels.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Outputs::flows`](#structfield.flows).
    pub fn flows(mut self, flows: bool) -> Self {
        self.flows = flows;
        self
    }

    /// Sets [`Outputs::cellprob`](#structfield.cellprob).
    pub fn cellprob(mut self, cellprob: bool) -> Self {
        self.cellprob = cellprob;
        self
    }

    /// Sets [`Outputs::style`](#structfield.style).
    pub fn style(mut self, style: bool) -> Self {
        self.style = style;
        self
    }

    /// Sets [`Outputs::classes`](#structfield.classes).
    pub fn classes(mut self, classes: bool) -> Self {
        self.classes = classes;
        self
    }
}

/// Limit on the steps of the integration, which bounds its time.
const MAX_NITER: u32 = 1_000_000;

/// Default of [`Params::max_pixels`]: a plane of 4 GiB.
const MAX_PIXELS: usize = 1 << 30;

/// Limit on radii in pixels and standard deviations in voxels.
const MAX_RADIUS: f64 = 10_000.0;

fn is_radius(value: f64) -> bool {
    (0.0..=MAX_RADIUS).contains(&value)
}

declare_params! {
    /// The parameters of a segmentation. The defaults are the reference's.
    ///
    /// ```
    /// use cytoshade_core::Params;
    /// let params = Params::new().diameter(45.0).flow_threshold(0.6);
    /// params.check()?;
    /// # Ok::<(), cytoshade_core::Error>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(default))]
    #[non_exhaustive]
    pub struct Params {
        structured {
            /// The input channels of the network.
            channels: Channels = Channels::default();
            /// The mapping of intensities.
            normalize: Normalize = Normalize::Percentile { low: 1.0, high: 99.0 };
            /// The outputs beside the labels.
            outputs: Outputs = Outputs::default();
        }
        plain {
            /// Take the image's first channels in their order, as many as the network has inputs, instead of the chosen
            /// ones: for networks that were trained in this way.
            all_channels: bool = false;
            /// Invert normalized intensities (1 - value), for dark cells on a bright background. As in the reference this
            /// has no effect together with percentiles of tiles.
            invert: bool = false;
            /// Radius in pixels of a Gaussian surround that is subtracted before normalization; 1/8 to 1/4 of a diameter is
            /// recommended. 0 is off.
            sharpen_radius: f32 = 0.0, in "0 to 10,000" if |radius| is_radius(radius.into());
            /// Radius in pixels of a Gaussian that smooths before normalization; 1/10 to 1/4 of a diameter is recommended.
            /// 0 is off.
            smooth_radius: f32 = 0.0, in "0 to 10,000" if |radius| is_radius(radius.into());
            /// Side in pixels, larger than a cell, of tiles that are normalized by their own percentiles, so that dark
            /// regions become as bright as others. 0 takes percentiles of the whole image.
            tile_norm_blocksize: usize = 0, in "0 (off) or a side of 2 pixels and more" if |side| side != 1;
            /// Standard deviation, in tiles, of a Gaussian that smooths the percentiles of tiles. As in the reference
            /// it smooths along Y, on single images too; 0 counts as 1. Without norm3d it is not used.
            tile_norm_smooth3d: f32 = 1.0, in "0 to 10,000" if |radius| is_radius(radius.into());
            /// Normalize all z-slices of a stack together (true) or each on its own (false). As in the reference, a
            /// segmentation in 3-D always has it on, and one of z-slices without stitching always off.
            norm3d: bool = true;
            /// Mean diameter of the cells in the image, in pixels. If unset, the size model estimates it; without
            /// one it is the mean diameter of the network's training images.
            diameter: Option<f32> = None, in "a number of pixels above 0" if |d: f32| d.is_finite() && d > 0.0;
            /// Run the dynamics at the image's size (true), or at the network's and enlarge the masks afterwards (false).
            resample: bool = true;
            /// Side of a tile in pixels: a multiple of 16, from 32 to 4096. If unset, the network's own, 224 for U-Nets.
            bsize: Option<usize> = None, in "a multiple of 16 from 32 to 4096"
                if |side: usize| (32..=4096).contains(&side) && side.is_multiple_of(16);
            /// Minimum overlap of neighbouring tiles as a fraction of a tile, 0.05 to 0.5. Not used with augmentation.
            tile_overlap: f64 = 0.1, in "a fraction from 0.05 to 0.5" if |part| (0.05..=0.5).contains(&part);
            /// Average over flipped, half-overlapping tiles: about two to four times as many as with the default
            /// overlap.
            augment: bool = false;
            /// Tiles that run through the network together, 1 to 4096.
            batch_size: usize = 8, in "1 to 4096 tiles" if |tiles| (1..=4096).contains(&tiles);
            /// Label the cells. If off, only the outputs beside the labels are computed, and every label is 0.
            compute_masks: bool = true;
            /// Steps of the Euler integration. If unset, 200, divided by the factor of the resize if the dynamics run
            /// at the image's own size.
            niter: Option<u32> = None, in "1 to 1,000,000 steps" if |steps| (1..=MAX_NITER).contains(&steps);
            /// Interpolate the flows bilinearly between pixels during the integration.
            interp: bool = true;
            /// Pixels with a cell probability (a logit, about -6 to 6) above this are active; lower values find more cells.
            cellprob_threshold: f32 = 0.0, in "a finite number" if f32::is_finite;
            /// Drop masks whose flows differ from the network's by a mean squared error above this. 0 keeps all.
            flow_threshold: f64 = 0.4, in "0 (keep all) or a number above it" if |t: f64| t.is_finite() && t >= 0.0;
            /// Drop masks that cover more than this fraction of the image, or in 3-D of the stack.
            max_size_fraction: f64 = 0.4, in "a fraction above 0, at most 1" if |part| part > 0.0 && part <= 1.0;
            /// Drop masks of fewer pixels than this. 0 keeps all.
            min_size: usize = 15;
            /// Segment a stack in 3-D: the network runs on the planes along Z, Y and X, and the dynamics follow the sum of
            /// their flows. Tiles then have the network's own side, and the flow threshold is not used.
            do_3d: bool = false;
            /// In 3-D: distance of z-slices in pixels; 2 if Z is sampled half as densely as Y and X.
            anisotropy: f64 = 1.0, in "a number above 0, at most 1,000" if |ratio| ratio > 0.0 && ratio <= 1000.0;
            /// In 3-D: standard deviation in voxels of a Gaussian that smooths the flows. 0 is off.
            flow3d_smooth: f64 = 0.0, in "0 to 10,000" if is_radius;
            /// Segment a stack slice by slice, and join cells of neighbouring z-slices whose intersection over union is at
            /// least this. 0 is off: each z-slice has labels of its own.
            stitch_threshold: f64 = 0.0, in "0 (off) to 1" if |iou| (0.0..=1.0).contains(&iou);
            /// Limit on the pixels of an image, before and after the resize to the network's size. An image beyond it
            /// is an error, as is a diameter that enlarges the image beyond it.
            max_pixels: usize = MAX_PIXELS, in "1 to 4,294,967,295 pixels (2^32 - 1)"
                if |pixels: usize| (1..=u32::MAX as usize).contains(&pixels);
        }
    }
}

impl Params {
    /// The reference's defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets [`Params::channels`](#structfield.channels): a [`Channels`] or `[chan, chan2]`.
    pub fn channels(mut self, channels: impl Into<Channels>) -> Self {
        self.channels = channels.into();
        self
    }

    /// Sets [`Params::normalize`](#structfield.normalize).
    pub fn normalize(mut self, normalize: Normalize) -> Self {
        self.normalize = normalize;
        self
    }

    /// Sets [`Params::outputs`](#structfield.outputs).
    pub fn outputs(mut self, outputs: Outputs) -> Self {
        self.outputs = outputs;
        self
    }

    /// Checks every value against its range. A segmentation checks [`Params::channels`](#structfield.channels) against
    /// the image.
    ///
    /// # Errors
    /// [`Error::Param`] with the first parameter that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        self.check_ranges()?;
        let refuse = |name, found: String, expected| Err(Error::Param { name, found, expected });
        let is_range = |&(low, high): &(f64, f64)| low.is_finite() && high.is_finite() && low < high;
        let ranges = match &self.normalize {
            Normalize::Percentile { low, high } if !(0.0 <= *low && low < high && *high <= 100.0) => {
                return refuse("norm_percentile", format!("{low} {high}"), "0 <= low < high <= 100");
            }
            Normalize::Off if self.invert => {
                return refuse("invert", "on without normalization".into(), "normalization to be on");
            }
            Normalize::Percentile { .. } | Normalize::Off => &[][..],
            Normalize::Range { low, high } => &[(*low, *high)],
            Normalize::Ranges(ranges) => ranges,
        };
        match ranges.iter().find(|range| !is_range(range)) {
            None => Ok(()),
            Some((low, high)) => refuse("norm_range", format!("{low} {high}"), "two finite intensities, low < high"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_each_bad_value_is_named() {
        let default = Params::new;
        default().check().unwrap();
        let bad: [(&str, Params); 19] = [
            ("diameter", default().diameter(0.0)),
            ("diameter", default().diameter(f32::NAN)),
            ("norm_percentile", default().normalize(Normalize::Percentile { low: 99.0, high: 1.0 })),
            ("norm_range", default().normalize(Normalize::Range { low: 1.0, high: 1.0 })),
            ("invert", default().normalize(Normalize::Off).invert(true)),
            ("norm_range", default().normalize(Normalize::Ranges(vec![(0.0, 1.0), (2.0, 2.0)]))),
            ("sharpen_radius", default().sharpen_radius(-1.0)),
            ("tile_norm_smooth3d", default().tile_norm_smooth3d(f32::NAN)),
            ("tile_norm_blocksize", default().tile_norm_blocksize(1)),
            ("bsize", default().bsize(100)),
            ("tile_overlap", default().tile_overlap(f64::NAN)),
            ("batch_size", default().batch_size(0)),
            ("cellprob_threshold", default().cellprob_threshold(f32::INFINITY)),
            ("flow_threshold", default().flow_threshold(-0.1)),
            ("anisotropy", default().anisotropy(0.0)),
            ("flow3d_smooth", default().flow3d_smooth(f64::NAN)),
            ("stitch_threshold", default().stitch_threshold(1.5)),
            ("max_size_fraction", default().max_size_fraction(0.0)),
            ("max_pixels", default().max_pixels(0)),
        ];
        for (expected, params) in bad {
            match params.check() {
                Err(Error::Param { name, .. }) => assert_eq!(name, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_parameter_is_set_by_its_name() {
        let mut params = Params::new();
        for info in Params::PLAIN {
            let value = match info.kind {
                ParamKind::Flag => ParamValue::Flag(true),
                ParamKind::Count | ParamKind::Number => ParamValue::Number(2.0),
            };
            params.set(info.name, value).unwrap();
            assert!(!info.help_line().is_empty());
        }
        assert_eq!((params.diameter, params.niter, params.bsize, params.do_3d), (Some(2.0), Some(2), Some(2), true));
        for (name, value) in [("min_size", 1.5), ("min_size", -1.0), ("niter", 5e9), ("interp", 1.0)] {
            assert!(matches!(params.set(name, value), Err(Error::Param { .. })), "{name} {value}");
        }
        assert_eq!(params.set("min_sise", 1.0), Err(Error::NoSuchParam { name: "min_sise".into() }));
        let info = |name| Params::PLAIN.iter().find(|info| info.name == name).unwrap();
        assert_eq!((info("tile_overlap").default)(), Some("0.1".into()));
        assert_eq!((info("diameter").default)(), None);
    }
}
