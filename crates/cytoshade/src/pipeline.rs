//! The whole pipeline for one 2-D image (the reference's `CellposeModel.eval`), stage after stage.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{Control, Error as CoreError, Image, Labels, Network, Params, Planes, Stage};
use cytoshade_cpu::{fill_holes, flow_error, follow_flows, histogram, masks, resize};
use cytoshade_gpu::{Gpu, GpuPlanes};
use cytoshade_model::SizeModel;
use web_time::Instant;

use crate::backend::Backend;
use crate::run::{PAD_MULTIPLE, Run};
use crate::{Error, Segmentation, diameter};

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
    let planes = run.input(image, params)?;
    if let (None, Some(size_model)) = (params.diameter, size_model) {
        rescale = diameter::estimate(&mut run, size_model, &planes, params).await?;
    }
    let (outputs, style) = run.flows(planes, &rescale, params).await?;
    let labels = run.masks(&outputs, rescale.niter, (height, width), params).await?;
    let wanted = &params.outputs;
    Ok(Segmentation {
        labels,
        flows: wanted.flows.then(|| outputs.select(0..2)),
        cellprob: wanted.cellprob.then(|| outputs.select(2..3)),
        style: wanted.style.then_some(style),
        classes: wanted.classes.then(|| outputs.select(3..outputs.channels())),
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
        planes: Planes,
        rescale: &Rescale,
        params: &Params,
    ) -> Result<(Planes, Vec<f32>), Error> {
        let (height, width) = (planes.height(), planes.width());
        let planes = self.resize(planes, rescale.height, rescale.width)?;
        let (outputs, style) = self.network(planes, params).await?;
        let outputs = if params.resample { self.resize(outputs, height, width)? } else { outputs };
        Ok((outputs, style))
    }

    /// Flows and cell probability (planes dY, dX, cellprob, ...) to labels of the image's size (height, width).
    pub(crate) async fn masks(
        &mut self,
        outputs: &Planes,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        if let Some(gpu) = self.backend.as_gpu() {
            match self.masks_on_gpu(gpu, outputs, niter, size, params).await {
                // A plane that is too large for the device's bindings.
                Err(Error::Gpu(cytoshade_gpu::Error::Limit { .. })) => {}
                result => return result,
            }
        }
        self.masks_on_cpu(outputs, niter, size, params)
    }

    fn masks_on_cpu(
        &mut self,
        outputs: &Planes,
        niter: u32,
        (height, width): (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        let (flows, threshold) = (outputs.select(0..2), params.cellprob_threshold);
        let ends = self.stage(Stage::FollowFlows, || {
            follow_flows::follow_flows(&flows, outputs.plane(2), threshold, niter, params.interp)
        })??;
        let mut labels = self.stage(Stage::Masks, || {
            let histogram = histogram::histogram(&ends, flows.height(), flows.width());
            masks::masks(&ends, &histogram, params.max_size_fraction)
        })?;
        drop(ends);
        self.stage(Stage::FlowError, || flow_error::remove_bad(&mut labels, &flows, params.flow_threshold))??;
        self.stage(Stage::FillHoles, || {
            if (labels.height(), labels.width()) != (height, width) {
                labels = resize::nearest(&labels, height, width);
            }
            fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
            labels
        })
    }

    /// The same on a GPU, between which and the host nothing but tables of the masks passes until the labels are done.
    async fn masks_on_gpu(
        &mut self,
        gpu: &Gpu,
        outputs: &Planes,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        let (planes, ends) = self
            .stage_on_gpu(Stage::FollowFlows, async {
                let planes = GpuPlanes::upload(gpu, outputs).await?;
                let threshold = params.cellprob_threshold;
                let ends = cytoshade_gpu::follow_flows(gpu, &planes, threshold, niter, params.interp).await?;
                Ok((planes, ends))
            })
            .await?;
        let mut labels = self
            .stage_on_gpu(Stage::Masks, async {
                let histogram = cytoshade_gpu::histogram(gpu, &ends).await?;
                cytoshade_gpu::masks(gpu, &ends, &histogram, params.max_size_fraction).await
            })
            .await?;
        drop(ends);
        let threshold = params.flow_threshold;
        let check = cytoshade_gpu::remove_bad(gpu, &mut labels, &planes, threshold, exact_flow_error);
        self.stage_on_gpu(Stage::FlowError, check).await?;
        drop(planes);
        let fill = cytoshade_gpu::fill_holes_and_remove_small(gpu, labels, size, params.min_size);
        self.stage_on_gpu(Stage::FillHoles, fill).await
    }

    /// [`Run::stage`] for work that waits for a GPU.
    async fn stage_on_gpu<T>(
        &mut self,
        stage: Stage,
        work: impl Future<Output = Result<T, cytoshade_gpu::Error>>,
    ) -> Result<T, Error> {
        self.control.step(stage, 0, 1)?;
        let start = Instant::now();
        let result = work.await;
        self.timings.add(stage, start.elapsed());
        let result = result.map_err(Error::Gpu)?;
        self.control.step(stage, 1, 1)?;
        Ok(result)
    }
}

/// The flow error of one mask in f64, for those where f32 cannot tell.
fn exact_flow_error(mask: &Labels, flows: &Planes) -> Option<f64> {
    flow_error::flow_errors(mask, flows).ok()?.first().copied()
}
