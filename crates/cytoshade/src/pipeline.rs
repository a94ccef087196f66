//! The whole pipeline for one 2-D image (the reference's `CellposeModel.eval`), stage after stage.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::tiling::Tile;
use cytoshade_core::{
    Control, Error as CoreError, Image, Labels, Network, Params, Planes, Stage, Timings, Volume, channels,
};
use cytoshade_cpu::blend::Blend;
use cytoshade_cpu::tile::Cutting;
use cytoshade_cpu::{fill_holes, flow_error, masks, normalize, resize};
use web_time::Instant;

use crate::backend::Backend;
use crate::{Error, Segmentation};

/// The reference pads planes to a multiple of this.
const PAD_MULTIPLE: usize = 16;

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

/// Segments one image.
pub(crate) async fn segment(
    backend: &Backend,
    network: &Network,
    image: &Image,
    params: &Params,
    control: &Control<'_>,
) -> Result<Segmentation, Error> {
    params.check()?;
    let (height, width) = (image.height(), image.width());
    let rescale = Rescale::new(params, network.diam_mean(), network.diam_labels(), height, width)?;
    let mut run = Run { backend, params, control, timings: Timings::default() };

    let planes =
        run.stage(Stage::Channels, || channels::select(image, params.channels, network.shape().inputs()))??;
    let planes = run.stage(Stage::Normalize, || {
        let mut volume = Volume::from(planes);
        normalize::normalize(&mut volume, params).map(|()| Planes::from(volume))
    })??;
    let planes = run.resize(planes, rescale.height, rescale.width)?;
    let (outputs, style) = run.network(network, planes).await?;
    let outputs = if params.resample { run.resize(outputs, height, width)? } else { outputs };

    let (flows, cellprob) = (outputs.select(0..2), outputs.select(2..3));
    drop(outputs);
    let labels = run.masks(&flows, &cellprob, rescale.niter, height, width).await?;
    Ok(Segmentation {
        labels,
        flows: params.outputs.flows.then_some(flows),
        cellprob: params.outputs.cellprob.then_some(cellprob),
        style: params.outputs.style.then_some(style),
        diameter: rescale.diameter,
        niter: rescale.niter,
        device: backend.info(),
        timings: run.timings,
    })
}

/// What every stage needs to know.
struct Run<'a> {
    backend: &'a Backend,
    params: &'a Params,
    control: &'a Control<'a>,
    timings: Timings,
}

impl Run<'_> {
    /// Runs a stage on the CPU: timed, reported at its start and end, and not begun where the caller has cancelled.
    fn stage<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> Result<T, Error> {
        self.control.step(stage, 0, 1)?;
        let result = self.timings.measure(stage, work);
        self.control.step(stage, 1, 1)?;
        Ok(result)
    }

    fn resize(&mut self, planes: Planes, height: usize, width: usize) -> Result<Planes, Error> {
        if (planes.height(), planes.width()) == (height, width) {
            return Ok(planes);
        }
        self.stage(Stage::Resize, || resize::bilinear(&planes, height, width))
    }

    /// All tiles through the network, batch by batch, each blended as it comes. Returns the outputs
    /// [nout, height, width] and the style of the whole image.
    async fn network(&mut self, network: &Network, planes: Planes) -> Result<(Planes, Vec<f32>), Error> {
        let Params { bsize, tile_overlap, augment, batch_size, .. } = *self.params;
        let nout = network.shape().nout();
        let cutting = Cutting::new(planes.height(), planes.width(), PAD_MULTIPLE, bsize, tile_overlap, augment);
        let (tile_height, tile_width) = (cutting.tiling.height, cutting.tiling.width);
        let tiles: Vec<Tile> = cutting.tiling.tiles.clone();
        let mut blend = Blend::new(cutting.clone(), nout, planes.height(), planes.width());
        let mut style = vec![0.0f32; network.shape().style_channels()];
        let control = self.control;
        control.step(Stage::Network, 0, tiles.len())?;
        let mut before = 0;
        for batch in tiles.chunks(batch_size) {
            let start = Instant::now();
            let cut = cutting.cut(&planes, batch);
            let mut done = |done: usize| control.step(Stage::Network, before + done, tiles.len());
            let result = self.backend.network(&cut, batch.len(), tile_height, tile_width, &mut done).await;
            self.timings.add(Stage::Network, start.elapsed());
            let result = result?;
            before += batch.len();
            self.timings.measure(Stage::Blend, || {
                for (tile, output) in batch.iter().zip(result.outputs.chunks_exact(nout * tile_height * tile_width)) {
                    blend.add(tile, output);
                }
            });
            for tile in result.styles.chunks_exact(style.len()) {
                style.iter_mut().zip(tile).for_each(|(sum, value)| *sum += value);
            }
        }
        let outputs = self.stage(Stage::Blend, || blend.finish())?;
        let norm = style.iter().map(|value| value * value).sum::<f32>().sqrt();
        if norm > 0.0 {
            style.iter_mut().for_each(|value| *value /= norm);
        }
        Ok((outputs, style))
    }

    /// Flows and cell probability to labels of the image's size.
    async fn masks(
        &mut self,
        flows: &Planes,
        cellprob: &Planes,
        niter: u32,
        height: usize,
        width: usize,
    ) -> Result<Labels, Error> {
        let params = self.params;
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
