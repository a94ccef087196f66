//! How to segment: every knob of the reference's `CellposeModel.eval` for 2-D images, under its own name.

use crate::Error;

/// Which channels of the image the network sees, with Cellpose's meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channels {
    /// The channel to segment: 0 is the mean of all channels ("grey"), 1 to C name a channel.
    pub chan: usize,
    /// The optional second (nuclear) channel: 0 is none (zeros), 1 to C name a channel. Ignored where `chan` is 0, as
    /// in the reference.
    pub chan2: usize,
}

/// How intensities are mapped before the network sees them.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Normalize {
    /// Each channel so that its `low` percentile becomes 0 and its `high` percentile 1 (0 <= low < high <= 100). A
    /// channel whose two percentiles differ by 1e-3 or less becomes 0.
    Percentile {
        /// Lower percentile, 1 in the reference.
        low: f32,
        /// Upper percentile, 99 in the reference.
        high: f32,
    },
    /// Each channel so that the intensity `low` becomes 0 and `high` becomes 1 (`lowhigh` in the reference). As there,
    /// neither smoothing nor sharpening nor tiles apply.
    Range {
        /// Intensity that becomes 0.
        low: f64,
        /// Intensity that becomes 1.
        high: f64,
    },
    /// As [`Normalize::Range`], with a low and a high intensity for each input channel of the network.
    Ranges(Vec<(f64, f64)>),
    /// Intensities as they are: nothing of what follows applies.
    Off,
}

/// What a segmentation carries beside its labels. All off by default: each costs memory, and a read-back on a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    /// The flows (dY, dX), of shape [2, height, width].
    pub flows: bool,
    /// The cell probability (a logit), of shape [1, height, width].
    pub cellprob: bool,
    /// The style vector.
    pub style: bool,
    /// What a network of more than three outputs gives beyond dY, dX and cell probability. Not for stacks.
    pub classes: bool,
}

impl Outputs {
    /// Everything there is.
    pub const ALL: Outputs = Outputs { flows: true, cellprob: true, style: true, classes: true };
}

