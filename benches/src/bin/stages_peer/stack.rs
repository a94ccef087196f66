//! The stages of a stack on the CPU.

use cytoshade_benches::scenes::Scene;
use cytoshade_core::{LabelVolume, Params, Volume};
use cytoshade_cpu::normalize;
use cytoshade_cpu::volume::{fill_holes, follow_flows, masks};

use crate::output::{Output, time};
use crate::{MAX_SIZE_FRACTION, MIN_SIZE, NITER, Outcome, Stages};

pub(crate) struct Stack {
    pub(crate) image: Volume,
    pub(crate) flows: Volume,
    pub(crate) cellprob: Vec<f32>,
    pub(crate) ends: follow_flows::EndPoints,
    labels: LabelVolume,
}

impl Stack {
    pub(crate) fn new(Scene { size, flows, cellprob, image }: Scene) -> Outcome<Self> {
        let [depth, height, width] = size;
        let image = Volume::new(image, 2, depth, height, width)?;
        let flows = Volume::new(flows, 3, depth, height, width)?;
        let ends = follow_flows::follow_flows(&flows, &cellprob, 0.0, NITER, true)?;
        let labels = masks::masks(&ends, size, MAX_SIZE_FRACTION);
        Ok(Self { image, flows, cellprob, ends, labels })
    }

    /// The output of a stage that also runs on the GPU.
    pub(crate) fn output(&self, stage: &str) -> Outcome<Output> {
        Ok(match stage {
            "normalize" => {
                let mut image = self.image.clone();
                normalize::normalize(&mut image, &Params::default())?;
                Output::Values(image.into_vec())
            }
            "follow_flows" => Output::Points(self.ends.voxels.clone(), self.ends.points.clone()),
            "masks" => Output::Volume(self.labels.as_slice().to_vec()),
            _ => Output::Volume(self.whole()?),
        })
    }
}

impl Stages for Stack {
    fn run(&self, stage: &str) -> Outcome<f64> {
        let time = match stage {
            "normalize" => {
                let mut image = self.image.clone();
                time(|| normalize::normalize(&mut image, &Params::default())).0
            }
            "follow_flows" => time(|| follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true)).0,
            "masks" => time(|| masks::masks(&self.ends, self.flows.size(), MAX_SIZE_FRACTION)).0,
            "fill_holes" => {
                let mut labels = self.labels.clone();
                time(|| fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE)).0
            }
            "flows to masks" => time(|| self.whole()).0,
            _ => return Err(format!("no stage {stage} of stacks").into()),
        };
        Ok(time.as_secs_f64())
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        let ends = follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true)?;
        let mut labels = masks::masks(&ends, self.flows.size(), MAX_SIZE_FRACTION);
        fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE);
        Ok(labels.into_vec())
    }
}
