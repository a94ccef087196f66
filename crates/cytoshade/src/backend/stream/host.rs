//! Runs planes in host memory through the network of any backend.

use std::collections::VecDeque;

use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{Planes, Stage};
use cytoshade_cpu::blend::Blend;
use cytoshade_cpu::tile;
use web_time::Instant;

use super::open::{OpenPlanes, Parts};
use super::{Output, Watch};
use crate::Error;
use crate::backend::placed::Placed;
use crate::backend::{Backend, PendingBatch, TileBatch};

/// Planes in flight through the network.
pub(super) struct HostStream<'a> {
    backend: &'a Backend,
    /// Tiles per batch.
    batch_size: usize,
    /// Batches in flight at most.
    in_flight: usize,
    open: OpenPlanes<Open>,
    /// When work began on the batch that ends next.
    since: Option<Instant>,
    /// Batches in flight, with the number of their tiles.
    pending: VecDeque<(usize, PendingBatch<'a>)>,
}

struct Open {
    planes: Planes,
    layout: TileLayout,
    blend: Blend,
}

impl<'a> HostStream<'a> {
    pub(super) fn new(backend: &'a Backend, batch_size: usize) -> Self {
        let (batch_size, in_flight) = backend.batches(batch_size);
        let (open, since, pending) = Default::default();
        Self { backend, batch_size, in_flight, open, since, pending }
    }

    /// Accepts a plane. The network must be prepared for its tiles.
    pub(super) fn accept(&mut self, planes: Planes, layout: TileLayout, nout: usize, style_channels: Option<usize>) {
        let blend = Blend::new(layout.clone(), nout, planes.height(), planes.width());
        let tiles = layout.tiling.tiles.len();
        self.open.push(Open { planes, layout, blend }, tiles, style_channels);
    }

    /// Runs the full batches.
    pub(super) async fn submit(&mut self, watch: &mut Watch<'a>, ready: &mut VecDeque<Output>) -> Result<(), Error> {
        self.run(self.batch_size, watch, ready).await
    }

    /// Runs all tiles.
    pub(super) async fn drain(&mut self, watch: &mut Watch<'a>, ready: &mut VecDeque<Output>) -> Result<(), Error> {
        self.run(1, watch, ready).await?;
        while !self.pending.is_empty() {
            self.settle(watch, ready).await?;
        }
        Ok(())
    }

    /// Runs batches while at least `least` tiles wait.
    async fn run(&mut self, least: usize, watch: &mut Watch<'a>, ready: &mut VecDeque<Output>) -> Result<(), Error> {
        while self.open.waiting() >= least {
            self.since.get_or_insert_with(Instant::now);
            let batch = self.cut();
            let pending = self.pending.iter().map(|(tiles, _)| tiles).sum();
            let (count, done) = (batch.count, watch.tile_counter(pending));
            self.pending.push_back((count, self.backend.network(batch, done, watch.control.recorder())));
            while self.pending.len() >= self.in_flight {
                self.settle(watch, ready).await?;
            }
        }
        Ok(())
    }

    /// Cuts the next batch.
    fn cut(&mut self) -> TileBatch {
        let mut batch = TileBatch::default();
        for (Open { planes, layout, .. }, range) in self.open.send(self.batch_size, Parts::Any) {
            batch.count += range.len();
            let mut tiles = tile::cut(layout, planes, &layout.tiling.tiles[range]);
            if batch.tiles.is_empty() {
                batch.tiles = tiles;
            } else {
                batch.tiles.append(&mut tiles);
            }
            (batch.height, batch.width) = (layout.tiling.height, layout.tiling.width);
        }
        batch
    }

    /// Waits for the oldest batch and blends its outputs.
    async fn settle(&mut self, watch: &mut Watch<'_>, ready: &mut VecDeque<Output>) -> Result<(), Error> {
        let Some((tiles, batch)) = self.pending.pop_front() else { return Ok(()) };
        let since = self.since.take().unwrap_or_else(Instant::now);
        let batch = batch.await;
        let time = since.elapsed();
        watch.timings.add(Stage::Network, time);
        let batch = batch?;
        watch.count(tiles);
        watch.timings.measure(Stage::Blend, || {
            let len = batch.outputs.len() / tiles.max(1);
            self.open.settle(tiles, time, |open, tile, at| {
                let Open { layout, blend, .. } = &mut open.plane;
                blend.add(&layout.tiling.tiles[tile], &batch.outputs[at * len..][..len]);
                open.add_style(&batch.styles, at);
            });
            while let Some(mut open) = self.open.pop_done() {
                let (style, time) = (open.take_style(), open.time);
                ready.push_back(Output { outputs: Placed::Host(open.plane.blend.finish()), style, time });
            }
        });
        Ok(())
    }
}
