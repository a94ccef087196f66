//! A network on a device, and the stages that run there.

#[cfg(feature = "cpu")]
mod cpu;
#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(not(feature = "cpu"))]
mod no_cpu;
pub(crate) mod outputs;
pub(crate) mod placed;
pub(crate) mod stream;
pub(crate) mod trace;
#[cfg(target_arch = "wasm32")]
mod web;

use cytoshade_core::tiling::Tiling;
use cytoshade_core::{EndPoints, Network, Params, Planes, Recorder, Span, Volume};
use cytoshade_cpu::follow_flows;

#[cfg(feature = "cpu")]
pub(crate) use cpu::Cpu;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use native::{Done, PendingBatch, Remote};
#[cfg(not(feature = "cpu"))]
pub(crate) use no_cpu::Cpu;
#[cfg(target_arch = "wasm32")]
pub(crate) use web::{Done, Remote};
#[cfg(target_arch = "wasm32")]
pub use web::{PendingBatch, RemoteBackend};

use crate::gpu::volume::GpuVolume;
use crate::gpu::{self, Gpu, GpuPlanes};
use crate::{DeviceInfo, Error};
use outputs::CELLPROB;
use placed::{Placed, PlacedPlanes, PlacedVolume};

/// A network on a device.
#[derive(Debug)]
pub(crate) enum Backend {
    Cpu(Box<Cpu>),
    Gpu {
        gpu: Gpu,
        network: Box<gpu::Network>,
    },
    #[cfg_attr(not(target_arch = "wasm32"), expect(dead_code))]
    Remote(Remote),
}

/// The network's results for a batch of tiles.
#[derive(Debug)]
#[cfg_attr(not(target_arch = "wasm32"), allow(unreachable_pub))]
pub struct Batch {
    /// The outputs, of shape [tiles, outputs, height, width].
    pub outputs: Vec<f32>,
    /// The style vectors, of shape [tiles, style channels], each of L2 norm 1.
    ///
    /// Empty if the network has no style.
    pub styles: Vec<f32>,
}

/// Tiles for one run of the network.
#[derive(Debug, Default)]
pub(crate) struct TileBatch {
    /// Shape [count, channels, height, width].
    pub(crate) tiles: Vec<f32>,
    pub(crate) count: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

impl Backend {
    /// Opens a network on a GPU with resolved options.
    #[cfg(feature = "gpu")]
    pub(crate) async fn open(
        gpu: Gpu,
        network: &Network,
        options: cytoshade_gpu::Options,
        kernels: &crate::calibrate::KernelChoices,
    ) -> Result<Self, Error> {
        let network = cytoshade_gpu::Network::with_kernel_choices(&gpu, network, options, kernels).await?;
        Ok(Backend::Gpu { gpu, network: Box::new(network) })
    }

    /// True if stages of other images beside the network speed up a batch, on the pool of the calling thread.
    ///
    /// On a CPU with few threads the network keeps all of them busy, and its loops wait for a thread that others delay.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn gains_from_overlap(&self) -> bool {
        match self {
            #[cfg(feature = "cpu")]
            Backend::Cpu(_) => cytoshade_cpu::threads() > cytoshade_cpu::network::THREADS_PER_TILE,
            _ => true,
        }
    }

    /// The time of each phase of opening.
    pub(crate) fn phases(&self) -> Vec<Span> {
        match self {
            Backend::Cpu(cpu) => cpu.phases(),
            Backend::Gpu { gpu, .. } => gpu.phases(),
            Backend::Remote(_) => Vec::new(),
        }
    }

    /// The format in which activations are stored.
    #[cfg(feature = "gpu")]
    pub(crate) fn precision(&self) -> cytoshade_gpu::Precision {
        match self {
            Backend::Gpu { network, .. } => network.options().precision,
            _ => cytoshade_gpu::Precision::F32,
        }
    }

    /// The kernels of the 3x3 convolutions on a GPU.
    #[cfg(feature = "gpu")]
    pub(crate) fn kernels(&self) -> Vec<cytoshade_gpu::ConvKernel> {
        match self {
            Backend::Gpu { network, .. } => network.kernels(),
            _ => Vec::new(),
        }
    }

