//! Runs planes through the network on a GPU.
//!
//! While one batch computes, the next is submitted and the outputs of the previous one return to the host.

use std::collections::VecDeque;

use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{Recorder, Stage};
use web_time::Instant;

use super::open::{OpenPlanes, Parts};
use super::{Destination, Output, Watch};
use crate::Error;
use crate::backend::placed::{Placed, PlacedPlanes};
use crate::backend::unless_over_capacity;
use crate::gpu::{Gpu, GpuPlanes, Network, Part, PendingReadback, Submission, TiledPlanes};

/// Batches submitted while the host prepares another. More would only delay a cancellation.
const IN_FLIGHT: usize = 2;

/// Planes in flight through the network.
pub(super) struct GpuStream<'a> {
    gpu: &'a Gpu,
    network: &'a Network,
    batch_size: usize,
    recorder: Option<&'a Recorder>,
    destination: Destination,
    parts: Parts,
    /// When the last batch ended.
    since: Instant,
    open: OpenPlanes<Open>,
    submissions: VecDeque<Submission>,
}

struct Open {
    /// Kept so that the host can take over.
    input: PlacedPlanes,
    tiled: TiledPlanes,
    reading: Option<PendingReadback>,
}

impl<'a> GpuStream<'a> {
    pub(super) fn new(
        (gpu, network): (&'a Gpu, &'a Network),
        batch_size: usize,
        recorder: Option<&'a Recorder>,
        destination: Destination,
    ) -> Self {
        let (open, submissions, parts) = (OpenPlanes::default(), VecDeque::new(), Parts::Any);
        Self { gpu, network, batch_size, recorder, destination, parts, since: Instant::now(), open, submissions }
    }

    /// Accepts a plane.
    ///
    /// The network must be prepared for its tiles. Returns the plane if the device has no room for it.
    pub(super) async fn accept(
        &mut self,
        input: PlacedPlanes,
        layout: &TileLayout,
        style_channels: Option<usize>,
    ) -> Result<Option<PlacedPlanes>, Error> {
        let planes = match &input {
            Placed::Device(_, planes) => Some(planes.clone()),
            Placed::Host(planes) => unless_over_capacity(GpuPlanes::upload(self.gpu, planes).await)?,
        };
        let Some(planes) = planes else { return Ok(Some(input)) };
        let tiled = unless_over_capacity(self.network.tiled(planes, layout).await)?;
        let Some(tiled) = tiled else { return Ok(Some(input)) };
        let tiles = tiled.tiles();
        if self.destination == Destination::Stay {
            // The GPU blends all tiles of a batch at once, so a plane's sums depend on how it is divided into batches.
            let most = self.network.max_batch(layout.tiling.height, layout.tiling.width).max(1);
            self.parts = Parts::Own { most };
        }
        self.open.push(Open { input, tiled, reading: None }, tiles, style_channels);
        Ok(None)
    }

    /// Submits batches while at least `least` tiles wait.
    ///
    /// Waits for the oldest batches if too many are in flight.
    pub(super) async fn submit(
        &mut self,
        least: usize,
        watch: &mut Watch<'_>,
        ready: &mut VecDeque<Output>,
    ) -> Result<(), Error> {
        while self.open.waiting() >= least {
            let tiles = self.open.send(self.batch_size, self.parts);
            let parts: Vec<Part<'_>> = tiles.map(|(open, tiles)| (&open.tiled, tiles)).collect();
            self.submissions.extend(self.network.start(&parts, self.recorder).await?);
            if self.destination == Destination::Host {
                self.start_readbacks().await?;
            }
            while self.submissions.len() > IN_FLIGHT {
                self.settle(watch, ready).await?;
            }
        }
        Ok(())
    }

    /// Submits all tiles and waits for them.
    pub(super) async fn drain(&mut self, watch: &mut Watch<'_>, ready: &mut VecDeque<Output>) -> Result<(), Error> {
        self.submit(1, watch, ready).await?;
        while !self.submissions.is_empty() {
            self.settle(watch, ready).await?;
        }
        Ok(())
    }

    /// Gives up the incomplete planes.
    ///
    /// Returns them for the host, and the number of their tiles that were done.
    pub(super) fn give_up(mut self) -> (Vec<PlacedPlanes>, usize) {
        let done = self.open.done();
        (self.open.drain().map(|open| open.plane.input).collect(), done)
    }

    /// Waits for the device.
    pub(super) fn wait_idle(&self) -> Result<(), Error> {
        Ok(self.gpu.wait_idle("the outputs")?)
    }

    /// Submits the readback of each plane whose tiles were all submitted.
    async fn start_readbacks(&mut self) -> Result<(), Error> {
        for open in self.open.iter_mut() {
            if open.plane.reading.is_none() && open.is_sent() {
                open.plane.reading = Some(open.plane.tiled.outputs().start_read(self.gpu).await?);
            }
        }
        Ok(())
    }

    /// Waits for the oldest batch.
    async fn settle(&mut self, watch: &mut Watch<'_>, ready: &mut VecDeque<Output>) -> Result<(), Error> {
        let Some(submission) = self.submissions.pop_front() else { return Ok(()) };
        let tiles = submission.tiles();
        let Some(styles) = submission.styles(self.recorder).await? else {
            let parts: Vec<Part<'_>> = self.open.oldest(tiles).map(|(open, tiles)| (&open.tiled, tiles)).collect();
            return Err(self.network.diagnose(&parts).await?.into());
        };
        let time = self.since.elapsed();
        self.since = Instant::now();
        watch.timings.add(Stage::Network, time);
        watch.tiles_done(tiles)?;
        self.open.settle(tiles, time, |open, _, at| open.add_style(&styles, at));
        while let Some(mut open) = self.open.pop_done() {
            let (style, time) = (open.take_style(), open.time);
            let outputs = match open.plane.reading {
                Some(reading) => Placed::Host(reading.finish(self.gpu).await?),
                None => Placed::Device(self.gpu.clone(), open.plane.tiled.outputs().clone()),
            };
            ready.push_back(Output { outputs, style, time });
        }
        Ok(())
    }
}
