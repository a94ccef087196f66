//! What every pipeline is made of: stages that are timed, reported and stopped, and the network over tiles.

use std::collections::VecDeque;

use cytoshade_core::tiling::{Tile, TileLayout};
use cytoshade_core::{Control, Image, Network, Params, Planes, Stage, Timings, Volume, channels};
use cytoshade_cpu::blend::Blend;
use cytoshade_cpu::{normalize, resize, tile};
use cytoshade_gpu::{Error as GpuError, Gpu, GpuPlanes, Network as GpuNetwork};
use web_time::Instant;

use crate::Error;
use crate::backend::stream::Stream;
use crate::backend::{Backend, PendingBatch, TileBatch, is_capacity_error};
use crate::pipeline::placed::Field;
use crate::pipeline::plane_source::PlaneSource;

/// The reference pads planes to a multiple of this.
pub(crate) const PAD_MULTIPLE: usize = 16;

/// One call of the library: what it runs on, who watches, and the time that it took so far.
pub(crate) struct Run<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) network: &'a Network,
    pub(crate) control: &'a Control<'a>,
    pub(crate) timings: Timings,
}

/// How far the tiles of a call are, over all its passes of the network.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TileProgress {
    pub(crate) done: usize,
    pub(crate) total: usize,
}

impl<'a> Run<'a> {
    pub(crate) fn new(backend: &'a Backend, network: &'a Network, control: &'a Control<'a>) -> Self {
        Self { backend, network, control, timings: Timings::default() }
    }

    /// Runs a stage on the CPU: timed, reported at its start and end, and not begun where the caller has cancelled.
    pub(crate) fn stage<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> Result<T, Error> {
        self.control.step(stage, 0, 1)?;
        let result = self.timings.measure(stage, work);
        self.control.step(stage, 1, 1)?;
        Ok(result)
    }

