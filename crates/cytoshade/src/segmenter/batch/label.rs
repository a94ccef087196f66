//! The labelling threads of a batch: network outputs to labels.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};

use cytoshade_core::Stage;
use pollster::block_on;

use super::Task;
use super::prepare::Open;
use crate::backend::stream::Output;
use crate::pipeline::run::Run;
use crate::{Error, Segmentation};

/// An image and the network's outputs for it.
pub(super) struct Job {
    pub(super) image: usize,
    pub(super) work: Result<(Open, Output), Error>,
}

/// An image's number and its result, or the panic of its labelling.
pub(super) type Labelled = (usize, std::thread::Result<Result<Segmentation, Error>>);

/// Jobs that several threads take from.
pub(super) type Jobs = Arc<Mutex<Receiver<Job>>>;

pub(super) fn share(jobs: Receiver<Job>) -> Jobs {
    Arc::new(Mutex::new(jobs))
}

/// Labels images until no more come or the caller is gone.
pub(super) fn run(task: &Task, jobs: &Jobs, to_caller: &Sender<Labelled>) {
    loop {
        let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { image, work }) = job else { return };
        let work = AssertUnwindSafe(|| work.and_then(|(open, output)| label(task, open, output)));
        let result = catch_unwind(work);
        if to_caller.send((image, result)).is_err() {
            return;
        }
    }
}

fn label(task: &Task, open: Open, output: Output) -> Result<Segmentation, Error> {
    let (segmenter, control) = (&task.segmenter, task.control.for_image(open.image));
    let mut run = Run::new(&segmenter.backend, &segmenter.network, &control, [1, open.size.0, open.size.1]);
    (run.waits, run.timings) = (false, open.timings);
    run.timings.add(Stage::Network, output.time);
    block_on(run.label(output, &open.rescale, open.size, &task.params))
}
