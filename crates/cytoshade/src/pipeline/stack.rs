//! The pipeline for stacks (the reference's `CellposeModel.eval` with `do_3D`, with `stitch_threshold`, or with neither).

use cytoshade_core::rescale::{Factor, Rescale, check_stack};
use cytoshade_core::{
    Axis, Control, Error as CoreError, LabelVolume, Network, Params, Planes, Stack, Stage, Volume, channels,
};
use cytoshade_cpu::volume;
use cytoshade_model::SizeModel;

use crate::backend::Backend;
use crate::pipeline::placed_volume::VolumeField;
use crate::pipeline::plane_source::PlaneSource;
use crate::pipeline::run::{Run, TileProgress};
use crate::{Error, StackSegmentation};

/// Side of a tile where a stack is segmented in 3-D: the reference hands no other one on.
const BSIZE_3D: usize = 224;

/// Each axis along which the network sees planes, with the axes of the stack along which its two flows point.
const ORIENTATIONS: [(Axis, [usize; 2]); 3] = [(Axis::Z, [1, 2]), (Axis::Y, [0, 2]), (Axis::X, [0, 1])];

/// Segments a stack. Where no diameter is given, a size model's mean diameter is taken: the reference, too, estimates
/// none for stacks.
pub(crate) async fn segment(
    backend: &Backend,
    network: &Network,
    size_model: Option<&SizeModel>,
    stack: &Stack,
    params: &Params,
    control: &Control<'_>,
) -> Result<StackSegmentation, Error> {
    params.check()?;
    let (height, width) = (stack.height(), stack.width());
    let estimated = size_model.filter(|_| params.diameter.is_none()).map(SizeModel::diam_mean);
    let rescale = match estimated {
        Some(diameter) => {
            let factor = Factor::F64(f64::from(network.diam_mean()) / diameter);
            Rescale::by(params, factor, diameter as f32, height, width)?
        }
        None => Rescale::new(params, network.diam_mean(), network.diam_labels(), height, width)?,
    };
    let mut run = Run::new(backend, network, control);
    let found = if params.do_3d {
        run.in_3d(stack, &rescale, params).await?
    } else {
        run.slice_by_slice(stack, &rescale, params).await?
    };
    Ok(StackSegmentation {
        labels: found.labels,
        flows: params.outputs.flows.then_some(found.flows),
        cellprob: params.outputs.cellprob.then_some(found.cellprob),
        styles: params.outputs.style.then_some(found.styles),
        diameter: rescale.diameter,
        niter: rescale.niter,
        device: backend.info(),
        timings: run.timings,
    })
}

/// What both ways of segmenting a stack give.
struct StackResult {
    labels: LabelVolume,
    flows: Volume,
    cellprob: Volume,
    styles: Vec<Vec<f32>>,
}