    /// Runs a stage on the CPU that may wait for what others do of it, timed and reported as [`Run::stage`] does.
    pub(crate) async fn awaited_stage<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.control.step(stage, 0, 1)?;
        let start = Instant::now();
        let result = work.await;
        self.timings.add(stage, start.elapsed());
        let result = result?;
        self.control.step(stage, 1, 1)?;
        Ok(result)
    }

    /// Runs a stage on a GPU, timed and reported as [`Run::stage`] does. `None` where the device has no room for it.
    pub(crate) async fn gpu_stage<T>(
        &mut self,
        stage: Stage,
        gpu: &Gpu,
        work: impl Future<Output = Result<T, GpuError>>,
    ) -> Result<Option<T>, Error> {
        self.control.step(stage, 0, 1)?;
        let start = Instant::now();
        // What is submitted is waited for, so that its time is not the next stage's.
        let result = work.await.and_then(|result| gpu.wait_idle("a stage").map(|()| result));
        self.timings.add(stage, start.elapsed());
        match result {
            Ok(result) => {
                self.control.step(stage, 1, 1)?;
                Ok(Some(result))
            }
            Err(error) if is_capacity_error(&error) => Ok(None),
            Err(error) => Err(Error::Gpu(error)),
        }
    }

    /// The planes that the network sees of an image, at the image's size.
    pub(crate) async fn input(&mut self, image: &Image, params: &Params) -> Result<Field, Error> {
        let inputs = self.network.shape().inputs();
        let planes = self.stage(Stage::Channels, || channels::select(image, params, inputs))??;
        if let Some((gpu, _)) = self.backend.stages()
            && cytoshade_gpu::normalizes(params, inputs)
        {
            let work = async { cytoshade_gpu::normalize(gpu, GpuPlanes::upload(gpu, &planes).await?, params).await };
            if let Some(normalized) = self.gpu_stage(Stage::Normalize, gpu, work).await? {
                return Ok(Field::Device(gpu.clone(), normalized));
            }
        }
        let mut volume = Volume::from(planes);
        self.stage(Stage::Normalize, || normalize::normalize(&mut volume, params))??;
        self.backend.place(volume.into()).await
    }

    pub(crate) async fn resize(&mut self, planes: Field, height: usize, width: usize) -> Result<Field, Error> {
        if planes.size() == (height, width) {
            return Ok(planes);
        }
        if let Field::Device(gpu, planes) = &planes {
            let work = cytoshade_gpu::bilinear(gpu, planes, height, width);
            if let Some(resized) = self.gpu_stage(Stage::Resize, gpu, work).await? {
                return Ok(Field::Device(gpu.clone(), resized));
            }
        }
        let planes = planes.into_host().await?;
        Ok(Field::Host(self.stage(Stage::Resize, || resize::bilinear(&planes, height, width))?))
    }

    /// How many tiles a plane becomes.
    pub(crate) fn tiles(&self, height: usize, width: usize, params: &Params) -> usize {
        tile_layout(self.backend, height, width, params).tiling.tiles.len()
    }

    /// All tiles of some planes of one image through the network. Returns the outputs [nout, height, width] and the
    /// style of the whole image.
    pub(crate) async fn network(&mut self, planes: Field, params: &Params) -> Result<(Field, Vec<f32>), Error> {
        let (height, width) = planes.size();
        let mut tiles = TileProgress { done: 0, total: self.tiles(height, width, params) };
        let mut found = (Field::Host(Planes::default()), Vec::new());
        let sink = |_, outputs, style| found = (outputs, style);
        let mut source = PlaneSource::Plane(planes);
        if let Some(on) = self.backend.stages()
            && self.on_gpu(on, &mut source, params, (&mut tiles, false), sink).await?
        {
            return Ok(found);
        }
        self.on_host(&mut source, params, &mut tiles, |_, outputs, style| found = (Field::Host(outputs), style))
            .await?;
        Ok(found)
    }

    /// The tiles of planes of one size, here called layers, through the network, batch by batch, a batch holding tiles of
    /// several layers where they have few. Each layer is asked for when its first tile is due; its outputs
    /// [nout, height, width] and its style are handed to `sink` once its last tile is done.
    pub(crate) async fn layers(
        &mut self,
        mut source: PlaneSource<'_>,
        params: &Params,
        progress: &mut TileProgress,
        mut sink: impl FnMut(usize, Planes, Vec<f32>),
    ) -> Result<(), Error> {
        if let Some(on) = self.backend.stages() {
            let take = |at, outputs, style| {
                if let Field::Host(outputs) = outputs {
                    sink(at, outputs, style);
                }
            };
            if self.on_gpu(on, &mut source, params, (progress, true), take).await? {
                return Ok(());
            }
        }
        self.on_host(&mut source, params, progress, sink).await
    }

    /// [`Run::layers`] with everything but the layers themselves on a GPU, and the outputs too where they do not come
    /// `back`. False where the device has no room for it: then nothing was handed to `sink`.
    async fn on_gpu(
        &mut self,
        (gpu, network): (&Gpu, &GpuNetwork),
        source: &mut PlaneSource<'_>,
        params: &Params,
        (progress, back): (&mut TileProgress, bool),
        mut sink: impl FnMut(usize, Field, Vec<f32>),
    ) -> Result<bool, Error> {
        let (control, before, count) = (self.control, progress.done, source.count());
        if before == 0 {
            control.step(Stage::Network, 0, progress.total)?;
        }
        let mut stream = Stream::new(gpu, network, control, params, (&mut *progress, &mut self.timings), back);
        let mut finished = 0;
        let mut result = Ok(());
        for at in 0..=count {
            result = if at < count {
                let planes = source.plane(at).await?;
                let (height, width) = planes.size();
                let tile_layout = tile_layout(self.backend, height, width, params);
                self.backend.prepare(self.network, &tile_layout.tiling).await?;
                stream.push(planes, &tile_layout).await
            } else {
                stream.finish().await
            };
            if result.is_err() {
                break;
            }
            for (outputs, style) in stream.done.drain(..) {
                sink(finished, outputs, style);
                finished += 1;
            }
        }
        drop(stream);
        match result {
            Err(Error::Gpu(error)) if is_capacity_error(&error) && progress.done == before => return Ok(false),
            result => result?,
        }
        // Each batch is blended where it was computed; only the end of the last one is left.
        self.stage(Stage::Blend, || gpu.wait_idle("a stage"))?.map_err(Error::Gpu)?;
        Ok(true)
    }

    /// [`Run::layers`] with all but the network on the host.
    async fn on_host(
        &mut self,
        source: &mut PlaneSource<'_>,
        params: &Params,
        progress: &mut TileProgress,
        mut sink: impl FnMut(usize, Planes, Vec<f32>),
    ) -> Result<(), Error> {
        let (backend, control, count) = (self.backend, self.control, source.count());
        let shape = self.network.shape();
        let (batch_size, in_flight) = backend.batches(params.batch_size);
        let mut open: VecDeque<PendingPlane> = VecDeque::new();
        let mut pending: VecDeque<(usize, PendingBatch<'_>)> = VecDeque::new();
        let (mut begun, mut finished, total) = (0, 0, progress.total);
        if progress.done == 0 {
            control.step(Stage::Network, 0, total)?;
        }
        loop {
            let start = Instant::now();
            while pending.len() < in_flight {
                let mut batch = TileBatch::default();
                while batch.count < batch_size {
                    if !open.back().is_some_and(PendingPlane::has_more) {
                        if begun == count {
                            break;
                        }
                        let planes = source.take(begun).await?;
                        let tile_layout = tile_layout(backend, planes.height(), planes.width(), params);
                        backend.prepare(self.network, &tile_layout.tiling).await?;
                        open.push_back(PendingPlane::new(planes, tile_layout, shape.nout(), shape.style_channels()));
                        begun += 1;
                    }
                    let Some(last) = open.back_mut() else { break };
                    last.cut(batch_size - batch.count, &mut batch);
                }
                if batch.count == 0 {
                    break;
                }
                let before = progress.done + pending.iter().map(|(count, _)| count).sum::<usize>();
                let done = move |done: usize| control.step(Stage::Network, before + done, total);
                pending.push_back((batch.count, backend.network(batch, Box::new(done), control.recorder())));
            }
            let Some((tiles, batch)) = pending.pop_front() else { break };
            let result = batch.await;
            self.timings.add(Stage::Network, start.elapsed());
            let result = result?;
            progress.done += tiles;
            self.timings.measure(Stage::Blend, || {
                let outputs = result.outputs.chunks_exact((result.outputs.len() / tiles).max(1));
                let mut found = outputs.zip(result.styles.chunks_exact(shape.style_channels()));
                for layer in &mut open {
                    layer.add(&mut found);
                }
            });
            // The last layer is finished below, where the stage is reported.
            while open.front().is_some_and(PendingPlane::is_done) && finished + 1 < count {
                let Some(layer) = open.pop_front() else { break };
                let (outputs, style) = self.timings.measure(Stage::Blend, || layer.finish());
                sink(finished, outputs, style);
                finished += 1;
            }
        }
        if let Some(last) = open.pop_front() {
            let (outputs, style) = self.stage(Stage::Blend, || last.finish())?;
            sink(finished, outputs, style);
        }
        Ok(())
    }
}

