//! What a network sees of an image: channels, intensities, tiles. The same options for every network.

use clap::Args;
use cytoshade::{Normalize, Params};

#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Channel to segment: 0 for the mean of all, 1 to C for one of them
    #[arg(long, value_name = "N", default_value_t = 0)]
    chan: usize,
    /// Second (nuclear) channel: 0 for none, 1 to C for one of them; not used where --chan is 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    chan2: usize,
    /// The network sees the image's first channels in their order: for networks that were trained so
    #[arg(long, conflicts_with_all = ["chan", "chan2"])]
    all_channels: bool,
    /// Overlap of neighbouring tiles as a fraction of a tile, 0.05 to 0.5
    #[arg(long, value_name = "F", default_value_t = 0.1, allow_negative_numbers = true)]
    tile_overlap: f64,
    /// Side of a tile in pixels: a multiple of 16; without it the network's own, 224 for U-Nets
    #[arg(long, value_name = "N")]
    bsize: Option<usize>,
    /// Tiles that go through the network at once
    #[arg(long, value_name = "N", default_value_t = 8)]
    batch_size: usize,
    /// Take intensities as they are
    #[arg(long, conflicts_with_all = ["norm_percentile", "norm_range"])]
    no_norm: bool,
    /// Percentiles that become 0 and 1 in each channel; 1 and 99 without it
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], allow_negative_numbers = true)]
    norm_percentile: Option<Vec<f32>>,
    /// Intensities that become 0 and 1, instead of percentiles; given twice, each of the network's channels has its own
    #[arg(
        long,
        num_args = 2,
        value_names = ["LOW", "HIGH"],
        allow_negative_numbers = true,
        conflicts_with_all = ["norm_percentile", "sharpen_radius", "smooth_radius", "tile_norm_blocksize"]
    )]
    norm_range: Option<Vec<f64>>,
    /// Take percentiles in tiles of this side, so that dark regions become as bright as others; larger than a cell, 0
    /// for off. --invert does nothing with it, as in Cellpose
    #[arg(long, value_name = "PX", default_value_t = 0)]
    tile_norm_blocksize: usize,
    /// How far the percentiles of tiles are smoothed, in tiles
    #[arg(long, alias = "tile-norm-smooth3D", value_name = "F", default_value_t = 1.0)]
    tile_norm_smooth3d: f32,
    /// With --stitch-threshold: normalize each layer by itself, not the stack as a whole
    #[arg(long, alias = "no-norm3D")]
    no_norm3d: bool,
    /// Subtract a Gaussian surround of this radius first: 1/8 to 1/4 of a diameter, 0 for off
    #[arg(long, value_name = "PX", default_value_t = 0.0, allow_negative_numbers = true)]
    sharpen_radius: f32,
    /// Smooth by a Gaussian of this radius first: 1/10 to 1/4 of a diameter, 0 for off
    #[arg(long, value_name = "PX", default_value_t = 0.0, allow_negative_numbers = true)]
    smooth_radius: f32,
    /// Dark cells on a bright ground
    #[arg(long)]
    invert: bool,
}

impl InputArgs {
    /// The parameters that these options name; the others are at their defaults.
    pub(crate) fn params(&self) -> Params {
        Params::new()
            .channels([self.chan, self.chan2])
            .all_channels(self.all_channels)
            .normalize(self.normalize())
            .invert(self.invert)
            .sharpen_radius(self.sharpen_radius)
            .smooth_radius(self.smooth_radius)
            .tile_norm_blocksize(self.tile_norm_blocksize)
            .tile_norm_smooth3d(self.tile_norm_smooth3d)
            .norm3d(!self.no_norm3d)
            .bsize(self.bsize)
            .tile_overlap(self.tile_overlap)
            .batch_size(self.batch_size)
    }

    fn normalize(&self) -> Normalize {
        match (self.no_norm, self.norm_range.as_deref(), self.norm_percentile.as_deref()) {
            (true, ..) => Normalize::Off,
            (_, Some(&[low, high]), _) => Normalize::Range { low, high },
            (_, Some(pairs), _) => {
                Normalize::Ranges(pairs.as_chunks().0.iter().map(|&[low, high]| (low, high)).collect())
            }
            (.., Some(&[low, high])) => Normalize::Percentile { low, high },
            _ => Params::default().normalize,
        }
    }
}
