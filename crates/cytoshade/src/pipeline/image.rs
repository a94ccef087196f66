//! The pipeline for one image (the reference's `CellposeModel.eval`).

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{
    Control, Description, Error as CoreError, ImageView, Labels, Network, Params, Planes, Stage, Volume, channels,
};
use cytoshade_cpu::{fill_holes, flow_error, histogram, masks, normalize, resize};
use cytoshade_model::SizeModel;
use web_time::Instant;

use crate::backend::outputs::{CELLPROB, CLASSES, FLOWS};
use crate::backend::placed::{Placed, PlacedPlanes};
use crate::backend::stream::Output;
use crate::backend::{Backend, unless_over_capacity};
use crate::gpu::{self, Gpu, GpuPlanes};
use crate::pipeline::diameter;
use crate::pipeline::run::Run;
use crate::{Error, Segmentation};

/// Fails unless the network outputs dY, dX and cellprob, and accepts the tiles of padded planes.
pub(crate) fn check_network(network: &Network) -> Result<(), Error> {
    let Description { outputs, tile, .. } = network.description();
    if outputs.flows.is_none() {
        return Err(CoreError::NotSegmentation { outputs: outputs.count }.into());
    }
    tile.side(None)?;
    Ok(())
}

/// Segments one image. A size model estimates the diameter if `params` have none.
pub(crate) async fn segment(
    backend: &Backend,
    network: &Network,
    size_model: Option<&SizeModel>,
    image: ImageView<'_>,
    params: &Params,
    control: &Control<'_>,
) -> Result<Segmentation, Error> {
    let mut run = Run::new(backend, network, control, [1, image.height(), image.width()]);
    let (planes, rescale) = run.prepare(image, size_model, params).await?;
    let output = run.network(planes, params).await?;
    run.label(output, &rescale, (image.height(), image.width()), params).await
}

