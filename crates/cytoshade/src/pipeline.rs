//! The whole pipeline for one 2-D image (the reference's `CellposeModel.eval`), stage after stage.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::{Control, Error as CoreError, Image, Labels, Network, Params, Planes, Stage};
use cytoshade_cpu::{fill_holes, flow_error, masks, resize};
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
    let (flows, cellprob) = (outputs.select(0..2), outputs.select(2..3));
    let classes = params.outputs.classes.then(|| outputs.select(3..outputs.channels()));
    drop(outputs);
    let labels = run.masks(&flows, &cellprob, rescale.niter, (height, width), params).await?;
    Ok(Segmentation {
        labels,
        flows: params.outputs.flows.then_some(flows),
        cellprob: params.outputs.cellprob.then_some(cellprob),
        style: params.outputs.style.then_some(style),
        classes,
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

    /// Flows and cell probability to labels of the image's size (height, width).
    pub(crate) async fn masks(
        &mut self,
        flows: &Planes,
        cellprob: &Planes,
        niter: u32,
        (height, width): (usize, usize),
        params: &Params,
    ) -> Result<Labels, Error> {
        let threshold = params.cellprob_threshold;
        self.control.step(Stage::FollowFlows, 0, 1)?;
        let start = Instant::now();
        let sinks = self.backend.follow_flows(flows, cellprob.plane(0), threshold, niter, params.interp).await;
        self.timings.add(Stage::FollowFlows, start.elapsed());
        let (ends, histogram) = sinks?;
        self.control.step(Stage::FollowFlows, 1, 1)?;

        let mut labels = self.stage(Stage::Masks, || masks::masks(&ends, &histogram, params.max_size_fraction))?;
        drop((ends, histogram));
        self.stage(Stage::FlowError, || flow_error::remove_bad(&mut labels, flows, params.flow_threshold))??;
        self.stage(Stage::FillHoles, || {
            if (labels.height(), labels.width()) != (height, width) {
                labels = resize::nearest(&labels, height, width);
            }
            fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
            labels
        })
    }
}
