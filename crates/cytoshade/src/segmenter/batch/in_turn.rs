//! Batches on a CPU with few threads: one image after the other, on the threads of the pool.
//!
//! The network alone keeps a few threads busy. Any work beside it delays one of them in the middle of a loop, and the others
//! wait: batches that overlapped took up to a tenth longer. Within the pool the stages of an image follow one another without a
//! call from outside for each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, SyncSender};

use pollster::block_on;

use super::label::Labelled;
use super::{BatchImage, Task};
use crate::pipeline::image;
use crate::{Error, Segmentation};

/// Segments images until the source ends, the call is cancelled, or the caller is gone.
pub(super) fn run(
    task: &Task,
    images: impl Iterator<Item: BatchImage>,
    take_ticket: &SyncSender<()>,
    to_caller: &Sender<Labelled>,
) {
    for (image, item) in images.enumerate() {
        let result = catch_unwind(AssertUnwindSafe(|| segment(task, image, item)));
        let is_cancelled = matches!(result, Ok(Err(Error::Cancelled)));
        if take_ticket.send(()).is_err() || to_caller.send((image, result)).is_err() || is_cancelled {
            return;
        }
    }
}

fn segment(task: &Task, image: usize, item: impl BatchImage) -> Result<Segmentation, Error> {
    let Task { segmenter, params, control } = task;
    control.check().map_err(|_| Error::Cancelled)?;
    let (pixels, control) = (item.into_image()?, control.for_image(image));
    let (backend, network, size_model) = (&segmenter.backend, &segmenter.network, segmenter.size_model.as_ref());
    cytoshade_cpu::in_pool(|| block_on(image::segment(backend, network, size_model, pixels.view(), params, &control)))
}
