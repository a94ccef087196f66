//! The segmentation of an image or a stack.

use cytoshade::{DeviceInfo, Segmentation, StackSegmentation, Timings};
use cytoshade_formats::{FlowView, LabelView};

use crate::failure::Failure;

/// The segmentation of an image or a stack.
#[derive(Debug)]
pub(super) enum Segmented {
    Image(Segmentation),
    Stack(StackSegmentation),
}

impl Segmented {
    pub(super) fn labels(&self) -> LabelView<'_> {
        match self {
            Self::Image(image) => (&image.labels).into(),
            Self::Stack(stack) => (&stack.labels).into(),
        }
    }

    /// The network's outputs, if they were asked for.
    pub(super) fn flows(&self) -> Result<Option<FlowView<'_>>, Failure> {
        match self {
            Self::Image(image) => {
                let both = image.flows.as_ref().zip(image.cellprob.as_ref());
                both.map(|(flows, cellprob)| FlowView::image(flows, cellprob)).transpose()
            }
            Self::Stack(stack) => {
                let both = stack.flows.as_ref().zip(stack.cellprob.as_ref());
                both.map(|(flows, cellprob)| FlowView::stack(flows, cellprob)).transpose()
            }
        }
        .map_err(Failure::run)
    }

    pub(super) fn diameter(&self) -> f32 {
        match self {
            Self::Image(image) => image.diameter,
            Self::Stack(stack) => stack.diameter,
        }
    }

    pub(super) fn cells(&self) -> usize {
        match self {
            Self::Image(image) => image.cells(),
            Self::Stack(stack) => stack.cells(),
        }
    }

    pub(super) fn device(&self) -> &DeviceInfo {
        match self {
            Self::Image(image) => &image.device,
            Self::Stack(stack) => &stack.device,
        }
    }

    pub(super) fn timings(&self) -> &Timings {
        match self {
            Self::Image(image) => &image.timings,
            Self::Stack(stack) => &stack.timings,
        }
    }

    pub(super) fn remove_edge_masks(&mut self) {
        match self {
            Self::Image(image) => image.labels.remove_edge_masks(),
            Self::Stack(stack) => stack.labels.remove_edge_masks(),
        }
    }
}
