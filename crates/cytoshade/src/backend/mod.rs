//! The stages that differ between a GPU and the CPU, behind one face.

#[cfg(target_arch = "wasm32")]
pub(crate) mod remote;
pub(crate) mod stream;

use std::pin::Pin;

use cytoshade_core::tiling::Tiling;
use cytoshade_core::{EndPoints, Network, Params, Planes, Recorder, Span};
use cytoshade_cpu::follow_flows;
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};
use cytoshade_gpu::{ConvKernel, DeviceOptions, Error as GpuError, Gpu, GpuPlanes, Options, Precision};

#[cfg(not(target_arch = "wasm32"))]
use crate::Format;
use crate::pipeline::placed::Field;
use crate::{Device, DeviceInfo, Error, Model, PrecisionChoice, device};

/// Hears of the tiles that are complete, and may stop the run. `Send` where there are threads, so that a segmentation's
/// future may move between them.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type Done<'a> = dyn FnMut(usize) -> Result<(), cytoshade_core::Error> + Send + 'a;
#[cfg(target_arch = "wasm32")]
pub(crate) type Done<'a> = dyn FnMut(usize) -> Result<(), cytoshade_core::Error> + 'a;

/// TileProgress on their way through the network.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) type PendingBatch<'a> = Pin<Box<dyn Future<Output = Result<Batch, Error>> + Send + 'a>>;
/// TileProgress on their way through the network.
#[cfg(target_arch = "wasm32")]
pub type PendingBatch<'a> = Pin<Box<dyn Future<Output = Result<Batch, Error>> + 'a>>;

/// A network on a device, and the stages that run there.
#[derive(Debug)]
pub(crate) enum Backend {
    Cpu {
        network: Box<CpuNetwork>,
        /// What it took to repack the weights.
        weights: Span,
    },
    Gpu {
        gpu: Gpu,
        network: Box<cytoshade_gpu::Network>,
    },
    #[cfg(target_arch = "wasm32")]
    Remote(Box<dyn crate::RemoteBackend>),
}

/// What the network gives for a batch of tiles.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "wasm32"), allow(unreachable_pub))]
pub struct Batch {
    /// The outputs, of shape [tiles, nout, height, width].
    pub outputs: Vec<f32>,
    /// The style vectors, of shape [tiles, style channels], each of L2 norm 1.
    pub styles: Vec<f32>,
}

/// TileProgress that were cut, for one batch.
#[derive(Debug, Default)]
pub(crate) struct TileBatch {
    /// Shape [count, channels, height, width].
    pub(crate) tiles: Vec<f32>,
    pub(crate) count: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// What a backend shall be.
#[derive(Clone, Debug, Default)]
pub(crate) struct BackendConfig {
    pub(crate) device: Device,
    /// How a GPU runs the network.
    pub(crate) options: Options,
    /// How a GPU is opened.
    pub(crate) device_options: DeviceOptions,
    /// What a GPU stores activations in; decides over `options`.
    pub(crate) precision: PrecisionChoice,
    /// Whether a GPU's kernels are chosen by measurement.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) tune: bool,
    /// The hash of the model's file, where that says which network it is.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) sha256: Option<cytoshade_model::Sha256>,
    /// Whether the network is for restoration.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) restores: bool,
    /// The CPU's instruction set, instead of the fastest.
    pub(crate) isa: Option<Isa>,
}

impl BackendConfig {
    /// For the network of a model, and whether that is for restoration.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn for_model(self, model: &Model, restores: bool) -> Self {
        let origin = model.origin();
        // An ONNX model's weights may lie in files beside it.
        let sha256 = (origin.format != Format::Onnx).then_some(origin.sha256);
        Self { sha256, restores, ..self }
    }

