//! The whole pipeline for one 2-D image (the reference's `CellposeModel.eval`), stage after stage.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{Control, Error as CoreError, Image, Labels, Network, Params, Planes, Stage};
use cytoshade_cpu::{fill_holes, flow_error, masks, resize};
use cytoshade_model::SizeModel;
use web_time::Instant;

use crate::backend::Backend;
use crate::field::Field;
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
    /// outputs where they are then. Masks are found on the host: they come there.
    pub(crate) async fn masks(
        &mut self,
        outputs: Field,
        niter: u32,
        size: (usize, usize),
        params: &Params,
    ) -> Result<(Labels, Field), Error> {
        let start = Instant::now();
        let outputs = outputs.into_host().await?;
        self.timings.add(Stage::FollowFlows, start.elapsed());
        let labels = self.masks_on_host(&outputs, niter, size, params).await?;
        Ok((labels, Field::Host(outputs)))
    }

    /// [`Run::masks`] of outputs that are on the host.
    pub(crate) async fn masks_on_host(
        &mut self,
        outputs: &Planes,
        niter: u32,
        (height, width): (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        let threshold = params.cellprob_threshold;
        self.control.step(Stage::FollowFlows, 0, 1)?;
        let start = Instant::now();
        let sinks = self.backend.follow_flows(outputs, outputs.plane(2), threshold, niter, params.interp).await;
        self.timings.add(Stage::FollowFlows, start.elapsed());
        let (ends, histogram) = sinks?;
        self.control.step(Stage::FollowFlows, 1, 1)?;

        let mut labels = self.stage(Stage::Masks, || masks::masks(&ends, &histogram, params.max_size_fraction))?;
        drop((ends, histogram));
        self.stage(Stage::FlowError, || flow_error::remove_bad(&mut labels, outputs, params.flow_threshold))??;
        self.stage(Stage::FillHoles, || {
            if (labels.height(), labels.width()) != (height, width) {
                labels = resize::nearest(&labels, height, width);
            }
            fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
            labels
        })
    }
}