    /// Whether the device is lost.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self, Backend::Gpu { gpu, .. } if gpu.is_lost())
    }

    pub(crate) fn info(&self) -> DeviceInfo {
        match self {
            Backend::Cpu(cpu) => cpu.info(),
            Backend::Gpu { gpu, .. } => gpu.into(),
            Backend::Remote(remote) => remote.info(),
        }
    }

    /// Whether the device has room for a tile of a size.
    pub(crate) fn takes(&self, height: usize, width: usize) -> bool {
        match self {
            Backend::Gpu { network, .. } => network.max_batch(height, width) > 0,
            _ => true,
        }
    }

    /// Prepares a network on a GPU for tiles of one size. `weights` are the weights it was opened with.
    pub(crate) async fn prepare(&self, weights: &Network, tiling: &Tiling) -> Result<(), Error> {
        match self {
            Backend::Gpu { network, .. } => Ok(network.prepare(weights, tiling.height, tiling.width).await?),
            _ => Ok(()),
        }
    }

    /// Tiles per batch, and batches in flight, for at most `batch_size` tiles per batch.
    pub(crate) fn batches(&self, batch_size: usize) -> (usize, usize) {
        match self {
            // While workers run some tiles, this thread cuts and blends others.
            Backend::Remote(_) => (1, batch_size),
            _ => (batch_size, 1),
        }
    }

    /// Runs tiles through the network, which must be [prepared](Self::prepare) for them.
    ///
    /// A remote backend starts at once, the others when the future is polled. `done` is called after each tile (on a
    /// GPU once, after all tiles) and can stop the run; `recorder` receives the time of each step.
    pub(crate) fn network<'a>(
        &'a self,
        batch: TileBatch,
        mut done: Box<Done<'a>>,
        recorder: Option<&'a Recorder>,
    ) -> PendingBatch<'a> {
        match self {
            Backend::Cpu(cpu) => Box::pin(async move { cpu.run(&batch, &mut done, recorder) }),
            Backend::Gpu { network, .. } => Box::pin(async move {
                let TileBatch { tiles, count, height, width } = batch;
                let result = network.run_recorded(&tiles, count, height, width, recorder).await?;
                done(count)?;
                Ok(Batch { outputs: result.outputs, styles: result.styles })
            }),
            Backend::Remote(remote) => {
                let tile = remote.network(&batch.tiles, batch.height, batch.width);
                Box::pin(async move {
                    let result = tile.await?;
                    done(batch.count)?;
                    Ok(result)
                })
            }
        }
    }

    /// The end points of the flows of outputs in the host's memory.
    pub(crate) async fn follow_flows(&self, outputs: &Planes, niter: u32, params: &Params) -> Result<EndPoints, Error> {
        let (cellprob, threshold) = (outputs.plane(CELLPROB), params.cellprob_threshold);
        if let Backend::Remote(remote) = self {
            let steps = follow_flows::Steps::new(outputs, cellprob, threshold)?;
            let pixels = follow_flows::taking_part(cellprob, threshold);
            return remote.follow_flows(&steps, pixels, niter, params.interp).await;
        }
        Ok(follow_flows::follow_flows(outputs, cellprob, threshold, niter, params.interp)?)
    }

    /// The GPU and its network, if the stages before and after the network run there too.
    pub(crate) fn stages(&self) -> Option<(&Gpu, &gpu::Network)> {
        match self {
            Backend::Gpu { gpu, network } if !gpu.compiles_slowly() => Some((gpu, network)),
            _ => None,
        }
    }

    /// The GPU that processes planes over its binding limit in parts. `None` in builds for browsers.
    pub(crate) fn out_of_core(&self) -> Option<&Gpu> {
        match self {
            Backend::Gpu { gpu, .. } if cfg!(not(target_arch = "wasm32")) => Some(gpu),
            _ => None,
        }
    }

    /// Copies planes to the GPU, if the stages run there and the planes fit.
    pub(crate) async fn upload(&self, planes: &Planes) -> Result<Option<(Gpu, GpuPlanes)>, Error> {
        let Some((gpu, _)) = self.stages() else { return Ok(None) };
        let there = unless_over_capacity(GpuPlanes::upload(gpu, planes).await)?;
        Ok(there.map(|there| (gpu.clone(), there)))
    }

    /// Moves planes to the GPU if the stages run there and the planes fit, else keeps them on the host.
    pub(crate) async fn place(&self, planes: Planes) -> Result<PlacedPlanes, Error> {
        let there = self.upload(&planes).await?;
        Ok(there.map_or_else(|| Placed::Host(planes), |(gpu, there)| Placed::Device(gpu, there)))
    }

    /// Moves a stack to the GPU if the stages run there and the stack fits, else keeps it on the host.
    pub(crate) async fn place_volume(&self, volume: Volume) -> Result<PlacedVolume, Error> {
        if let Some((gpu, _)) = self.stages()
            && let Some(there) = unless_over_capacity(GpuVolume::upload(gpu, &volume).await)?
        {
            return Ok(Placed::Device(gpu.clone(), there));
        }
        Ok(Placed::Host(volume))
    }
}

/// Turns a capacity error of the device into `None`, so that the host runs the stage.
pub(crate) fn unless_over_capacity<T>(result: Result<T, impl Into<Error>>) -> Result<Option<T>, Error> {
    match result.map_err(Into::into) {
        Err(error) if error.is_over_capacity() => Ok(None),
        result => result.map(Some),
    }
}