    /// For the network of a model.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn for_model(self, _: &Model, _: bool) -> Self {
        self
    }

    /// The folder in which things are kept for the next run.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn folder(&self) -> Option<&std::path::Path> {
        self.device_options.pipeline_cache.as_deref()
    }

    /// A network on the device that is asked for.
    pub(crate) async fn open(&self, network: &Network) -> Result<Backend, Error> {
        match device::open(self.device, &self.device_options).await? {
            None => Backend::cpu(network, self),
            Some(gpu) => match Backend::gpu(gpu, network, self).await {
                // What was asked for and cannot be had is said.
                Err(error @ Error::Gpu(GpuError::Unsuitable { .. } | GpuError::NoF16 { .. })) => Err(error),
                // A GPU that opens but cannot take the network is no reason to do nothing.
                Err(Error::Gpu(_)) if self.device == Device::Auto => Backend::cpu(network, self),
                result => result,
            },
        }
    }
}

impl Backend {
    fn cpu(network: &Network, config: &BackendConfig) -> Result<Self, Error> {
        let weights = Span::begin("weights");
        let network = match config.isa {
            None => CpuNetwork::new(network),
            Some(isa) => CpuNetwork::with_isa(network, isa).ok_or_else(|| Error::Cpu(isa.missing()))?,
        };
        Ok(Backend::Cpu { network: Box::new(network), weights: weights.end() })
    }

    async fn gpu(gpu: Gpu, network: &Network, config: &BackendConfig) -> Result<Self, Error> {
        #[cfg(not(target_arch = "wasm32"))]
        let (options, kernel_choices) = {
            let options = Options {
                precision: crate::calibrate::precision::decide(&gpu, network, config).await,
                ..config.options
            };
            (
                options,
                crate::calibrate::autotune::kernel_choices(&gpu, network, options, config).await.map_err(Error::Gpu)?,
            )
        };
        #[cfg(target_arch = "wasm32")]
        let (options, kernel_choices) =
            (Options { precision: config.precision.plain(), ..config.options }, Default::default());
        let on = cytoshade_gpu::Network::with_kernel_choices(&gpu, network, options, &kernel_choices)
            .await
            .map_err(Error::Gpu)?;
        Ok(Backend::Gpu { gpu, network: Box::new(on) })
    }

    /// What it took to make it ready.
    pub(crate) fn phases(&self) -> Vec<Span> {
        match self {
            Backend::Cpu { weights, .. } => vec![*weights],
            Backend::Gpu { gpu, .. } => gpu.phases(),
            #[cfg(target_arch = "wasm32")]
            Backend::Remote(_) => Vec::new(),
        }
    }

    /// What activations are stored in.
    pub(crate) fn precision(&self) -> Precision {
        match self {
            Backend::Gpu { network, .. } => network.options().precision,
            _ => Precision::F32,
        }
    }

    /// The kernels of the 3x3 convolutions on a GPU.
    pub(crate) fn kernels(&self) -> Vec<ConvKernel> {
        match self {
            Backend::Gpu { network, .. } => network.kernels(),
            _ => Vec::new(),
        }
    }