/// The parameters of a segmentation. The defaults are the reference's.
///
/// ```
/// use cytoshade_core::Params;
/// let params = Params { diameter: Some(45.0), flow_threshold: 0.6, ..Params::default() };
/// params.check()?;
/// # Ok::<(), cytoshade_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    /// Which channels the network sees.
    pub channels: Channels,
    /// The network sees the image's first channels in their order, as many as it has inputs, whatever `channels` says:
    /// for networks that were trained so.
    pub all_channels: bool,
    /// How intensities are mapped.
    pub normalize: Normalize,
    /// Dark cells on a bright ground: 1 minus the normalised intensity. As in the reference this does nothing where
    /// [`Params::tile_norm_blocksize`] is on.
    pub invert: bool,
    /// Radius in pixels of a Gaussian surround that is subtracted before percentiles are taken, recommended to be 1/8 to
    /// 1/4 of a diameter. 0 is off.
    pub sharpen_radius: f32,
    /// Radius in pixels of a Gaussian that smooths before percentiles are taken, recommended to be 1/10 to 1/4 of a
    /// diameter. 0 is off.
    pub smooth_radius: f32,
    /// Side in pixels of the tiles that have percentiles of their own, so that dark regions become as bright as others;
    /// larger than a cell. 0 is off: percentiles of the whole image.
    pub tile_norm_blocksize: usize,
    /// How far percentiles of tiles are smoothed, in tiles (standard deviation of a Gaussian), where
    /// [`Params::norm3d`]. The reference smooths along Y for this parameter, and so it acts on single images too.
    pub tile_norm_smooth3d: f32,
    /// One normalization for all layers of a stack (true) or one for each (false). Always true where a stack is
    /// segmented in 3-D.
    pub norm3d: bool,
    /// Mean diameter of the cells in the image, in pixels. `None` estimates it where there is a size model, and takes
    /// the model's `diam_labels` where there is none.
    pub diameter: Option<f32>,
    /// Run the dynamics at the image's own size (true) or at the network's, enlarging the masks afterwards (false).
    pub resample: bool,
    /// Side of a tile in pixels: a multiple of 16, at least 32.
    pub bsize: usize,
    /// Overlap of neighbouring tiles as a fraction of a tile, 0.05 to 0.5. Not used with `augment`.
    pub tile_overlap: f64,
    /// Test-time augmentation: tiles overlap by half and are flipped in turn.
    pub augment: bool,
    /// Tiles that go through the network at once, at least 1.
    pub batch_size: usize,
    /// Steps of the Euler integration. `None` takes 200, scaled by the resize where `resample` is on.
    pub niter: Option<u32>,
    /// Interpolate the flows bilinearly between pixels during the integration.
    pub interp: bool,
    /// Pixels whose cell probability (a logit) is above this take part. Any finite number; lower finds more.
    pub cellprob_threshold: f32,
    /// Masks whose flows differ from the network's by a mean squared error above this are dropped. 0 keeps all.
    pub flow_threshold: f64,
    /// Masks that cover more than this fraction of the image are dropped.
    pub max_size_fraction: f64,
    /// Masks of fewer pixels than this are dropped. 0 keeps all.
    pub min_size: usize,
    /// Stacks only: segment in 3-D. The network sees the planes along all three axes, and the sum of their flows is
    /// followed in 3-D; tiles then have a side of 224 whatever `bsize` is, and `flow_threshold` is not used.
    pub do_3d: bool,
    /// Stacks in 3-D: how much farther apart layers are than pixels; 2 where Z is sampled half as densely.
    pub anisotropy: f64,
    /// Stacks in 3-D: standard deviation in voxels of a Gaussian that smooths the flows. 0 is off.
    pub flow3d_smooth: f64,
    /// Stacks layer by layer: cells of neighbouring layers whose intersection over union is at least this become one.
    /// 0 leaves the layers apart, each with labels of its own.
    pub stitch_threshold: f64,
    /// What comes back beside the labels.
    pub outputs: Outputs,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            channels: Channels { chan: 0, chan2: 0 },
            all_channels: false,
            normalize: Normalize::Percentile { low: 1.0, high: 99.0 },
            invert: false,
            sharpen_radius: 0.0,
            smooth_radius: 0.0,
            tile_norm_blocksize: 0,
            tile_norm_smooth3d: 1.0,
            norm3d: true,
            diameter: None,
            resample: true,
            bsize: 224,
            tile_overlap: 0.1,
            augment: false,
            batch_size: 8,
            niter: None,
            interp: true,
            cellprob_threshold: 0.0,
            flow_threshold: 0.4,
            max_size_fraction: 0.4,
            min_size: 15,
            do_3d: false,
            anisotropy: 1.0,
            flow3d_smooth: 0.0,
            stitch_threshold: 0.0,
            outputs: Outputs::default(),
        }
    }
}

/// Steps of the integration above which a request is taken for a mistake: it would run for hours.
const MAX_NITER: u32 = 1_000_000;
/// Radius above which a request is taken for a mistake.
const MAX_RADIUS: f32 = 10_000.0;
/// Anisotropy above which a request is taken for a mistake.
const MAX_ANISOTROPY: f64 = 1000.0;

