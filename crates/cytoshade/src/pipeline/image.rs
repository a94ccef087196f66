//! The whole pipeline for one 2-D image (the reference's `CellposeModel.eval`), stage after stage.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{Control, EndPoints, Error as CoreError, Image, Labels, Network, Params, Planes, Stage};
use cytoshade_cpu::{fill_holes, flow_error, histogram, masks, resize};
use cytoshade_gpu::{Gpu, GpuPlanes};
use cytoshade_model::SizeModel;
use web_time::Instant;

use crate::backend::Backend;
use crate::pipeline::diameter;
use crate::pipeline::placed::Field;
use crate::pipeline::run::{PAD_MULTIPLE, Run};
use crate::{Error, Segmentation};

/// A network must give dY, dX and cellprob, and take tiles whose sides are multiples of 16.
pub(crate) fn check_network(network: &Network) -> Result<(), Error> {
    let shape = network.shape();
    if shape.nout() < 3 {
        return Err(CoreError::NotSegmentation { nout: shape.nout() }.into());
    }
    if shape.tile_multiple() > PAD_MULTIPLE {
        let found = shape.levels().to_string();
        return Err(CoreError::NetworkShape { what: "number of levels", found, expected: "1 to 5" }.into());
    }
    Ok(())
}

/// Segments one image. Where no diameter is given, a size model estimates it.
pub(crate) async fn segment(
    backend: &Backend,
    network: &Network,
    size_model: Option<&SizeModel>,
    image: &Image,
    params: &Params,
    control: &Control<'_>,
) -> Result<Segmentation, Error> {
    params.check()?;
    let (height, width) = (image.height(), image.width());
    // Asked for before the work begins, so that a diameter that cannot be fails at once.
    let mut rescale = Rescale::new(params, network.diam_mean(), network.diam_labels(), height, width)?;
    let mut run = Run::new(backend, network, control);
    let planes = run.input(image, params).await?;
    if let (None, Some(size_model)) = (params.diameter, size_model) {
        rescale = diameter::estimate(&mut run, size_model, &planes, params).await?;
    }
    let (outputs, style) = run.flows(planes, &rescale, params).await?;
    let (labels, outputs) = run.masks(outputs, rescale.niter, (height, width), params).await?;
    let asked = params.outputs;
    let outputs =
        if asked.flows || asked.cellprob || asked.classes { outputs.into_host().await? } else { Planes::default() };
    Ok(Segmentation {
        labels,
        flows: asked.flows.then(|| outputs.select(0..2)),
        cellprob: asked.cellprob.then(|| outputs.select(2..3)),
        style: asked.style.then_some(style),
        classes: asked.classes.then(|| outputs.select(3..outputs.channels())),
        diameter: rescale.diameter,
        niter: rescale.niter,
        device: backend.info(),
        timings: run.timings,
    })
}

