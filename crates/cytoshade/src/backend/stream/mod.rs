//! Runs planes through the network, batch by batch. Tiles of several planes share a batch.

mod gpu;
mod host;
mod open;
mod slices;

use std::collections::VecDeque;
use std::time::Duration;

use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{Control, Description, Error as CoreError, Network, Params, Stage, Timings};

use super::outputs::arrange;
use super::placed::PlacedPlanes;
use super::trace::Span;
use super::{Backend, Done, unless_over_capacity};
use crate::Error;
use gpu::GpuStream;
use host::HostStream;
pub(crate) use slices::Slices;

/// The network's results for one plane.
#[derive(Debug)]
pub(crate) struct Output {
    /// Shape [outputs, height, width], of the plane's size, in the pipelines' order ([`super::outputs`]).
    pub(crate) outputs: PlacedPlanes,
    /// The sum of the tiles' style vectors, scaled to L2 norm 1. `None` if the network has no style.
    pub(crate) style: Option<Vec<f32>>,
    /// The plane's share of the time of its batches.
    pub(crate) time: Duration,
}

/// Destination of the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// The outputs stay on the device that blends them.
    Stay,
    /// The outputs return to the host while later batches run.
    Host,
}

/// Completed tiles of a call, over all its passes of the network.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TileProgress {
    pub(crate) done: usize,
    pub(crate) total: usize,
}

/// The receivers of a stream's progress and times.
pub(crate) struct Watch<'a> {
    pub(crate) control: &'a Control<'a>,
    /// Without progress to report the stream only checks for cancellation.
    pub(crate) progress: Option<&'a mut TileProgress>,
    pub(crate) timings: &'a mut Timings,
    pub(crate) span: Span,
}

impl<'a> Watch<'a> {
    /// Counts completed tiles and reports them.
    fn tiles_done(&mut self, tiles: usize) -> Result<(), CoreError> {
        self.count(tiles);
        match &self.progress {
            Some(progress) => self.control.step(Stage::Network, progress.done, progress.total),
            None => self.control.check(),
        }
    }

    fn count(&mut self, tiles: usize) {
        self.progress.iter_mut().for_each(|progress| progress.done += tiles);
    }

    /// Subtracts tiles that have to run again.
    fn uncount(&mut self, tiles: usize) {
        self.progress.iter_mut().for_each(|progress| progress.done -= tiles);
    }

    /// Reports the tiles of a batch that follows `pending` other tiles.
    fn tile_counter(&self, pending: usize) -> Box<Done<'a>> {
        let control = self.control;
        match self.progress.as_deref() {
            Some(&TileProgress { done: before, total }) => {
                Box::new(move |done| control.step(Stage::Network, before + pending + done, total))
            }
            None => Box::new(move |_| control.check()),
        }
    }
}

/// Planes in flight through the network, in order.
pub(crate) struct NetworkStream<'a> {
    backend: &'a Backend,
    network: &'a Network,
    params: &'a Params,
    watch: Watch<'a>,
    gpu: Option<GpuStream<'a>>,
    host: HostStream<'a>,
    /// Height and width of the tiles in flight.
    tile: (usize, usize),
    ready: VecDeque<Output>,
    is_finished: bool,
}

impl<'a> NetworkStream<'a> {
    pub(crate) fn new(
        backend: &'a Backend,
        network: &'a Network,
        params: &'a Params,
        watch: Watch<'a>,
        destination: Destination,
    ) -> Self {
        let recorder = watch.control.recorder();
        let gpu = backend.stages().map(|on| GpuStream::new(on, params.batch_size, recorder, destination));
        let host = HostStream::new(backend, params.batch_size);
        let (tile, ready) = Default::default();
        Self { backend, network, params, watch, gpu, host, tile, ready, is_finished: false }
    }

    /// The outputs of the next plane of a stack; `None` after the last one.
    pub(crate) async fn next(&mut self, slices: &mut Slices<'_>) -> Result<Option<Output>, Error> {
        loop {
            if let Some(output) = self.pop().await? {
                return Ok(Some(output));
            }
            match slices.next().await? {
                Some(planes) => self.push(planes).await?,
                None if self.is_finished => return Ok(None),
                None => self.finish().await?,
            }
        }
    }

    /// The outputs of the oldest plane, if they are complete.
    pub(crate) async fn pop(&mut self) -> Result<Option<Output>, Error> {
        let Some(Output { outputs, style, time }) = self.ready.pop_front() else { return Ok(None) };
        let outputs = arrange(outputs, &self.network.description().outputs).await?;
        Ok(Some(Output { outputs, style, time }))
    }

