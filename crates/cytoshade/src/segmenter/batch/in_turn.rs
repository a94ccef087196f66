//! Batches on a CPU with few threads: the next image is read, while one after the other is segmented within the pool.
//!
//! The network alone keeps a few threads busy. Stages of other images beside it delay one of them in the middle of a loop, and
//! the others wait for it. Within the pool the stages of an image follow one another without a call from outside for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender};

use cytoshade_core::Image;
use pollster::block_on;

use super::label::Labelled;
use super::{BatchImage, Task};
use crate::pipeline::image;
use crate::{Error, Segmentation};

/// An image of the source, or its error.
pub(super) type Read = Result<Image, Error>;

/// Reads images until the source ends, the call is cancelled, or no more are segmented.
pub(super) fn read(task: &Task, images: impl Iterator<Item: BatchImage>, to_segment: &SyncSender<Read>) {
    for item in images {
        let is_cancelled = task.control.check().is_err();
        let read = if is_cancelled { Err(Error::Cancelled) } else { item.into_image() };
        if to_segment.send(read).is_err() || is_cancelled {
            return;
        }
    }
}

/// Segments images until no more come, the call is cancelled, or the caller is gone.
pub(super) fn run(task: &Task, images: &Receiver<Read>, take_ticket: &SyncSender<()>, to_caller: &Sender<Labelled>) {
    for (image, read) in images.iter().enumerate() {
        let result = catch_unwind(AssertUnwindSafe(|| segment(task, image, read)));
        let is_cancelled = matches!(result, Ok(Err(Error::Cancelled)));
        if take_ticket.send(()).is_err() || to_caller.send((image, result)).is_err() || is_cancelled {
            return;
        }
    }
}

fn segment(task: &Task, image: usize, read: Read) -> Result<Segmentation, Error> {
    let Task { segmenter, params, control } = task;
    control.check().map_err(|_| Error::Cancelled)?;
    let (pixels, control) = (read?, control.for_image(image));
    let (backend, network, size_model) = (&segmenter.backend, &segmenter.network, segmenter.size_model.as_ref());
    cytoshade_cpu::in_pool(|| block_on(image::segment(backend, network, size_model, pixels.view(), params, &control)))
}
