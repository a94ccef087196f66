//! TileProgress of layers that are on a GPU through its network: while one batch computes the next is submitted, and what the
//! last one gave is on its way back.

use std::collections::VecDeque;
use std::ops::Range;

use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{Control, Params, Stage, Timings};
use cytoshade_gpu::{Gpu, GpuPlanes, Network, Part, PendingReadback, Submission, TiledPlanes};
use web_time::Instant;

use crate::Error;
use crate::pipeline::placed::Field;
use crate::pipeline::run::{TileProgress, unit};

/// Batches that are submitted while the host still makes another. More would only put off what a cancellation stops.
const IN_FLIGHT: usize = 2;

/// Layers on their way through the network.
pub(crate) struct Stream<'a> {
    gpu: &'a Gpu,
    network: &'a Network,
    control: &'a Control<'a>,
    params: &'a Params,
    progress: &'a mut TileProgress,
    timings: &'a mut Timings,
    /// When the last batch was done.
    since: Instant,
    /// Whether the outputs come back to the host.
    back: bool,
    open: VecDeque<OpenPlane>,
    submissions: VecDeque<Submission>,
    /// Layers that are done: their outputs [nout, height, width] and styles.
    pub(crate) done: VecDeque<(Field, Vec<f32>)>,
}

/// A layer some of whose tiles are done.
struct OpenPlane {
    tiled: TiledPlanes,
    /// The sum of the styles so far.
    style: Vec<f32>,
    submitted: usize,
    done: usize,
    reading: Option<PendingReadback>,
}

impl OpenPlane {
    fn waiting(&self) -> Range<usize> {
        self.submitted..self.tiled.tiles()
    }
}

impl<'a> Stream<'a> {
    pub(crate) fn new(
        gpu: &'a Gpu,
        network: &'a Network,
        control: &'a Control<'a>,
        params: &'a Params,
        (progress, timings): (&'a mut TileProgress, &'a mut Timings),
        back: bool,
    ) -> Self {
        let (open, submissions, done) = Default::default();
        let since = Instant::now();
        Self { gpu, network, control, params, progress, timings, since, back, open, submissions, done }
    }

    /// Takes a layer and how it becomes tiles, for which the network is prepared, and submits the batches that are full.
    pub(crate) async fn push(&mut self, layer: Field, tile_layout: &TileLayout) -> Result<(), Error> {
        let planes = match layer {
            Field::Device(_, planes) => planes,
            Field::Host(planes) => GpuPlanes::upload(self.gpu, &planes).await.map_err(Error::Gpu)?,
        };
        let tiled = self.network.tiled(planes, tile_layout).await.map_err(Error::Gpu)?;
        let style = vec![0.0; self.network.shape().style_channels()];
        self.open.push_back(OpenPlane { tiled, style, submitted: 0, done: 0, reading: None });
        self.submit(self.params.batch_size).await
    }

    /// Submits what is left, and waits for all.
    pub(crate) async fn finish(&mut self) -> Result<(), Error> {
        self.submit(1).await?;
        while !self.submissions.is_empty() {
            self.wait_idle().await?;
        }
        Ok(())
    }

    /// Submits batches, of at least so many tiles.
    async fn submit(&mut self, least: usize) -> Result<(), Error> {
        while self.open.iter().map(|layer| layer.waiting().len()).sum::<usize>() >= least {
            let mut room = self.params.batch_size;
            let mut parts: Vec<Part<'_>> = Vec::new();
            for layer in &mut self.open {
                let waiting = layer.waiting();
                let now = waiting.start..waiting.end.min(waiting.start + room);
                if !now.is_empty() {
                    room -= now.len();
                    layer.submitted = now.end;
                    parts.push((&layer.tiled, now));
                }
            }
            self.submissions.extend(self.network.start(&parts, self.control.recorder()).await.map_err(Error::Gpu)?);
            for layer in &mut self.open {
                if self.back && layer.reading.is_none() && layer.waiting().is_empty() {
                    layer.reading = Some(layer.tiled.outputs().start_read(self.gpu).await.map_err(Error::Gpu)?);
                }
            }
            while self.submissions.len() > IN_FLIGHT {
                self.wait_idle().await?;
            }
        }
        Ok(())
    }

    /// Waits for the oldest batch.
    async fn wait_idle(&mut self) -> Result<(), Error> {
        let Some(submission) = self.submissions.pop_front() else { return Ok(()) };
        let tiles = submission.tiles();
        let styles = submission.styles(self.control.recorder()).await.map_err(Error::Gpu)?;
        self.timings.add(Stage::Network, self.since.elapsed());
        self.since = Instant::now();
        self.progress.done += tiles;
        self.control.step(Stage::Network, self.progress.done, self.progress.total)?;
        let mut styles = styles.chunks_exact(self.network.shape().style_channels().max(1));
        for layer in &mut self.open {
            for style in styles.by_ref().take(layer.submitted - layer.done) {
                layer.style.iter_mut().zip(style).for_each(|(sum, value)| *sum += value);
                layer.done += 1;
            }
        }
        while self.open.front().is_some_and(|layer| layer.done == layer.tiled.tiles()) {
            let Some(OpenPlane { tiled, style, reading, .. }) = self.open.pop_front() else { break };
            let outputs = match reading {
                Some(reading) => Field::Host(reading.finish(self.gpu).await.map_err(Error::Gpu)?),
                None => Field::Device(self.gpu.clone(), tiled.outputs().clone()),
            };
            self.done.push_back((outputs, unit(style)));
        }
        Ok(())
    }
}