    /// Accepts planes [channels, height, width], cut into tiles together, and runs the full batches.
    pub(crate) async fn push(&mut self, planes: PlacedPlanes) -> Result<(), Error> {
        let span = self.watch.span.clone();
        span.run(self.accept(planes)).await
    }

    /// Runs all tiles.
    pub(crate) async fn drain(&mut self) -> Result<(), Error> {
        let span = self.watch.span.clone();
        span.run(self.run_all()).await
    }

    async fn accept(&mut self, planes: PlacedPlanes) -> Result<(), Error> {
        let layout = self.layout(&planes).await?;
        let tile = (layout.tiling.height, layout.tiling.width);
        if tile != self.tile {
            // The tiles of a batch are of one size.
            self.run_all().await?;
            self.tile = tile;
        }
        let Some(gpu) = &mut self.gpu else { return self.push_to_host(planes, layout).await };
        self.host.drain(&mut self.watch, &mut self.ready).await?;
        match gpu.accept(planes, &layout, self.network.description().style).await? {
            None => self.submit_to_gpu().await,
            Some(planes) => {
                self.drain_gpu().await?;
                self.push_to_host(planes, layout).await
            }
        }
    }

    async fn run_all(&mut self) -> Result<(), Error> {
        self.drain_gpu().await?;
        self.host.drain(&mut self.watch, &mut self.ready).await
    }

    /// Runs all tiles and reports the end of the stages network and blend.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        self.drain().await?;
        self.is_finished = true;
        // Blending is part of each batch; only the end of the last batch is left to report.
        self.watch.control.step(Stage::Blend, 0, 1)?;
        if let Some(gpu) = &self.gpu {
            self.watch.timings.measure(Stage::Blend, || gpu.wait_idle())?;
        }
        Ok(self.watch.control.step(Stage::Blend, 1, 1)?)
    }

    /// Prepares the network for the tiles of planes.
    fn layout(&self, planes: &PlacedPlanes) -> impl Future<Output = Result<TileLayout, Error>> + use<'a> {
        let (backend, network, (height, width)) = (self.backend, self.network, planes.size());
        let layout = tile_layout(backend, network, height, width, self.params);
        // The future holds no reference to the stream, which threads cannot share.
        async move {
            let layout = layout?;
            backend.prepare(network, &layout.tiling).await?;
            Ok(layout)
        }
    }

    async fn push_to_host(&mut self, planes: PlacedPlanes, layout: TileLayout) -> Result<(), Error> {
        let Description { outputs, style, .. } = self.network.description();
        self.host.accept(planes.into_host().await?, layout, outputs.count, *style);
        self.host.submit(&mut self.watch, &mut self.ready).await
    }

    async fn submit_to_gpu(&mut self) -> Result<(), Error> {
        let Some(gpu) = &mut self.gpu else { return Ok(()) };
        let result = gpu.submit(self.params.batch_size, &mut self.watch, &mut self.ready).await;
        self.or_on_host(result).await
    }

    async fn drain_gpu(&mut self) -> Result<(), Error> {
        let Some(gpu) = &mut self.gpu else { return Ok(()) };
        let result = gpu.drain(&mut self.watch, &mut self.ready).await;
        self.or_on_host(result).await
    }

    /// On a capacity error, moves the open planes and all later ones to the host.
    async fn or_on_host(&mut self, result: Result<(), Error>) -> Result<(), Error> {
        if unless_over_capacity(result)?.is_some() {
            return Ok(());
        }
        let (planes, done) = self.gpu.take().map(GpuStream::give_up).unwrap_or_default();
        self.watch.uncount(done);
        for planes in planes {
            let layout = self.layout(&planes).await?;
            self.push_to_host(planes, layout).await?;
        }
        Ok(())
    }
}

/// The layout of a plane's tiles.
///
/// The side is that of `params` or of the network. If the backend has no room for such tiles, it is the largest smaller
/// side that fits.
pub(crate) fn tile_layout(
    backend: &Backend,
    network: &Network,
    height: usize,
    width: usize,
    params: &Params,
) -> Result<TileLayout, Error> {
    let rule = network.description().tile;
    let side = rule.side(params.bsize)?;
    let &Params { tile_overlap, augment, .. } = params;
    let layout = |side| TileLayout::new(height, width, rule.padding, side, tile_overlap, augment);
    let sides = (1..=side / rule.padding).rev().map(|times| times * rule.padding);
    let fits = |layout: &TileLayout| backend.takes(layout.tiling.height, layout.tiling.width);
    // If no side fits, running the tiles reports the device's limit.
    Ok(sides.map(layout).find(fits).unwrap_or_else(|| layout(side)))
}
