//! The preparation of images for a network: channels, intensities, tiles. Options shared by all networks.

use clap::Args;
use cytoshade::{Normalize, Params};

/// The help of an option that sets a plain parameter of the library.
pub(crate) fn help(param: &str) -> String {
    let info = Params::PLAIN.iter().find(|info| info.name == param);
    let line = info.map(cytoshade::ParamInfo::help_line).unwrap_or_default();
    line.strip_suffix('.').unwrap_or(&line).to_owned()
}

#[derive(Debug, Args)]
pub(crate) struct InputArgs {
    /// Channel to segment (0: mean of all)
    ///
    /// 1 to C for one channel, 0 for the mean of all.
    #[arg(long, value_name = "N", default_value_t = Params::new().channels.chan)]
    chan: usize,
    /// Second, nuclear channel (0: none)
    ///
    /// 1 to C for one channel, 0 for none. Ignored if --chan is 0.
    #[arg(long, value_name = "N", default_value_t = Params::new().channels.chan2)]
    chan2: usize,
    #[arg(long, help = help("all_channels"), conflicts_with_all = ["chan", "chan2"])]
    all_channels: bool,
    #[arg(
        long,
        help = help("tile_overlap"),
        value_name = "F",
        default_value_t = Params::new().tile_overlap,
        allow_negative_numbers = true
    )]
    tile_overlap: f64,
    #[arg(long, help = help("bsize"), value_name = "N")]
    bsize: Option<usize>,
    #[arg(long, help = help("batch_size"), value_name = "N", default_value_t = Params::new().batch_size)]
    batch_size: usize,
    /// Keep the intensities as they are
    #[arg(long, conflicts_with_all = ["norm_percentile", "norm_range"])]
    no_norm: bool,
    /// Percentiles that map to 0 and 1 in each channel; default: 1 and 99
    #[arg(long, num_args = 2, value_names = ["LOW", "HIGH"], allow_negative_numbers = true)]
    norm_percentile: Option<Vec<f32>>,
    /// Intensities that map to 0 and 1, instead of percentiles; repeat the option to set each input channel of the
    /// network
    #[arg(
        long,
        num_args = 2,
        value_names = ["LOW", "HIGH"],
        allow_negative_numbers = true,
        conflicts_with_all = ["norm_percentile", "sharpen_radius", "smooth_radius", "tile_norm_blocksize"]
    )]
    norm_range: Option<Vec<f64>>,
    #[arg(
        long,
        help = help("tile_norm_blocksize"),
        value_name = "PX",
        default_value_t = Params::new().tile_norm_blocksize
    )]
    tile_norm_blocksize: usize,
    #[arg(
        long,
        alias = "tile-norm-smooth3D",
        help = help("tile_norm_smooth3d"),
        value_name = "F",
        default_value_t = Params::new().tile_norm_smooth3d
    )]
    tile_norm_smooth3d: f32,
    /// With --stitch-threshold: normalize each z-slice on its own instead of the whole stack
    #[arg(long, alias = "no-norm3D")]
    no_norm3d: bool,
    #[arg(
        long,
        help = help("sharpen_radius"),
        value_name = "PX",
        default_value_t = Params::new().sharpen_radius,
        allow_negative_numbers = true
    )]
    sharpen_radius: f32,
    #[arg(
        long,
        help = help("smooth_radius"),
        value_name = "PX",
        default_value_t = Params::new().smooth_radius,
        allow_negative_numbers = true
    )]
    smooth_radius: f32,
    #[arg(long, help = help("invert"))]
    invert: bool,
}

impl InputArgs {
    /// The parameters that these options set; the others keep their defaults.
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