impl Run<'_> {
    /// Prepares the network's input for an image, and the sizes of its later stages.
    pub(crate) async fn prepare(
        &mut self,
        image: ImageView<'_>,
        size_model: Option<&SizeModel>,
        params: &Params,
    ) -> Result<(PlacedPlanes, Rescale), Error> {
        params.check()?;
        // Checked first, so that a diameter out of range fails at once.
        let mut rescale = Rescale::new(params, &self.network.description().rescale, image.height(), image.width())?;
        let size = if params.resample { image.height() * image.width() } else { 0 };
        self.check_image_memory(size.max(rescale.height * rescale.width))?;
        let planes = self.input(image, params).await?;
        if let (None, Some(size_model)) = (params.diameter, size_model) {
            rescale = diameter::estimate(self, size_model, &planes, params).await?;
        }
        let planes = self.resize(planes, (rescale.height, rescale.width)).await?;
        Ok((planes, rescale))
    }

    /// Turns the network's outputs for an image of (height, width) into its segmentation.
    pub(crate) async fn label(
        &mut self,
        output: Output,
        rescale: &Rescale,
        size: (usize, usize),
        params: &Params,
    ) -> Result<Segmentation, Error> {
        let Output { mut outputs, style, .. } = output;
        if params.resample {
            outputs = self.resize(outputs, size).await?;
        }
        let (labels, outputs) = self.masks(outputs, rescale.niter, size, params).await?;
        let asked = params.outputs;
        let is_asked = asked.flows || asked.cellprob || asked.classes;
        let outputs = if is_asked { outputs.into_host().await? } else { Planes::default() };
        Ok(Segmentation {
            labels,
            flows: asked.flows.then(|| outputs.select(FLOWS)),
            cellprob: asked.cellprob.then(|| outputs.select(CELLPROB..CLASSES)),
            style: style.filter(|_| asked.style),
            classes: asked.classes.then(|| outputs.select(CLASSES..outputs.channels())),
            diameter: rescale.diameter,
            niter: rescale.niter,
            device: self.backend.info(),
            timings: std::mem::take(&mut self.timings),
        })
    }

    /// Selects the channels of an image and normalizes them.
    async fn input(&mut self, image: ImageView<'_>, params: &Params) -> Result<PlacedPlanes, Error> {
        let inputs = self.network.description().inputs;
        let planes = self.stage(Stage::Channels, || channels::select(image, params, inputs))??;
        let gpu = self.backend.stages().map(|(gpu, _)| gpu).filter(|_| gpu::normalizes(params, inputs));
        let on_gpu = async |gpu: &Gpu, planes: &mut Planes| {
            gpu::normalize(gpu, GpuPlanes::upload(gpu, planes).await?, params).await
        };
        let on_host = async |planes: Planes| {
            let mut volume = Volume::from(planes);
            normalize::normalize(&mut volume, params)?;
            Ok(Planes::from(volume))
        };
        match self.gpu_or_host(Stage::Normalize, gpu, planes, on_gpu, on_host).await? {
            Placed::Host(planes) => self.backend.place(planes).await,
            planes => Ok(planes),
        }
    }

    /// Turns the network's outputs (dY, dX, cellprob first) into labels of the image's (height, width).
    ///
    /// Also returns the outputs, on the device that then holds them.
    pub(crate) async fn masks(
        &mut self,
        outputs: PlacedPlanes,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<(Labels, PlacedPlanes), Error> {
        if !params.compute_masks {
            return Ok((Labels::zeros(size.0, size.1), outputs));
        }
        let there = match &outputs {
            Placed::Device(gpu, planes) => Some((gpu.clone(), planes.clone())),
            Placed::Host(planes) => self.backend.upload(planes).await?,
        };
        if let Some((gpu, planes)) = there {
            let labels = self.masks_on_gpu(&gpu, &planes, niter, size, params).await;
            if let Some(labels) = unless_over_capacity(labels)? {
                return Ok((labels, outputs));
            }
        }
        let outputs = match outputs {
            Placed::Host(outputs) => outputs,
            there => {
                let start = Instant::now();
                let outputs = there.into_host().await?;
                self.timings.add(Stage::FollowFlows, start.elapsed());
                outputs
            }
        };
        let labels = self.masks_on_host(&outputs, niter, size, params).await?;
        Ok((labels, Placed::Host(outputs)))
    }

    /// [`Run::masks`] on a GPU. Only tables of the masks return to the host before the labels are done.
    async fn masks_on_gpu(
        &mut self,
        gpu: &Gpu,
        outputs: &GpuPlanes,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        let ends = gpu::follow_flows(gpu, outputs, params.cellprob_threshold, niter, params.interp);
        let ends = self.gpu_stage(Stage::FollowFlows, gpu, ends).await?;
        let labels = async {
            let histogram = gpu::histogram(gpu, &ends).await?;
            gpu::masks(gpu, &ends, &histogram, params.max_size_fraction).await
        };
        let mut labels = self.gpu_stage(Stage::Masks, gpu, labels).await?;
        drop(ends);
        let check = gpu::remove_bad(gpu, &mut labels, outputs, params.flow_threshold, exact_flow_error);
        self.gpu_stage(Stage::FlowError, gpu, check).await?;
        let fill = gpu::fill_holes_and_remove_small(gpu, labels, size, params.min_size);
        self.gpu_stage(Stage::FillHoles, gpu, fill).await
    }

    /// [`Run::masks`] of outputs in host memory. A GPU runs the two longest stages in parts.
    async fn masks_on_host(
        &mut self,
        outputs: &Planes,
        niter: u32,
        (height, width): (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        let (backend, gpu) = (self.backend, self.backend.out_of_core());
        let threshold = params.cellprob_threshold;
        let in_strips = async |gpu: &Gpu, _: &mut ()| {
            gpu::follow_flows_in_strips(gpu, outputs, threshold, niter, params.interp).await
        };
        let on_host = async |()| backend.follow_flows(outputs, niter, params).await;
        let ends = self.gpu_or_host(Stage::FollowFlows, gpu, (), in_strips, on_host).await?.into_inner();

        let labels = self.stage(Stage::Masks, || {
            let histogram = histogram::histogram(&ends, outputs.height(), outputs.width());
            masks::masks(&ends, &histogram, params.max_size_fraction)
        })?;
        drop(ends);

        let threshold = params.flow_threshold;
        let in_windows = async |gpu: &Gpu, labels: &mut Labels| {
            gpu::remove_bad_in_windows(gpu, labels, outputs, threshold, exact_flow_error).await?;
            Ok(std::mem::take(labels))
        };
        let on_host = async |mut labels: Labels| {
            flow_error::remove_bad(&mut labels, outputs, threshold)?;
            Ok(labels)
        };
        let mut labels = self.gpu_or_host(Stage::FlowError, gpu, labels, in_windows, on_host).await?.into_inner();

        self.stage(Stage::FillHoles, || {
            if (labels.height(), labels.width()) != (height, width) {
                labels = resize::nearest(&labels, height, width);
            }
            fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
            labels
        })
    }
}

/// The flow error of one mask in f64, for masks that f32 cannot decide.
fn exact_flow_error(mask: &Labels, flows: &Planes) -> Option<f64> {
    flow_error::flow_errors(mask, flows).ok()?.first().copied()
}
