//! The stages of a plane on a GPU.
//!
//! Inputs and outputs stay on the device; as in the pipeline, only the final labels are read back within the time.

use std::time::Duration;

use cytoshade_core::{Labels, Params};
use cytoshade_cpu::flow_error;
use cytoshade_gpu::{
    self as gpu, Activations, Error, Gpu, GpuEndPoints, GpuLabels, GpuPlanes, TiledPlanes, fill_holes_and_remove_small,
};
use pollster::block_on;

use super::time;
use crate::output::Output;
use crate::plane::{Plane, tile_layout};
use crate::{FLOW_THRESHOLD, MAX_SIZE_FRACTION, MIN_SIZE, NITER, Outcome, Stages};

pub(crate) struct OnDevice {
    gpu: Gpu,
    plane: Plane,
    image: GpuPlanes,
    outputs: GpuPlanes,
    tiles: Activations,
    /// dY, dX and cellprob.
    flows: GpuPlanes,
    ends: GpuEndPoints,
    labels: GpuLabels,
    checked: GpuLabels,
}

impl OnDevice {
    pub(crate) fn new(gpu: Gpu, plane: Plane) -> Outcome<Self> {
        let (height, width) = (plane.flows.height(), plane.flows.width());
        let mut flows = plane.flows.clone();
        flows.append(&cytoshade_core::Planes::new(plane.cellprob.clone(), 1, height, width)?)?;
        let tiling = &plane.tile_layout.tiling;
        let tiles = [tiling.tiles.len(), 3, tiling.height, tiling.width];
        Ok(Self {
            image: block_on(GpuPlanes::upload(&gpu, &plane.image))?,
            outputs: block_on(GpuPlanes::upload(&gpu, &plane.outputs))?,
            tiles: block_on(Activations::upload(&gpu, &plane.tiles, tiles))?,
            flows: block_on(GpuPlanes::upload(&gpu, &flows))?,
            ends: block_on(GpuEndPoints::upload(&gpu, &plane.ends, height, width))?,
            labels: block_on(GpuLabels::upload(&gpu, &plane.labels))?,
            checked: block_on(GpuLabels::upload(&gpu, &plane.checked))?,
            gpu,
            plane,
        })
    }

    fn values(&self, planes: &GpuPlanes) -> Outcome<Vec<f32>> {
        Ok(block_on(planes.read(&self.gpu))?.into_vec())
    }

    fn stage(&self, stage: &str) -> Outcome<(Duration, Output)> {
        let gpu = &self.gpu;
        let size @ (height, width) = (self.flows.height(), self.flows.width());
        Ok(match stage {
            "normalize" => {
                let image = block_on(GpuPlanes::upload(gpu, &self.plane.image))?;
                let (time, planes) = time(gpu, gpu::normalize(gpu, image, &Params::default()))?;
                (time, Output::Values(self.values(&planes)?))
            }
            "resize" => {
                let (time, [small, large]) = time(gpu, async {
                    let small = gpu::bilinear(gpu, &self.image, self.outputs.height(), self.outputs.width()).await?;
                    Ok([small, gpu::bilinear(gpu, &self.outputs, height, width).await?])
                })?;
                (time, Output::Values([self.values(&small)?, self.values(&large)?].concat()))
            }
            "tile" => {
                let (time, tiles) = time(gpu, async {
                    let tiled = TiledPlanes::new(gpu, self.image.clone(), &tile_layout(height, width), 3).await?;
                    gpu::cut(gpu, &tiled, 0..tiled.tiles()).await
                })?;
                (time, Output::Values(block_on(tiles.read(gpu))?))
            }
            "blend" => {
                let tiled = block_on(TiledPlanes::new(gpu, self.image.clone(), &self.plane.tile_layout, 3))?;
                let (time, ()) = time(gpu, gpu::blend(gpu, &tiled, 0..tiled.tiles(), &self.tiles))?;
                (time, Output::Values(self.values(tiled.outputs())?))
            }
            "follow_flows" => {
                let (time, ends) = time(gpu, gpu::follow_flows(gpu, &self.flows, 0.0, NITER, true))?;
                (time, Output::Ends(block_on(ends.read(gpu))?))
            }
            "masks" => {
                let (time, labels) = time(gpu, masks(gpu, &self.ends))?;
                (time, Output::Labels(block_on(labels.read(gpu))?))
            }
            "flow_error" => {
                let (time, labels) = time(gpu, remove_bad(gpu, self.labels.clone(), &self.flows))?;
                (time, Output::Labels(block_on(labels.read(gpu))?))
            }
            "fill_holes" => {
                let work = fill_holes_and_remove_small(gpu, self.checked.clone(), size, MIN_SIZE);
                let (time, labels) = time(gpu, work)?;
                (time, Output::Labels(labels))
            }
            "flows to masks" => {
                let (time, labels) = time(gpu, self.flows_to_labels())?;
                (time, Output::Whole(labels))
            }
            _ => return Err(format!("no stage {stage} on a GPU").into()),
        })
    }

    async fn flows_to_labels(&self) -> Result<Labels, Error> {
        let gpu = &self.gpu;
        let ends = gpu::follow_flows(gpu, &self.flows, 0.0, NITER, true).await?;
        let labels = remove_bad(gpu, masks(gpu, &ends).await?, &self.flows).await?;
        fill_holes_and_remove_small(gpu, labels, (self.flows.height(), self.flows.width()), MIN_SIZE).await
    }
}

async fn masks(gpu: &Gpu, ends: &GpuEndPoints) -> Result<GpuLabels, Error> {
    gpu::masks(gpu, ends, &gpu::histogram(gpu, ends).await?, MAX_SIZE_FRACTION).await
}

async fn remove_bad(gpu: &Gpu, mut labels: GpuLabels, flows: &GpuPlanes) -> Result<GpuLabels, Error> {
    let exact = |mask: &Labels, flows: &_| flow_error::flow_errors(mask, flows).ok()?.first().copied();
    gpu::remove_bad(gpu, &mut labels, flows, FLOW_THRESHOLD, exact).await?;
    Ok(labels)
}

impl Stages for OnDevice {
    fn run(&self, stage: &str) -> Outcome<f64> {
        Ok(self.stage(stage)?.0.as_secs_f64())
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        Ok(block_on(self.flows_to_labels())?.into_vec())
    }

    fn agrees(&self, stage: &str) -> Outcome<bool> {
        Ok(self.stage(stage)?.1.agrees(&self.plane.stage(stage)?.1))
    }
}
