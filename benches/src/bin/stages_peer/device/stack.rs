//! The stages of a stack that run on a GPU.
//!
//! Inputs are on the device; as in the pipeline, labels are read back within the time, and later stages run on the
//! host.

use std::time::{Duration, Instant};

use cytoshade_core::{LabelVolume, Params, Volume};
use cytoshade_cpu::volume::{fill_holes, masks};
use cytoshade_gpu::{Gpu, volume};
use pollster::block_on;

use super::time;
use crate::output::Output;
use crate::stack::Stack;
use crate::{MAX_SIZE_FRACTION, MIN_SIZE, NITER, Outcome, Stages};

pub(crate) struct OnDevice {
    gpu: Gpu,
    stack: Stack,
    /// dZ, dY, dX and cellprob.
    sums: volume::GpuVolume,
    ends: volume::GpuEndPoints,
}

impl OnDevice {
    pub(crate) fn new(gpu: Gpu, stack: Stack) -> Outcome<Self> {
        let (ends, size @ [depth, height, width]) = (&stack.ends, stack.flows.size());
        let sums = [stack.flows.as_slice(), &stack.cellprob].concat();
        let sums = block_on(volume::GpuVolume::upload(&gpu, &Volume::new(sums, 4, depth, height, width)?))?;
        let ends = block_on(volume::GpuEndPoints::upload(&gpu, &ends.voxels, &ends.points, size))?;
        Ok(Self { gpu, stack, sums, ends })
    }

    fn stage(&self, stage: &str) -> Outcome<(Duration, Output)> {
        let gpu = &self.gpu;
        Ok(match stage {
            "normalize" => {
                let image = block_on(volume::GpuVolume::upload(gpu, &self.stack.image))?;
                let (time, image) = time(gpu, volume::normalize(gpu, image, &Params::default()))?;
                (time, Output::Values(block_on(image.read(gpu))?.into_vec()))
            }
            "follow_flows" => {
                let (time, ends) = time(gpu, volume::follow_flows(gpu, &self.sums, 0.0, NITER, true))?;
                let (voxels, points) = block_on(ends.read(gpu))?;
                (time, Output::Points(voxels, points))
            }
            "masks" => {
                let start = Instant::now();
                let labels = self.labels(&self.ends)?;
                (start.elapsed(), Output::Volume(labels.into_vec()))
            }
            "flows to masks" => {
                let start = Instant::now();
                let labels = self.whole()?;
                (start.elapsed(), Output::Volume(labels))
            }
            _ => return Err(format!("no stage {stage} of stacks on a GPU").into()),
        })
    }

    fn labels(&self, ends: &volume::GpuEndPoints) -> Outcome<LabelVolume> {
        let [depth, height, width] = self.stack.flows.size();
        let found = block_on(volume::masks(&self.gpu, ends))?;
        let mut labels = LabelVolume::new(found, depth, height, width)?;
        masks::number(&mut labels, MAX_SIZE_FRACTION);
        Ok(labels)
    }
}

impl Stages for OnDevice {
    fn run(&self, stage: &str) -> Outcome<f64> {
        Ok(self.stage(stage)?.0.as_secs_f64())
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        let ends = block_on(volume::follow_flows(&self.gpu, &self.sums, 0.0, NITER, true))?;
        let mut labels = self.labels(&ends)?;
        fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE);
        Ok(labels.into_vec())
    }

    fn agrees(&self, stage: &str) -> Outcome<bool> {
        Ok(self.stage(stage)?.1.agrees(&self.stack.output(stage)?))
    }
}
