//! Pictures of results as PNG.

use clap::ValueEnum;
use cytoshade::Image;
use cytoshade_formats::{
    FlowView, LabelView, RgbPicture, flow_picture, label_picture, outline_picture, overlay_montage,
};

use crate::endings;
use crate::failure::Failure;

/// Longest side of a montage in pixels.
const MAX_SIDE: usize = 4096;

/// A kind of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PictureKind {
    /// STEM_outlines.png: the image with the outlines of the cells in red, as Cellpose draws them
    Outlines,
    /// STEM_mask_colors.png: the cells in colors on black
    Colors,
    /// STEM_flow_colors.png: the flows as Cellpose shows them, the direction as hue and the length as brightness
    Flows,
    /// STEM_montage.png: the z-slices of a stack in a grid, with the cells outlined and filled
    Montage,
}

impl PictureKind {
    /// The part of the file name after the stem.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            PictureKind::Outlines => endings::OUTLINES,
            PictureKind::Colors => endings::MASK_COLORS,
            PictureKind::Flows => endings::FLOW_COLORS,
            PictureKind::Montage => endings::MONTAGE,
        }
    }

    /// True if it shows a stack, false if it shows an image.
    pub(crate) fn shows_stacks(self) -> bool {
        self == PictureKind::Montage
    }

    /// Paints the results of an image, or of the z-slices of a stack.
    pub(crate) fn picture(
        self,
        images: &[Image],
        labels: LabelView<'_>,
        flows: Option<&FlowView<'_>>,
    ) -> Result<RgbPicture, Failure> {
        let missing = |what: &str| Failure::run(format!("{what} is missing for {}", self.ending()));
        let picture = match self {
            PictureKind::Outlines => outline_picture(images.first().ok_or_else(|| missing("the image"))?, labels),
            PictureKind::Colors => label_picture(labels),
            PictureKind::Flows => flow_picture(flows.ok_or_else(|| missing("the network's output"))?),
            PictureKind::Montage => overlay_montage(images, labels, MAX_SIDE),
        };
        picture.map_err(Failure::run)
    }
}
