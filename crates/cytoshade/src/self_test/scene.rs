//! The inputs of the self-test, and the CPU's results for them.

use cytoshade_core::tiling::{TileLayout, Tiling};
use cytoshade_core::{
    Description, EndPoints, Error as CoreError, FlowChannels, Histogram, Labels, Network, Params, Planes, Volume,
    channels,
};
use cytoshade_cpu::network::{Isa, Network as CpuNetwork};
use cytoshade_cpu::{blend::Blend, fill_holes, flow_error, follow_flows, histogram, masks, normalize, resize, tile};
pub(super) use cytoshade_gpu::tune::distance;

use crate::Error;
use crate::calibrate::picture;

/// Side of a tile in pixels, if the network accepts it: small, for a short test.
const SIDE: usize = 64;

/// The size to which the image is resized: neither a multiple nor a fraction of its own.
pub(super) const RESIZED: (usize, usize) = (201, 187);

/// Steps of the dynamics.
pub(super) const NITER: u32 = 200;

/// A tile, and the outputs of the network for it in plain Rust.
pub(super) struct Tile {
    pub(super) side: usize,
    pub(super) values: Vec<f32>,
    pub(super) outputs: Vec<f32>,
}

/// A synthetic image, and the result of each stage on the CPU.
pub(super) struct Scene {
    pub(super) params: Params,
    /// The selected channels.
    pub(super) planes: Planes,
    pub(super) normalized: Planes,
    pub(super) resized: Planes,
    pub(super) layout: TileLayout,
    pub(super) tiles: Vec<f32>,
    pub(super) tile: Tile,
    /// The network's outputs for the tiles.
    pub(super) outputs: Vec<f32>,
    pub(super) blended: Planes,
    /// dY, dX and cellprob.
    pub(super) flows: Planes,
    pub(super) ends: EndPoints,
    pub(super) histogram: Histogram,
    pub(super) masks: Labels,
    pub(super) flow_errors: Vec<f64>,
    pub(super) labels: Labels,
}

impl Scene {
    /// Runs all stages of the CPU. Errors of the network are those of `network`.
    pub(super) fn new(network: &Network) -> Result<Self, Error> {
        let params = Params::default();
        let Description { inputs, outputs, tile: rule, .. } = *network.description();
        let Some(FlowChannels { dy, dx, cellprob }) = outputs.flows else {
            return Err(CoreError::NotSegmentation { outputs: outputs.count }.into());
        };
        let image = picture(network.diam_labels())?;
        let planes = channels::select(image.view(), &params, inputs)?;
        let mut volume = Volume::from(planes.clone());
        normalize::normalize(&mut volume, &params)?;
        let normalized = Planes::from(volume);
        let resized = resize::bilinear(&normalized, RESIZED.0, RESIZED.1);

        let side = rule.side(Some(SIDE)).or_else(|_| rule.side(None))?;
        let (height, width) = (normalized.height(), normalized.width());
        let layout = TileLayout::new(height, width, rule.padding, side, params.tile_overlap, false);
        let Tiling { tiles: places, .. } = &layout.tiling;
        let tiles = tile::cut(&layout, &normalized, places);
        let middle = tiles.chunks_exact(inputs * side * side).nth(places.len() / 2).unwrap_or_default();
        let mut tile = Tile { side, values: middle.to_vec(), outputs: Vec::new() };
        tile.outputs = tile.run(network, Isa::Portable)?;
        let outputs_of_tiles = CpuNetwork::new(network).run(&tiles, places.len(), side, side, &mut |_| Ok(()))?.outputs;
        let mut blend = Blend::new(layout.clone(), outputs.count, height, width);
        let each = outputs_of_tiles.chunks_exact(outputs.count * side * side);
        places.iter().zip(each).for_each(|(place, output)| blend.add(place, output));
        let blended = blend.finish();

        let flows = blended.reorder(&[dy, dx, cellprob]);
        let threshold = params.cellprob_threshold;
        let ends = follow_flows::follow_flows(&flows.select(0..2), flows.plane(2), threshold, NITER, params.interp)?;
        let histogram = histogram::histogram(&ends, height, width);
        let masks = masks::masks(&ends, &histogram, params.max_size_fraction);
        let flow_errors = flow_error::flow_errors(&masks, &flows)?;
        let mut labels = masks.clone();
        fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
        Ok(Self {
            params,
            planes,
            normalized,
            resized,
            layout,
            tiles,
            tile,
            outputs: outputs_of_tiles,
            blended,
            flows,
            ends,
            histogram,
            masks,
            flow_errors,
            labels,
        })
    }
}

impl Tile {
    /// The network's outputs for the tile on an instruction set of the CPU.
    pub(super) fn run(&self, network: &Network, isa: Isa) -> Result<Vec<f32>, Error> {
        let network = CpuNetwork::with_isa(network, isa).ok_or_else(|| Error::Cpu(isa.missing()))?;
        Ok(network.run(&self.values, 1, self.side, self.side, &mut |_| Ok(()))?.outputs)
    }
}