impl Run<'_> {
    /// Planes at the image's size to the network's outputs [nout, height, width], at the size at which the dynamics
    /// run, and the style.
    pub(crate) async fn flows(
        &mut self,
        planes: Field,
        rescale: &Rescale,
        params: &Params,
    ) -> Result<(Field, Vec<f32>), Error> {
        let (height, width) = planes.size();
        let planes = self.resize(planes, rescale.height, rescale.width).await?;
        let (outputs, style) = self.network(planes, params).await?;
        let outputs = if params.resample { self.resize(outputs, height, width).await? } else { outputs };
        Ok((outputs, style))
    }

    /// The network's outputs (flows and cell probability first) to labels of the image's size (height, width), and the
    /// outputs where they are then.
    pub(crate) async fn masks(
        &mut self,
        outputs: Field,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<(Labels, Field), Error> {
        let outputs = match outputs {
            Field::Device(gpu, planes) => {
                if let Some(labels) = self.masks_on_gpu(&gpu, &planes, niter, size, params).await? {
                    return Ok((labels, Field::Device(gpu, planes)));
                }
                let start = Instant::now();
                let outputs = Field::Device(gpu, planes).into_host().await?;
                self.timings.add(Stage::FollowFlows, start.elapsed());
                outputs
            }
            Field::Host(outputs) => outputs,
        };
        let labels = self.masks_of_host(&outputs, niter, size, params).await?;
        Ok((labels, Field::Host(outputs)))
    }

    /// [`Run::masks`] of outputs that are on the host.
    pub(crate) async fn masks_of_host(
        &mut self,
        outputs: &Planes,
        niter: u32,
        (height, width): (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        if let Some((gpu, planes)) = self.backend.upload(outputs).await?
            && let Some(labels) = self.masks_on_gpu(&gpu, &planes, niter, (height, width), params).await?
        {
            return Ok(labels);
        }
        let ends = match self.ends_in_strips(outputs, niter, params).await? {
            Some(ends) => ends,
            None => {
                let work = self.backend.follow_flows(outputs, niter, params);
                self.awaited_stage(Stage::FollowFlows, work).await?
            }
        };
        let mut labels = self.stage(Stage::Masks, || {
            let histogram = histogram::histogram(&ends, outputs.height(), outputs.width());
            masks::masks(&ends, &histogram, params.max_size_fraction)
        })?;
        drop(ends);
        if !self.checked_in_windows(&mut labels, outputs, params).await? {
            self.stage(Stage::FlowError, || flow_error::remove_bad(&mut labels, outputs, params.flow_threshold))??;
        }
        self.stage(Stage::FillHoles, || {
            if (labels.height(), labels.width()) != (height, width) {
                labels = resize::nearest(&labels, height, width);
            }
            fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
            labels
        })
    }

    /// The end points of outputs that are too large for a GPU, strip by strip there; `None` without one.
    #[cfg(not(target_arch = "wasm32"))]
    async fn ends_in_strips(
        &mut self,
        outputs: &Planes,
        niter: u32,
        params: &Params,
    ) -> Result<Option<EndPoints>, Error> {
        let Backend::Gpu { gpu, .. } = self.backend else { return Ok(None) };
        let threshold = params.cellprob_threshold;
        let work = cytoshade_gpu::follow_flows_in_strips(gpu, outputs, threshold, niter, params.interp);
        self.gpu_stage(Stage::FollowFlows, gpu, work).await
    }

    /// The flow check of labels that are too large for a GPU, window by window there; false where it was not done.
    #[cfg(not(target_arch = "wasm32"))]
    async fn checked_in_windows(
        &mut self,
        labels: &mut Labels,
        outputs: &Planes,
        params: &Params,
    ) -> Result<bool, Error> {
        let Backend::Gpu { gpu, .. } = self.backend else { return Ok(false) };
        let threshold = params.flow_threshold;
        let work = cytoshade_gpu::remove_bad_in_windows(gpu, labels, outputs, threshold, exact_flow_error);
        Ok(self.gpu_stage(Stage::FlowError, gpu, work).await?.is_some())
    }

    // In a browser, where a page has no memory for such planes and every byte is loaded, the host does it.
    #[cfg(target_arch = "wasm32")]
    async fn ends_in_strips(&mut self, _: &Planes, _: u32, _: &Params) -> Result<Option<EndPoints>, Error> {
        Ok(None)
    }

    #[cfg(target_arch = "wasm32")]
    async fn checked_in_windows(&mut self, _: &mut Labels, _: &Planes, _: &Params) -> Result<bool, Error> {
        Ok(false)
    }

    /// [`Run::masks`] on a GPU, from which nothing but tables of the masks comes back until the labels are done. `None`
    /// where it has no room for them.
    async fn masks_on_gpu(
        &mut self,
        gpu: &Gpu,
        outputs: &GpuPlanes,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<Option<Labels>, Error> {
        let work = cytoshade_gpu::follow_flows(gpu, outputs, params.cellprob_threshold, niter, params.interp);
        let Some(ends) = self.gpu_stage(Stage::FollowFlows, gpu, work).await? else { return Ok(None) };
        let work = async {
            let histogram = cytoshade_gpu::histogram(gpu, &ends).await?;
            cytoshade_gpu::masks(gpu, &ends, &histogram, params.max_size_fraction).await
        };
        let Some(mut labels) = self.gpu_stage(Stage::Masks, gpu, work).await? else { return Ok(None) };
        drop(ends);
        let work = cytoshade_gpu::remove_bad(gpu, &mut labels, outputs, params.flow_threshold, exact_flow_error);
        if self.gpu_stage(Stage::FlowError, gpu, work).await?.is_none() {
            return Ok(None);
        }
        let work = cytoshade_gpu::fill_holes_and_remove_small(gpu, labels, size, params.min_size);
        self.gpu_stage(Stage::FillHoles, gpu, work).await
    }
}

/// The flow error of one mask in f64, for those where f32 cannot tell.
fn exact_flow_error(mask: &Labels, flows: &Planes) -> Option<f64> {
    flow_error::flow_errors(mask, flows).ok()?.first().copied()
}
