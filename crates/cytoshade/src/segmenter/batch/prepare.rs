//! The first thread of a batch: takes images from the source and normalizes them.

use std::sync::mpsc::SyncSender;

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{Error as CoreError, Timings};
use pollster::block_on;

use super::{BatchImage, Task};
use crate::Error;
use crate::backend::placed::PlacedPlanes;
use crate::pipeline::run::Run;

/// An image in progress.
pub(super) struct Open {
    /// Its number.
    pub(super) image: usize,
    /// Height and width in pixels.
    pub(super) size: (usize, usize),
    pub(super) rescale: Rescale,
    pub(super) timings: Timings,
}

/// An image and its planes, the network's input.
pub(super) struct Prepared {
    pub(super) image: usize,
    /// With the number of tiles.
    pub(super) result: Result<(Open, usize, PlacedPlanes), Error>,
}

/// Sends images to the network until the source ends, the call is cancelled, or the network ends.
pub(super) fn run(task: &Task, images: impl Iterator<Item: BatchImage>, to_network: &SyncSender<Prepared>) {
    for (image, item) in images.enumerate() {
        let result = prepare(task, image, item);
        let is_cancelled = matches!(result, Err(Error::Cancelled));
        if to_network.send(Prepared { image, result }).is_err() || is_cancelled {
            return;
        }
    }
}

fn prepare(task: &Task, image: usize, item: impl BatchImage) -> Result<(Open, usize, PlacedPlanes), Error> {
    task.control.check().map_err(|_: CoreError| Error::Cancelled)?;
    let pixels = item.into_image()?;
    let (segmenter, control) = (&task.segmenter, task.control.for_image(image));
    let mut run = Run::new(&segmenter.backend, &segmenter.network, &control, [1, pixels.height(), pixels.width()]);
    run.waits = false;
    let prepared = block_on(run.prepare(pixels.view(), segmenter.size_model.as_ref(), &task.params));
    let (planes, rescale) = prepared?;
    let tiles = run.tiles(planes.size(), &task.params)?;
    Ok((Open { image, size: (pixels.height(), pixels.width()), rescale, timings: run.timings }, tiles, planes))
}
