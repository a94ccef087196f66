//! Many images at once: one thread decodes and normalizes, one runs the network, some label.
//!
//! ```text
//! images -> prepare -> queue -> network (tiles of several images in a batch) -> jobs -> label -> results, in order
//! ```
//!
//! Every image between the network and the caller holds a ticket, so that a slow caller stops the rest. On a CPU with few
//! threads, images are read ahead and segmented in turn; there, each result holds a ticket.

mod in_turn;
mod label;
mod network;
mod prepare;

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread::JoinHandle;

use cytoshade_core::{Cancel, Control, Image, Params};

use super::{Segmenter, Shared};
use crate::{Error, Segmentation};

/// Images prepared and waiting for the network.
const PREPARED: usize = 2;

/// Images waiting to be labelled.
const WAITING: usize = 2;

/// Threads that label.
const LABELLERS: usize = 2;

/// An item of an iterator of images: an [`Image`], or the result of decoding one.
pub trait BatchImage: Send + 'static {
    /// The image.
    ///
    /// # Errors
    /// [`Error::Source`] if decoding failed.
    fn into_image(self) -> Result<Image, Error>;
}

impl BatchImage for Image {
    fn into_image(self) -> Result<Image, Error> {
        Ok(self)
    }
}

impl<E: Into<Box<dyn std::error::Error + Send + Sync>> + Send + 'static> BatchImage for Result<Image, E> {
    fn into_image(self) -> Result<Image, Error> {
        self.map_err(|error| Error::Source(error.into()))
    }
}

/// The results of [`Segmenter::segment_batch`], in the order of the images.
///
/// Dropping it stops the work. The drop blocks until the threads have ended: after their current tile or stage, and
/// after the image that the source is decoding.
#[derive(Debug)]
pub struct Segmentations {
    stop: Cancel,
    next: usize,
    /// Results that completed before an earlier image.
    early: BTreeMap<usize, Result<Segmentation, Error>>,
    channels: Option<Channels>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Debug)]
struct Channels {
    results: Receiver<label::Labelled>,
    /// One ticket for each image between the network and the caller.
    tickets: Receiver<()>,
}

/// Shared by all threads of a batch.
struct Task {
    segmenter: Arc<Shared>,
    params: Params,
    control: Control<'static>,
}

impl Segmentations {
    fn start<I>(segmenter: Arc<Shared>, images: I, params: &Params, control: &Control<'static>) -> Self
    where
        I: Iterator<Item: BatchImage> + Send + 'static,
    {
        let stop = Cancel::new();
        let task = Arc::new(Task { segmenter, params: params.clone(), control: control.clone().cancel(&stop) });
        let (take_ticket, tickets) = sync_channel(LABELLERS + WAITING);
        let (to_caller, results) = channel();
        let channels = Some(Channels { results, tickets });
        // The threads of a batch work in the global pool, whatever pool the caller works in.
        let overlaps = || task.segmenter.backend.gains_from_overlap();
        let overlaps = std::thread::scope(|scope| scope.spawn(overlaps).join()).unwrap_or(true);
        if !overlaps {
            let (to_segment, read) = sync_channel(PREPARED);
            let threads = vec![
                spawn("read", {
                    let task = task.clone();
                    move || in_turn::read(&task, images, &to_segment)
                }),
                spawn("segment", move || in_turn::run(&task, &read, &take_ticket, &to_caller)),
            ];
            return Self { stop, next: 0, early: BTreeMap::new(), channels, threads };
        }
        let (to_network, prepared) = sync_channel(PREPARED);
        let (to_label, jobs) = channel();
        let mut threads = vec![
            spawn("prepare", {
                let task = task.clone();
                move || prepare::run(&task, images, &to_network)
            }),
            spawn("network", {
                let task = task.clone();
                move || network::run(&task, &prepared, &take_ticket, &to_label)
            }),
        ];
        let jobs = label::share(jobs);
        for _ in 0..LABELLERS {
            let (task, jobs, to_caller) = (task.clone(), jobs.clone(), to_caller.clone());
            threads.push(spawn("label", move || label::run(&task, &jobs, &to_caller)));
        }
        Self { stop, next: 0, early: BTreeMap::new(), channels, threads }
    }

    /// Ends the threads. Returns a panic of one of them, if any.
    fn end(&mut self) -> Option<Box<dyn std::any::Any + Send>> {
        self.stop.cancel();
        // Threads that wait for the caller end when these channels close.
        self.channels = None;
        self.early.clear();
        self.threads.drain(..).filter_map(|thread| thread.join().err()).next_back()
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let thread = std::thread::Builder::new().name(format!("cytoshade {name}"));
    thread.spawn(work).expect("the system starts a thread")
}

impl Iterator for Segmentations {
    type Item = Result<Segmentation, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let channels = self.channels.as_ref()?;
            if let Some(result) = self.early.remove(&self.next) {
                self.next += 1;
                // Returns the ticket.
                let _ = channels.tickets.try_recv();
                if matches!(result, Err(Error::Cancelled)) {
                    self.end();
                }
                return Some(result);
            }
            match channels.results.recv() {
                Ok((image, Ok(result))) => {
                    self.early.insert(image, result);
                }
                Ok((_, Err(panic))) => {
                    self.end();
                    resume_unwind(panic);
                }
                // Every thread has ended.
                Err(_) => {
                    if let Some(panic) = self.end() {
                        resume_unwind(panic);
                    }
                    return None;
                }
            }
        }
    }
}