    /// Whether the device is gone.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Backend::Gpu { gpu, .. } if gpu.is_lost())
    }

    pub(crate) fn info(&self) -> DeviceInfo {
        match self {
            Backend::Cpu { network, .. } => cpu_info(network.isa()),
            Backend::Gpu { gpu, .. } => DeviceInfo::Gpu(gpu.info().clone()),
            #[cfg(target_arch = "wasm32")]
            Backend::Remote(elsewhere) => elsewhere.info(),
        }
    }

    /// Whether it has room for a tile of a size.
    pub(crate) fn takes(&self, height: usize, width: usize) -> bool {
        match self {
            Backend::Gpu { network, .. } => network.max_batch(height, width) > 0,
            _ => true,
        }
    }

    /// Makes a network on a GPU ready for tiles of a size; `weights` are those that it was made of.
    pub(crate) async fn prepare(&self, weights: &Network, tiling: &Tiling) -> Result<(), Error> {
        match self {
            Backend::Gpu { network, .. } => {
                network.prepare(weights, tiling.height, tiling.width).await.map_err(Error::Gpu)
            }
            _ => Ok(()),
        }
    }

    /// How many tiles a batch has where `batch_size` are asked for, and how many batches are on their way at the same time.
    pub(crate) fn batches(&self, batch_size: usize) -> (usize, usize) {
        match self {
            // While workers are busy with some tiles, others are cut and blended here.
            #[cfg(target_arch = "wasm32")]
            Backend::Remote(_) => (1, batch_size),
            _ => (batch_size, 1),
        }
    }

    /// Runs tiles through the network, which is [prepared](Self::prepare) for them: once the flight is awaited, elsewhere at
    /// once. `done` hears of each tile that is complete (on a GPU, of all of them at the end) and may stop the run;
    /// `recorder` hears what each step took.
    pub(crate) fn network<'a>(
        &'a self,
        cut: TileBatch,
        mut done: Box<Done<'a>>,
        recorder: Option<&'a Recorder>,
    ) -> PendingBatch<'a> {
        let TileBatch { tiles, count, height, width } = cut;
        match self {
            Backend::Cpu { network, .. } => Box::pin(async move {
                let batch = network.run_recorded(&tiles, count, height, width, &mut done, recorder)?;
                Ok(Batch { outputs: batch.outputs, styles: batch.styles })
            }),
            Backend::Gpu { network, .. } => Box::pin(async move {
                let batch = network.run_recorded(&tiles, count, height, width, recorder).await.map_err(Error::Gpu)?;
                done(count)?;
                Ok(Batch { outputs: batch.outputs, styles: batch.styles })
            }),
            #[cfg(target_arch = "wasm32")]
            Backend::Remote(elsewhere) => {
                let tile = elsewhere.network(&tiles, height, width);
                Box::pin(async move {
                    let batch = tile.await?;
                    done(count)?;
                    Ok(batch)
                })
            }
        }
    }

    /// Where the flows of outputs on the host carry the pixels that take part.
    pub(crate) async fn follow_flows(&self, outputs: &Planes, niter: u32, params: &Params) -> Result<EndPoints, Error> {
        let (cellprob, threshold) = (outputs.plane(2), params.cellprob_threshold);
        #[cfg(target_arch = "wasm32")]
        if let Backend::Remote(elsewhere) = self {
            let steps = follow_flows::Steps::new(outputs, cellprob, threshold)?;
            let pixels = follow_flows::taking_part(cellprob, threshold);
            return elsewhere.follow_flows(&steps, pixels, niter, params.interp).await;
        }
        Ok(follow_flows::follow_flows(outputs, cellprob, threshold, niter, params.interp)?)
    }

    /// The GPU on which the stages before and after the network run too.
    pub(crate) fn stages(&self) -> Option<(&Gpu, &cytoshade_gpu::Network)> {
        match self {
            Backend::Gpu { gpu, network } if !gpu.compiles_slowly() => Some((gpu, network)),
            _ => None,
        }
    }

    /// Planes on the GPU, where the stages run there and it has room for them.
    pub(crate) async fn upload(&self, planes: &Planes) -> Result<Option<(Gpu, GpuPlanes)>, Error> {
        let Some((gpu, _)) = self.stages() else { return Ok(None) };
        match GpuPlanes::upload(gpu, planes).await {
            Err(error) if is_capacity_error(&error) => Ok(None),
            result => Ok(Some((gpu.clone(), result.map_err(Error::Gpu)?))),
        }
    }

    /// Planes where the stages run: on a GPU that takes them and has room.
    pub(crate) async fn place(&self, planes: Planes) -> Result<Field, Error> {
        let placed = self.upload(&planes).await?;
        Ok(placed.map_or_else(|| Field::Host(planes), |(gpu, planes)| Field::Device(gpu, planes)))
    }
}

/// Whether a device failed at what the host can do in its place: planes that are too large for a binding or its memory.
pub(crate) fn is_capacity_error(error: &GpuError) -> bool {
    matches!(error, GpuError::Limit { .. } | GpuError::OutOfMemory { .. })
}

pub(crate) fn cpu_info(isa: Isa) -> DeviceInfo {
    DeviceInfo::Cpu { isa: isa.to_string(), threads: cytoshade_cpu::threads() }
}
