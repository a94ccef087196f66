//! The blocking calls. Builds for browsers have none.

use cytoshade_core::{Control, Image, ImageView, Params, Stack, StackView};
use pollster::block_on;

use super::{Restored, Restorer, Segmenter};
use crate::{Error, Model, Segmentation, StackSegmentation};

impl Segmenter {
    /// Makes a segmenter on a GPU if one opens, else on the CPU.
    ///
    /// # Errors
    /// As [`crate::SegmenterBuilder::build`].
    pub fn new(model: &Model) -> Result<Self, Error> {
        Self::builder(model).build()
    }

    /// Segments an image.
    ///
    /// # Errors
    /// [`Error::Input`] if the image or a parameter is out of range, [`Error::Gpu`](enum@Error) if the device fails.
    pub fn segment<'i>(&self, image: impl Into<ImageView<'i>>, params: &Params) -> Result<Segmentation, Error> {
        block_on(self.segment_async(image, params))
    }

    /// Segments an image. `control` receives the progress and can cancel.
    ///
    /// # Errors
    /// As [`Segmenter::segment`], and [`Error::Cancelled`].
    pub fn segment_with<'i>(
        &self,
        image: impl Into<ImageView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Segmentation, Error> {
        block_on(self.segment_with_async(image, params, control))
    }

    /// Segments a stack in 3-D ([`Params::do_3d`]) or slice by slice.
    ///
    /// Slice by slice, [`Params::stitch_threshold`] above 0 joins the cells of neighbouring z-slices.
    ///
    /// # Errors
    /// As [`Segmenter::segment`].
    pub fn segment_stack<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
    ) -> Result<StackSegmentation, Error> {
        block_on(self.segment_stack_async(stack, params))
    }

    /// Segments a stack. `control` receives the progress and can cancel.
    ///
    /// # Errors
    /// As [`Segmenter::segment`], and [`Error::Cancelled`].
    pub fn segment_stack_with<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<StackSegmentation, Error> {
        block_on(self.segment_stack_with_async(stack, params, control))
    }
}

impl Restorer {
    /// Restores an image.
    ///
    /// Uses the parameters for channels, normalization and tiles, and `diameter`. Each channel is normalized, resized
    /// so that cells of `diameter` match the training size (not without a diameter), restored, and resized back.
    ///
    /// # Errors
    /// [`Error::Input`] if the image or a parameter is out of range, [`Error::Gpu`](enum@Error) if the device fails.
    pub fn restore<'i>(&self, image: impl Into<ImageView<'i>>, params: &Params) -> Result<Restored<Image>, Error> {
        block_on(self.restore_async(image, params))
    }

    /// Restores an image. `control` receives the progress and can cancel.
    ///
    /// # Errors
    /// As [`Restorer::restore`], and [`Error::Cancelled`].
    pub fn restore_with<'i>(
        &self,
        image: impl Into<ImageView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Image>, Error> {
        block_on(self.restore_with_async(image, params, control))
    }

    /// Restores each z-slice of a stack. `norm3d` normalizes them together.
    ///
    /// # Errors
    /// As [`Restorer::restore`].
    pub fn restore_stack<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
    ) -> Result<Restored<Stack>, Error> {
        block_on(self.restore_stack_async(stack, params))
    }

    /// Restores each z-slice of a stack. `control` receives the progress and can cancel.
    ///
    /// # Errors
    /// As [`Restorer::restore`], and [`Error::Cancelled`].
    pub fn restore_stack_with<'i>(
        &self,
        stack: impl Into<StackView<'i>>,
        params: &Params,
        control: &Control<'_>,
    ) -> Result<Restored<Stack>, Error> {
        block_on(self.restore_stack_with_async(stack, params, control))
    }
}