impl std::iter::FusedIterator for Segmentations {}

impl Drop for Segmentations {
    fn drop(&mut self) {
        self.end();
    }
}

impl Segmenter {
    /// Segments many images.
    ///
    /// The results come in the images' order and equal those of [`Segmenter::segment`].
    ///
    /// `images` are [`Image`]s, or results of decoding them, of any sizes. One thread takes them from the iterator and
    /// normalizes them, one runs the network on batches of tiles of several images, and others label, while the caller
    /// works on the results. Queues are bounded: a slow caller stops the iterator too. An error in one image does not
    /// end the others.
    ///
    /// On the CPU the threads share rayon's global pool. With at most 8 threads there, which the network keeps busy, images
    /// are read ahead and segmented in turn. On a GPU the stages of different images overlap, so
    /// [`Segmentation::timings`] include waiting for other images; each image gets its share of the network's time.
    ///
    /// ```
    /// # use cytoshade::{Device, Image, Model, Params, Segmenter};
    /// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/cytoshade-demo.safetensors");
    /// # let segmenter = Segmenter::builder(&Model::open(file)?).device(Device::Cpu).build()?;
    /// let images = (0..3).map(|_| Image::new(vec![0u8; 64 * 64], 1, 64, 64));
    /// for result in segmenter.segment_batch(images, &Params::new()) {
    ///     println!("{} cells", result?.cells());
    /// }
    /// # Ok::<(), cytoshade::Error>(())
    /// ```
    pub fn segment_batch<I>(&self, images: I, params: &Params) -> Segmentations
    where
        I: IntoIterator<Item: BatchImage, IntoIter: Send + 'static>,
    {
        self.segment_batch_with(images, params, &Control::new())
    }

    /// [`Segmenter::segment_batch`] with a control that receives the progress and can cancel.
    ///
    /// [`Progress::image`](crate::Progress) is the image's number. The callback runs on the threads of the batch, for
    /// several images in turn. After a cancellation the iterator gives [`Error::Cancelled`] once and ends.
    pub fn segment_batch_with<I>(&self, images: I, params: &Params, control: &Control<'static>) -> Segmentations
    where
        I: IntoIterator<Item: BatchImage, IntoIter: Send + 'static>,
    {
        Segmentations::start(self.shared.clone(), images.into_iter(), params, control)
    }
}
