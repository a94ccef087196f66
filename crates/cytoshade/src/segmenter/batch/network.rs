//! The network thread of a batch: runs the tiles of several images.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError};

use cytoshade_core::{Stage, Timings};
use pollster::block_on;

use super::Task;
use super::label::Job;
use super::prepare::{Open, Prepared};
use crate::Error;
use crate::backend::stream::{Destination, NetworkStream, Watch};
use crate::backend::trace::{self, Subject};

/// Sends each image's outputs to labelling until no more images come or the call is cancelled.
pub(super) fn run(task: &Task, prepared: &Receiver<Prepared>, take_ticket: &SyncSender<()>, to_label: &Sender<Job>) {
    let mut pass = Pass { task, take_ticket, to_label, open: VecDeque::new() };
    // A network error ends a stream and the images in it; the next images get a new stream.
    while let Err(error) = block_on(pass.run(prepared)) {
        if pass.fail(&error).is_err() {
            return;
        }
    }
}

/// The network's thread.
struct Pass<'a> {
    task: &'a Task,
    take_ticket: &'a SyncSender<()>,
    to_label: &'a Sender<Job>,
    /// Images without outputs yet, in order, and failed images after them.
    open: VecDeque<(usize, State)>,
}

/// An image with its number of tiles, or its error.
type State = Result<(Open, usize), Error>;

impl Pass<'_> {
    /// Runs the network until no more images come.
    async fn run(&mut self, images: &Receiver<Prepared>) -> Result<(), Error> {
        let Task { segmenter, params, control } = self.task;
        let mut timings = Timings::default();
        let (backend, network) = (&segmenter.backend, &segmenter.network);
        let span = trace::span(Stage::Network, Subject::default(), backend);
        let watch = Watch { control, progress: None, timings: &mut timings, span };
        let mut stream = NetworkStream::new(backend, network, params, watch, Destination::Stay);
        loop {
            let next = match images.try_recv() {
                Err(TryRecvError::Empty) => {
                    // No other image is ready to fill the batch: the images in flight do not wait.
                    stream.drain().await?;
                    self.deliver(&mut stream).await?;
                    images.recv().ok()
                }
                next => next.ok(),
            };
            let Some(Prepared { image, result }) = next else { break };
            match result {
                Ok((open, tiles, planes)) => {
                    self.open.push_back((image, Ok((open, tiles))));
                    control.for_image(image).step(Stage::Network, 0, tiles)?;
                    stream.push(planes).await?;
                }
                Err(error) => self.open.push_back((image, Err(error))),
            }
            self.deliver(&mut stream).await?;
        }
        stream.drain().await?;
        self.deliver(&mut stream).await
    }

    /// Forwards the oldest images whose outputs are complete.
    async fn deliver(&mut self, stream: &mut NetworkStream<'_>) -> Result<(), Error> {
        while let Some((image, state)) = self.open.pop_front() {
            let work = match state {
                Err(error) => Err(error),
                Ok((open, tiles)) => match stream.pop().await {
                    Ok(Some(output)) => self.report(image, tiles).map(|()| (open, output)),
                    Ok(None) => {
                        self.open.push_front((image, Ok((open, tiles))));
                        return Ok(());
                    }
                    Err(error) => Err(error),
                },
            };
            self.send(Job { image, work })?;
        }
        Ok(())
    }

    /// Reports the end of the stages network and blend.
    fn report(&self, image: usize, tiles: usize) -> Result<(), Error> {
        let control = self.task.control.for_image(image);
        control.step(Stage::Network, tiles, tiles)?;
        control.step(Stage::Blend, 0, 1)?;
        Ok(control.step(Stage::Blend, 1, 1)?)
    }

    /// Fails all open images with an error of the network. Fails itself if the call is cancelled.
    fn fail(&mut self, error: &Error) -> Result<(), Error> {
        for (image, state) in std::mem::take(&mut self.open) {
            self.send(Job { image, work: Err(state.err().unwrap_or_else(|| copy(error))) })?;
        }
        if matches!(error, Error::Cancelled) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Sends a job when a ticket is free.
    fn send(&self, job: Job) -> Result<(), Error> {
        let is_gone = self.take_ticket.send(()).is_err() || self.to_label.send(job).is_err();
        if is_gone { Err(Error::Cancelled) } else { Ok(()) }
    }
}

/// Copies an error for each image of a failed batch.
fn copy(error: &Error) -> Error {
    match error {
        Error::Input(error) => Error::Input(error.clone()),
        Error::Cpu(error) => Error::Cpu(error.clone()),
        #[cfg(feature = "gpu")]
        Error::Gpu(error) => Error::Gpu(error.clone()),
        // The network returns no other errors.
        _ => Error::Cancelled,
    }
}
