//! Shared by all pipelines: timed, reported and cancellable stages on the GPU or on the host.

use cytoshade_core::{Control, Network, Params, Stage, Timings, Volume};
use cytoshade_cpu::{normalize, resize, volume};
use web_time::Instant;

use crate::Error;
use crate::backend::placed::{OnDevice, Placed, PlacedPlanes, PlacedVolume};
use crate::backend::stream::{Destination, NetworkStream, Output, TileProgress, Watch, tile_layout};
use crate::backend::trace::{self, Span, Subject};
use crate::backend::{Backend, unless_over_capacity};
use crate::gpu::volume::GpuVolume;
use crate::gpu::{self, Gpu, GpuPlanes};

/// Bytes per pixel that the stages of an image take on the host, beside the image: on the CPU, and around a GPU.
const BYTES_PER_PIXEL: [usize; 2] = [48, 12];
/// Bytes per voxel that the stages of a stack in 3-D take on the host.
pub(crate) const BYTES_PER_VOXEL: usize = 40;

/// One call of the library.
pub(crate) struct Run<'a> {
    pub(crate) backend: &'a Backend,
    pub(crate) network: &'a Network,
    pub(crate) control: &'a Control<'a>,
    pub(crate) timings: Timings,
    /// The image or stack, for spans.
    subject: Subject,
    /// Whether each stage waits for the GPU at its end, so that timings are per stage.
    pub(crate) waits: bool,
}

impl<'a> Run<'a> {
    /// A call for an image or stack of size [depth, height, width].
    pub(crate) fn new(backend: &'a Backend, network: &'a Network, control: &'a Control<'a>, size: [usize; 3]) -> Self {
        let subject = Subject { size: Some(size), image: control.image() };
        Self { backend, network, control, timings: Timings::default(), subject, waits: true }
    }

    /// Fails if the host cannot allocate what the stages of an image of so many pixels take, before they start.
    ///
    /// An allocation that fails within a stage aborts the process.
    pub(crate) fn check_image_memory(&self, pixels: usize) -> Result<(), Error> {
        let [on_cpu, around_gpu] = BYTES_PER_PIXEL;
        let per_pixel = if matches!(self.backend, Backend::Cpu(_)) { on_cpu } else { around_gpu };
        check_memory(pixels.saturating_mul(per_pixel))
    }

    fn span(&self, stage: Stage) -> Span {
        trace::span(stage, self.subject, self.backend)
    }

    /// Runs a stage on the host: timed, reported at its start and end, and skipped after a cancellation.
    pub(crate) fn stage<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> Result<T, Error> {
        self.control.step(stage, 0, 1)?;
        let span = self.span(stage);
        let result = self.timings.measure(stage, || span.in_scope(work));
        self.control.step(stage, 1, 1)?;
        Ok(result)
    }