impl Run<'_> {
    /// What the network sees of a stack, at the stack's size.
    async fn stack_input(&mut self, stack: &Stack, params: &Params) -> Result<VolumeField, Error> {
        let inputs = self.network.shape().inputs();
        let select = || stack.slices().iter().map(|layer| channels::select(layer, params, inputs)).collect();
        let volume = self.stage::<Result<Volume, CoreError>>(Stage::Channels, select)??;
        self.normalize_volume(volume, params).await
    }

    /// The network over the planes along all three axes, 3-D dynamics.
    async fn in_3d(&mut self, stack: &Stack, rescale: &Rescale, params: &Params) -> Result<StackResult, Error> {
        let size = [stack.depth(), stack.height(), stack.width()];
        let depth = rescale.factor.scale_depth(stack.depth(), params.anisotropy);
        let small = [depth, rescale.height, rescale.width];
        if depth == 0 {
            let found = format!("{}, which leaves no layer of {}", params.anisotropy, stack.depth());
            return Err(CoreError::Param { name: "anisotropy", found, expected: "a larger number" }.into());
        }
        // Asked for before the work begins.
        check_stack(if params.resample { size } else { small })?;

        let params = Params { bsize: BSIZE_3D, norm3d: true, ..params.clone() };
        let input = self.stack_input(stack, &params).await?;
        let input = self.resize_volume(input, small).await?;
        let (sums, styles) = self.orientations(input, &params).await?;
        let sums = self.place_volume(sums).await?;
        let sums = if params.resample { self.resize_volume(sums, size).await? } else { sums };
        let sums = self.smooth_flows(sums, params.flow3d_smooth).await?;
        let (labels, sums) = self.masks_3d(sums, rescale.niter, size, &params).await?;
        let (mut flows, mut cellprob) = Default::default();
        if params.outputs.flows || params.outputs.cellprob {
            let [depth, height, width] = sums.size();
            let mut values = sums.into_host().await?.into_vec();
            cellprob = Volume::new(values.split_off(values.len() / 4 * 3), 1, depth, height, width)?;
            flows = Volume::new(values, 3, depth, height, width)?;
        }
        Ok(StackResult { labels, flows, cellprob, styles })
    }

    /// The sums of what the network says of the planes along each axis: flows in Z, Y, X (each of two of the three) and
    /// cell probability (of all three); and the styles of the planes along the last one.
    async fn orientations(
        &mut self,
        mut input: VolumeField,
        params: &Params,
    ) -> Result<(Volume, Vec<Vec<f32>>), Error> {
        let [depth, height, width] = input.size();
        let mut sums = Volume::zeros(4, depth, height, width);
        let mut styles = Vec::new();
        let tiles = |(axis, _): &(Axis, _)| {
            let (height, width) = input.plane_size(*axis);
            input.length(*axis) * self.tiles(height, width, params)
        };
        let mut progress = TileProgress { done: 0, total: ORIENTATIONS.iter().map(tiles).sum() };
        for (axis, flows) in ORIENTATIONS {
            styles.clear();
            let add = |at, outputs: Planes, style| {
                sums.add_slice(flows[0], axis, at, outputs.plane(0));
                sums.add_slice(flows[1], axis, at, outputs.plane(1));
                sums.add_slice(3, axis, at, outputs.plane(outputs.channels() - 1));
                styles.push(style);
            };
            self.layers(PlaneSource::along(&mut input, axis), params, &mut progress, add).await?;
        }
        Ok((sums, styles))
    }

    /// The sums of flows and cell probability [4, depth, height, width] to labels of the stack's size, and the sums where
    /// they are then.
    async fn masks_3d(
        &mut self,
        sums: VolumeField,
        niter: u32,
        size: [usize; 3],
        params: &Params,
    ) -> Result<(LabelVolume, VolumeField), Error> {
        let small = sums.size();
        let (mut labels, sums) = match self.grown_on_gpu(&sums, niter, params).await? {
            Some(labels) => (labels, sums),
            None => {
                let sums = sums.into_host().await?;
                let threshold = params.cellprob_threshold;
                let ends = self.stage(Stage::FollowFlows, || {
                    volume::follow_flows::follow_flows(&sums, sums.channel(3), threshold, niter, params.interp)
                })??;
                let labels =
                    self.stage(Stage::Masks, || volume::masks::masks(&ends, small, params.max_size_fraction))?;
                (labels, VolumeField::Host(sums))
            }
        };
        self.stage(Stage::FillHoles, || {
            if small != size {
                labels = volume::resize::nearest_labels(&labels, size);
            }
            volume::fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
        })?;
        Ok((labels, sums))
    }

    /// The masks of a stack whose flows are on a GPU. `None` where they are not, or it has no room for the dynamics.
    #[cfg(not(target_arch = "wasm32"))]
    async fn grown_on_gpu(
        &mut self,
        sums: &VolumeField,
        niter: u32,
        params: &Params,
    ) -> Result<Option<LabelVolume>, Error> {
        let VolumeField::Device(gpu, sums) = sums else { return Ok(None) };
        let (threshold, [depth, height, width]) = (params.cellprob_threshold, sums.size());
        let work = cytoshade_gpu::volume::follow_flows(gpu, sums, threshold, niter, params.interp);
        let Some(ends) = self.gpu_stage(Stage::FollowFlows, gpu, work).await? else { return Ok(None) };
        let work = async {
            let labels = cytoshade_gpu::volume::masks(gpu, &ends).await?;
            // As many as voxels, so that this never falls back.
            let mut labels = LabelVolume::new(labels, depth, height, width).unwrap_or_default();
            volume::masks::number(&mut labels, params.max_size_fraction);
            Ok(labels)
        };
        self.gpu_stage(Stage::Masks, gpu, work).await
    }

    // Builds for browsers have no shaders for it.
    #[cfg(target_arch = "wasm32")]
    async fn grown_on_gpu(&mut self, _: &VolumeField, _: u32, _: &Params) -> Result<Option<LabelVolume>, Error> {
        Ok(None)
    }

    /// Each layer as an image; then cells of neighbouring layers are joined where that is asked for.
    async fn slice_by_slice(
        &mut self,
        stack: &Stack,
        rescale: &Rescale,
        params: &Params,
    ) -> Result<StackResult, Error> {
        let (height, width) = (stack.height(), stack.width());
        let stitch = params.stitch_threshold > 0.0 && stack.depth() > 1;
        let params = Params { norm3d: params.norm3d && stitch, ..params.clone() };
        let input = self.stack_input(stack, &params).await?;
        let (outputs, styles) = self.outputs_of_slices(input, rescale, &params).await?;

        // Small parts of cells are only dropped once they had the chance to become whole.
        let of_layer = Params { min_size: if stitch { 0 } else { params.min_size }, ..params.clone() };
        let mut labels = Vec::with_capacity(stack.depth() * height * width);
        let (mut flows, mut cellprob) = (Vec::new(), Vec::new());
        for outputs in outputs {
            let outputs = self.backend.place(outputs).await?;
            let outputs = if params.resample { self.resize(outputs, height, width).await? } else { outputs };
            let (found, outputs) = self.masks(outputs, rescale.niter, (height, width), &of_layer).await?;
            labels.extend_from_slice(found.as_slice());
            if !(params.outputs.flows || params.outputs.cellprob) {
                continue;
            }
            let outputs = outputs.into_host().await?;
            if params.outputs.flows {
                flows.push(outputs.select(0..2));
            }
            if params.outputs.cellprob {
                cellprob.push(outputs.select(2..3));
            }
        }
        let mut labels = LabelVolume::new(labels, stack.depth(), height, width)?;
        if stitch {
            self.stage(Stage::Stitch, || {
                volume::stitch::stitch(&mut labels, params.stitch_threshold);
                volume::fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
            })?;
        }
        Ok(StackResult { labels, flows: flows.into_iter().collect(), cellprob: cellprob.into_iter().collect(), styles })
    }

    /// What the network says of each layer (flows and cell probability), at the size at which it sees them, and the
    /// layers' styles.
    async fn outputs_of_slices(
        &mut self,
        mut input: VolumeField,
        rescale: &Rescale,
        params: &Params,
    ) -> Result<(Vec<Planes>, Vec<Vec<f32>>), Error> {
        let &Rescale { height, width, .. } = rescale;
        let [depth, ..] = input.size();
        let seen = PlaneSource::Planes { volume: &mut input, axis: Axis::Z, size: (height, width) };
        let (mut all, mut styles) = (Vec::with_capacity(depth), Vec::with_capacity(depth));
        let take = |_, outputs: Planes, style| {
            all.push(outputs.select(0..3));
            styles.push(style);
        };
        let mut progress = TileProgress { done: 0, total: depth * self.tiles(height, width, params) };
        self.layers(seen, params, &mut progress, take).await?;
        Ok((all, styles))
    }
}
