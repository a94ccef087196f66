//! The stages of a plane on the CPU.

use std::time::Duration;

use cytoshade_benches::scenes::Scene;
use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{EndPoints, Labels, Params, Planes, Volume};
use cytoshade_cpu::blend::Blend;
use cytoshade_cpu::{fill_holes, flow_error, follow_flows, histogram, masks, normalize, resize, tile};

use crate::output::{Output, time};
use crate::{FLOW_THRESHOLD, MAX_SIZE_FRACTION, MIN_SIZE, NITER, Outcome, SHRINK, Stages};

pub(crate) struct Plane {
    pub(crate) image: Planes,
    /// At the network's size.
    pub(crate) outputs: Planes,
    pub(crate) tile_layout: TileLayout,
    /// The network's outputs for the tiles.
    pub(crate) tiles: Vec<f32>,
    pub(crate) flows: Planes,
    pub(crate) cellprob: Vec<f32>,
    pub(crate) ends: EndPoints,
    pub(crate) labels: Labels,
    pub(crate) checked: Labels,
}

impl Plane {
    pub(crate) fn new(Scene { size: [_, height, width], flows, cellprob, image }: Scene) -> Outcome<Self> {
        let image = Planes::new(image, 2, height, width)?;
        let flows = Planes::new(flows, 2, height, width)?;
        let small = |side: usize| (side as f64 * SHRINK) as usize;
        let mut outputs = resize::bilinear(&image, small(height), small(width));
        outputs.append(&outputs.select(0..1))?;
        let tile_layout = tile_layout(height, width);
        let tiling = &tile_layout.tiling;
        let tiles = vec![1.0; tiling.tiles.len() * 3 * tiling.height * tiling.width];
        let ends = follow_flows::follow_flows(&flows, &cellprob, 0.0, NITER, true)?;
        let labels = masks_of(&ends, height, width);
        let mut checked = labels.clone();
        flow_error::remove_bad(&mut checked, &flows, FLOW_THRESHOLD)?;
        Ok(Plane { image, outputs, tile_layout, tiles, flows, cellprob, ends, labels, checked })
    }

    /// Runs a stage, and returns its output and its seconds.
    pub(crate) fn stage(&self, stage: &str) -> Outcome<(Duration, Output)> {
        let (height, width) = (self.image.height(), self.image.width());
        Ok(match stage {
            "normalize" => {
                let mut image = Volume::from(self.image.clone());
                let (time, result) = time(|| normalize::normalize(&mut image, &Params::default()));
                result?;
                (time, Output::Values(image.into_vec()))
            }
            "resize" => {
                let (time, [small, large]) = time(|| {
                    let small = resize::bilinear(&self.image, self.outputs.height(), self.outputs.width());
                    [small, resize::bilinear(&self.outputs, height, width)]
                });
                (time, Output::Values([small.into_vec(), large.into_vec()].concat()))
            }
            "tile" => {
                let (time, tiles) = time(|| {
                    let tile_layout = tile_layout(height, width);
                    tile::cut(&tile_layout, &self.image, &tile_layout.tiling.tiles)
                });
                (time, Output::Values(tiles))
            }
            "blend" => {
                let (time, blended) = time(|| {
                    let mut blend = Blend::new(self.tile_layout.clone(), 3, height, width);
                    let tiling = &self.tile_layout.tiling;
                    let outputs = self.tiles.chunks_exact(3 * tiling.height * tiling.width);
                    tiling.tiles.iter().zip(outputs).for_each(|(tile, output)| blend.add(tile, output));
                    blend.finish()
                });
                (time, Output::Values(blended.into_vec()))
            }
            "follow_flows" => {
                let (time, ends) = time(|| follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true));
                (time, Output::Ends(ends?))
            }
            "masks" => {
                let (time, labels) = time(|| masks_of(&self.ends, height, width));
                (time, Output::Labels(labels))
            }
            "flow_error" => {
                let mut labels = self.labels.clone();
                let (time, result) = time(|| flow_error::remove_bad(&mut labels, &self.flows, FLOW_THRESHOLD));
                result?;
                (time, Output::Labels(labels))
            }
            "fill_holes" => {
                let mut labels = self.checked.clone();
                let (time, ()) = time(|| fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE));
                (time, Output::Labels(labels))
            }
            "flows to masks" => {
                let (time, labels) = time(|| self.labels());
                (time, Output::Whole(labels?))
            }
            _ => return Err(format!("no stage {stage}").into()),
        })
    }

    fn labels(&self) -> Outcome<Labels> {
        let ends = follow_flows::follow_flows(&self.flows, &self.cellprob, 0.0, NITER, true)?;
        let mut labels = masks_of(&ends, self.flows.height(), self.flows.width());
        flow_error::remove_bad(&mut labels, &self.flows, FLOW_THRESHOLD)?;
        fill_holes::fill_holes_and_remove_small(&mut labels, MIN_SIZE);
        Ok(labels)
    }
}

/// The reference counts the end points in this stage.
fn masks_of(ends: &EndPoints, height: usize, width: usize) -> Labels {
    masks::masks(ends, &histogram::histogram(ends, height, width), MAX_SIZE_FRACTION)
}

pub(crate) fn tile_layout(height: usize, width: usize) -> TileLayout {
    TileLayout::new(height, width, 16, 224, 0.1, false)
}

impl Stages for Plane {
    fn run(&self, stage: &str) -> Outcome<f64> {
        Ok(self.stage(stage)?.0.as_secs_f64())
    }

    fn whole(&self) -> Outcome<Vec<u32>> {
        Ok(self.labels()?.into_vec())
    }
}