    /// [`Run::stage`] for asynchronous work, on a GPU or in other workers.
    pub(crate) async fn awaited_stage<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        self.control.step(stage, 0, 1)?;
        let (span, start) = (self.span(stage), Instant::now());
        let result = span.run(work).await;
        self.timings.add(stage, start.elapsed());
        let result = result?;
        self.control.step(stage, 1, 1)?;
        Ok(result)
    }

    /// Runs a stage on a GPU.
    pub(crate) async fn gpu_stage<T>(
        &mut self,
        stage: Stage,
        gpu: &Gpu,
        work: impl Future<Output = Result<T, gpu::Error>>,
    ) -> Result<T, Error> {
        let waits = self.waits;
        let work = async {
            let result = work.await?;
            if waits {
                gpu.wait_idle("a stage")?;
            }
            Ok(result)
        };
        self.awaited_stage(stage, work).await
    }

    /// Runs a stage on the GPU; runs it on the host without a GPU, or if the GPU lacks the capacity.
    pub(crate) async fn gpu_or_host<I, D, H>(
        &mut self,
        stage: Stage,
        gpu: Option<&Gpu>,
        mut input: I,
        on_gpu: impl AsyncFnOnce(&Gpu, &mut I) -> Result<D, gpu::Error>,
        on_host: impl AsyncFnOnce(I) -> Result<H, Error>,
    ) -> Result<Placed<H, D>, Error> {
        if let Some(gpu) = gpu {
            let result = self.gpu_stage(stage, gpu, on_gpu(gpu, &mut input)).await;
            if let Some(result) = unless_over_capacity(result)? {
                return Ok(Placed::Device(gpu.clone(), result));
            }
        }
        Ok(Placed::Host(self.awaited_stage(stage, on_host(input)).await?))
    }

    /// Runs a stage on the device that holds its input, or on the host if the GPU lacks the capacity.
    pub(crate) async fn in_place<I, J: OnDevice<Host = I>, D, H>(
        &mut self,
        stage: Stage,
        input: Placed<I, J>,
        on_gpu: impl AsyncFnOnce(&Gpu, &J) -> Result<D, gpu::Error>,
        on_host: impl FnOnce(I) -> H,
    ) -> Result<Placed<H, D>, Error> {
        match input {
            Placed::Host(input) => Ok(Placed::Host(self.stage(stage, || on_host(input))?)),
            Placed::Device(gpu, input) => {
                let on_gpu = async |gpu: &Gpu, input: &mut J| on_gpu(gpu, input).await;
                let on_host = async |input: J| Ok(on_host(input.to_host(&gpu).await?));
                self.gpu_or_host(stage, Some(&gpu), input, on_gpu, on_host).await
            }
        }
    }

    /// Resizes planes to height and width.
    pub(crate) async fn resize(&mut self, planes: PlacedPlanes, size: (usize, usize)) -> Result<PlacedPlanes, Error> {
        if planes.size() == size {
            return Ok(planes);
        }
        let (height, width) = size;
        let on_gpu = async |gpu: &Gpu, planes: &GpuPlanes| gpu::bilinear(gpu, planes, height, width).await;
        self.in_place(Stage::Resize, planes, on_gpu, |planes| resize::bilinear(&planes, height, width)).await
    }

    /// Resizes a stack to [depth, height, width].
    pub(crate) async fn resize_volume(&mut self, stack: PlacedVolume, size: [usize; 3]) -> Result<PlacedVolume, Error> {
        if stack.size() == size {
            return Ok(stack);
        }
        let on_gpu = async |gpu: &Gpu, stack: &GpuVolume| gpu::volume::linear_resize(gpu, stack.clone(), size).await;
        self.in_place(Stage::Resize, stack, on_gpu, |stack| volume::resize::linear(stack, size)).await
    }

    /// Normalizes a stack as `params` specify, on the GPU if it has the shaders for them.
    pub(crate) async fn normalize_volume(&mut self, stack: Volume, params: &Params) -> Result<PlacedVolume, Error> {
        let gpu = self.backend.stages().map(|(gpu, _)| gpu);
        let gpu = gpu.filter(|_| gpu::volume::normalizes(params, stack.channels(), stack.depth()));
        let on_gpu = async |gpu: &Gpu, stack: &mut Volume| {
            gpu::volume::normalize(gpu, GpuVolume::upload(gpu, stack).await?, params).await
        };
        let on_host = async |mut stack: Volume| {
            normalize::normalize(&mut stack, params)?;
            Ok(stack)
        };
        self.gpu_or_host(Stage::Normalize, gpu, stack, on_gpu, on_host).await
    }

    /// The number of tiles of a plane.
    pub(crate) fn tiles(&self, (height, width): (usize, usize), params: &Params) -> Result<usize, Error> {
        Ok(tile_layout(self.backend, self.network, height, width, params)?.tiling.tiles.len())
    }

    /// Starts a pass of the network.
    pub(crate) fn stream<'s>(
        &'s mut self,
        params: &'s Params,
        progress: &'s mut TileProgress,
        destination: Destination,
    ) -> Result<NetworkStream<'s>, Error> {
        if let TileProgress { done: 0, total } = *progress {
            self.control.step(Stage::Network, 0, total)?;
        }
        let span = self.span(Stage::Network);
        let watch = Watch { control: self.control, progress: Some(progress), timings: &mut self.timings, span };
        Ok(NetworkStream::new(self.backend, self.network, params, watch, destination))
    }

    /// Runs the network over the planes of one image.
    pub(crate) async fn network(&mut self, planes: PlacedPlanes, params: &Params) -> Result<Output, Error> {
        let mut progress = TileProgress { done: 0, total: self.tiles(planes.size(), params)? };
        let mut stream = self.stream(params, &mut progress, Destination::Stay)?;
        stream.push(planes).await?;
        stream.finish().await?;
        Ok(stream.pop().await?.expect("a finished stream holds an output for each plane"))
    }
}

/// Fails if the host cannot allocate so many bytes.
pub(crate) fn check_memory(bytes: usize) -> Result<(), Error> {
    Vec::<u8>::new().try_reserve_exact(bytes).map_err(|_| Error::Memory { bytes: bytes as u64 })
}