impl Params {
    /// Checks every value against its range.
    ///
    /// # Errors
    /// [`Error::Param`] with the first parameter that is out of range.
    pub fn check(&self) -> Result<(), Error> {
        let refuse = |name, found: String, expected| Err(Error::Param { name, found, expected });
        if let Some(diameter) = self.diameter
            && !(diameter.is_finite() && diameter > 0.0)
        {
            return refuse("diameter", diameter.to_string(), "a number of pixels above 0");
        }
        match &self.normalize {
            Normalize::Percentile { low, high } if !(0.0 <= *low && low < high && *high <= 100.0) => {
                return refuse("norm_percentile", format!("{low} {high}"), "0 <= low < high <= 100");
            }
            Normalize::Range { low, high } if !(low.is_finite() && high.is_finite() && low < high) => {
                return refuse("norm_range", format!("{low} {high}"), "two finite intensities, low < high");
            }
            Normalize::Ranges(ranges) => {
                let bad = |(low, high): &&(f64, f64)| !(low.is_finite() && high.is_finite() && low < high);
                if let Some((low, high)) = ranges.iter().find(bad) {
                    return refuse("norm_range", format!("{low} {high}"), "two finite intensities, low < high");
                }
            }
            Normalize::Off if self.invert => {
                return refuse("invert", "on without normalization".into(), "normalization to be on");
            }
            _ => {}
        }
        for (name, radius) in [
            ("sharpen_radius", self.sharpen_radius),
            ("smooth_radius", self.smooth_radius),
            ("tile_norm_smooth3d", self.tile_norm_smooth3d),
        ] {
            if !(radius.is_finite() && (0.0..=MAX_RADIUS).contains(&radius)) {
                return refuse(name, radius.to_string(), "0 to 10,000");
            }
        }
        if self.tile_norm_blocksize == 1 {
            return refuse("tile_norm_blocksize", "1".into(), "0 (off) or a side of 2 pixels and more");
        }
        if self.bsize < 32 || self.bsize > 4096 || !self.bsize.is_multiple_of(16) {
            return refuse("bsize", self.bsize.to_string(), "a multiple of 16 from 32 to 4096");
        }
        if !(0.05..=0.5).contains(&self.tile_overlap) {
            return refuse("tile_overlap", self.tile_overlap.to_string(), "a fraction from 0.05 to 0.5");
        }
        if self.batch_size == 0 || self.batch_size > 4096 {
            return refuse("batch_size", self.batch_size.to_string(), "1 to 4096 tiles");
        }
        if let Some(niter) = self.niter
            && (niter == 0 || niter > MAX_NITER)
        {
            return refuse("niter", niter.to_string(), "1 to 1,000,000 steps");
        }
        if !self.cellprob_threshold.is_finite() {
            return refuse("cellprob_threshold", self.cellprob_threshold.to_string(), "a finite number");
        }
        if !(self.flow_threshold.is_finite() && self.flow_threshold >= 0.0) {
            return refuse("flow_threshold", self.flow_threshold.to_string(), "0 (keep all) or a number above it");
        }
        if !(self.max_size_fraction > 0.0 && self.max_size_fraction <= 1.0) {
            return refuse("max_size_fraction", self.max_size_fraction.to_string(), "a fraction above 0, at most 1");
        }
        if !(self.anisotropy > 0.0 && self.anisotropy <= MAX_ANISOTROPY) {
            return refuse("anisotropy", self.anisotropy.to_string(), "a number above 0, at most 1,000");
        }
        if !(0.0..=f64::from(MAX_RADIUS)).contains(&self.flow3d_smooth) {
            return refuse("flow3d_smooth", self.flow3d_smooth.to_string(), "0 to 10,000");
        }
        if !(0.0..=1.0).contains(&self.stitch_threshold) {
            return refuse("stitch_threshold", self.stitch_threshold.to_string(), "0 (off) to 1");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_in_range_and_each_bad_value_is_named() {
        Params::default().check().unwrap();
        let bad: [(&str, Params); 18] = [
            ("diameter", Params { diameter: Some(0.0), ..Params::default() }),
            ("diameter", Params { diameter: Some(f32::NAN), ..Params::default() }),
            (
                "norm_percentile",
                Params { normalize: Normalize::Percentile { low: 99.0, high: 1.0 }, ..Params::default() },
            ),
            ("norm_range", Params { normalize: Normalize::Range { low: 1.0, high: 1.0 }, ..Params::default() }),
            ("invert", Params { normalize: Normalize::Off, invert: true, ..Params::default() }),
            ("norm_range", Params { normalize: Normalize::Ranges(vec![(0.0, 1.0), (2.0, 2.0)]), ..Params::default() }),
            ("sharpen_radius", Params { sharpen_radius: -1.0, ..Params::default() }),
            ("tile_norm_smooth3d", Params { tile_norm_smooth3d: f32::NAN, ..Params::default() }),
            ("tile_norm_blocksize", Params { tile_norm_blocksize: 1, ..Params::default() }),
            ("bsize", Params { bsize: 100, ..Params::default() }),
            ("tile_overlap", Params { tile_overlap: f64::NAN, ..Params::default() }),
            ("batch_size", Params { batch_size: 0, ..Params::default() }),
            ("cellprob_threshold", Params { cellprob_threshold: f32::INFINITY, ..Params::default() }),
            ("flow_threshold", Params { flow_threshold: -0.1, ..Params::default() }),
            ("anisotropy", Params { anisotropy: 0.0, ..Params::default() }),
            ("flow3d_smooth", Params { flow3d_smooth: f64::NAN, ..Params::default() }),
            ("stitch_threshold", Params { stitch_threshold: 1.5, ..Params::default() }),
            ("max_size_fraction", Params { max_size_fraction: 0.0, ..Params::default() }),
        ];
        for (expected, params) in bad {
            match params.check() {
                Err(Error::Param { name, .. }) => assert_eq!(name, expected),
                other => panic!("{expected}: {other:?}"),
            }
        }
    }
}