/// How planes become tiles: of the side that is asked for or, where the backend has no room for one, of the largest below.
fn tile_layout(backend: &Backend, height: usize, width: usize, params: &Params) -> TileLayout {
    let Params { bsize, tile_overlap, augment, .. } = *params;
    let cut = |side| TileLayout::new(height, width, PAD_MULTIPLE, side, tile_overlap, augment);
    let sides = (1..=bsize / PAD_MULTIPLE).rev().map(|times| times * PAD_MULTIPLE);
    let fits = |tile_layout: &TileLayout| backend.takes(tile_layout.tiling.height, tile_layout.tiling.width);
    // Where there is no room for any, the device says what it lacks.
    sides.map(cut).find(fits).unwrap_or_else(|| cut(bsize))
}

/// A layer some of whose tiles are done.
struct PendingPlane {
    planes: Planes,
    tile_layout: TileLayout,
    blend: Blend,
    style: Vec<f32>,
    /// TileProgress that were cut.
    cut: usize,
    /// TileProgress that came back.
    added: usize,
}

impl PendingPlane {
    fn new(planes: Planes, tile_layout: TileLayout, nout: usize, style_channels: usize) -> Self {
        let blend = Blend::new(tile_layout.clone(), nout, planes.height(), planes.width());
        Self { planes, tile_layout, blend, style: vec![0.0; style_channels], cut: 0, added: 0 }
    }

    fn tiles(&self) -> &[Tile] {
        &self.tile_layout.tiling.tiles
    }

    fn has_more(&self) -> bool {
        self.cut < self.tiles().len()
    }

    fn is_done(&self) -> bool {
        self.added == self.tiles().len()
    }

    /// Adds the next tiles, at most `most`, to a batch.
    fn cut(&mut self, most: usize, batch: &mut TileBatch) {
        let next = &self.tiles()[self.cut..];
        let next = &next[..next.len().min(most)];
        let (count, mut tiles) = (next.len(), tile::cut(&self.tile_layout, &self.planes, next));
        if batch.tiles.is_empty() {
            batch.tiles = tiles;
        } else {
            batch.tiles.append(&mut tiles);
        }
        (batch.height, batch.width) = (self.tile_layout.tiling.height, self.tile_layout.tiling.width);
        batch.count += count;
        self.cut += count;
    }

    /// Takes what the network made of the tiles that were cut and did not come back yet.
    fn add<'o>(&mut self, found: &mut impl Iterator<Item = (&'o [f32], &'o [f32])>) {
        for (output, style) in found.take(self.cut - self.added) {
            self.blend.add(&self.tile_layout.tiling.tiles[self.added], output);
            self.style.iter_mut().zip(style).for_each(|(sum, value)| *sum += value);
            self.added += 1;
        }
    }

    /// The blended outputs and the style, of unit length.
    fn finish(self) -> (Planes, Vec<f32>) {
        (self.blend.finish(), unit(self.style))
    }
}

/// A style of unit length.
pub(crate) fn unit(mut style: Vec<f32>) -> Vec<f32> {
    let norm = style.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        style.iter_mut().for_each(|value| *value /= norm);
    }
    style
}
