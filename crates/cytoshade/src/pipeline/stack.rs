//! The pipeline for stacks.
//!
//! Source: the reference's `CellposeModel.eval` with `do_3D`, with `stitch_threshold`, or with neither.

use cytoshade_core::rescale::{Factor, Rescale, check_stack};
use cytoshade_core::{
    Axis, Control, Error as CoreError, LabelVolume, Network, Params, Planes, StackView, Stage, Volume, channels,
};
use cytoshade_cpu::volume;
use cytoshade_model::SizeModel;

use crate::backend::outputs::{CELLPROB, CLASSES, FLOWS, last_output};
use crate::backend::placed::{Placed, PlacedVolume};
use crate::backend::stream::{Destination, Output, Slices, TileProgress};
use crate::backend::{Backend, unless_over_capacity};
use crate::gpu::volume::GpuVolume;
use crate::gpu::{self, Gpu};
use crate::pipeline::run::{BYTES_PER_VOXEL, Run, check_memory};
use crate::{Error, StackSegmentation};

/// Each axis along which the network processes planes, with the stack axes of its two flows.
const ORIENTATIONS: [(Axis, [usize; 2]); 3] = [(Axis::Z, [1, 2]), (Axis::Y, [0, 2]), (Axis::X, [0, 1])];

/// Segments a stack.
///
/// Without a diameter, the size model's mean diameter applies: the reference estimates none for stacks.
pub(crate) async fn segment(
    backend: &Backend,
    network: &Network,
    size_model: Option<&SizeModel>,
    stack: &StackView<'_>,
    params: &Params,
    control: &Control<'_>,
) -> Result<StackSegmentation, Error> {
    params.check()?;
    let (height, width) = (stack.height(), stack.width());
    let mean = size_model.filter(|_| params.diameter.is_none()).map(SizeModel::diam_mean);
    let rescale = match mean {
        Some(diameter) => {
            let factor = Factor::F64(f64::from(network.diam_mean()) / diameter);
            Rescale::by(params, factor, diameter as f32, height, width)?
        }
        None => Rescale::new(params, &network.description().rescale, height, width)?,
    };
    let mut run = Run::new(backend, network, control, [stack.depth(), height, width]);
    let result = if params.do_3d {
        run.in_3d(stack, &rescale, params).await?
    } else {
        run.slice_by_slice(stack, &rescale, params).await?
    };
    Ok(StackSegmentation {
        labels: result.labels,
        flows: params.outputs.flows.then_some(result.flows),
        cellprob: params.outputs.cellprob.then_some(result.cellprob),
        styles: result.styles.filter(|_| params.outputs.style),
        diameter: rescale.diameter,
        niter: rescale.niter,
        device: backend.info(),
        timings: run.timings,
    })
}

/// The result of segmenting a stack, in 3-D or slice by slice.
struct StackResult {
    labels: LabelVolume,
    flows: Volume,
    cellprob: Volume,
    /// `None` if the network has no style.
    styles: Option<Vec<Vec<f32>>>,
}

impl Run<'_> {
    /// The network's input channels of a stack, normalized, at the stack's size.
    async fn stack_input(&mut self, stack: &StackView<'_>, params: &Params) -> Result<PlacedVolume, Error> {
        let inputs = self.network.description().inputs;
        let select = || stack.slices().iter().map(|slice| channels::select(*slice, params, inputs)).collect();
        let volume = self.stage::<Result<Volume, CoreError>>(Stage::Channels, select)??;
        self.normalize_volume(volume, params).await
    }

    /// Runs the network over the planes along all three axes, then the dynamics in 3-D.
    async fn in_3d(&mut self, stack: &StackView<'_>, rescale: &Rescale, params: &Params) -> Result<StackResult, Error> {
        let size = [stack.depth(), stack.height(), stack.width()];
        let depth = rescale.factor.scale_depth(stack.depth(), params.anisotropy);
        let small = [depth, rescale.height, rescale.width];
        if depth == 0 {
            let found = format!("{}, which leaves no z-slice of {}", params.anisotropy, stack.depth());
            return Err(CoreError::Param { name: "anisotropy", found, expected: "a larger number" }.into());
        }
        // Before any work starts.
        check_stack(if params.resample { size } else { small })?;
        let voxels = [size, small].map(|size| size.iter().product::<usize>());
        check_memory(voxels[0].max(voxels[1]).saturating_mul(BYTES_PER_VOXEL))?;

        // The reference passes no tile side in 3-D.
        let params = params.clone().bsize(None).norm3d(true);
        let input = self.stack_input(stack, &params).await?;
        let input = self.resize_volume(input, small).await?;
        let (sums, styles) = self.orientations(input, &params).await?;
        let sums = self.backend.place_volume(sums).await?;
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

    /// Sums the network's outputs over the planes along each axis.
    ///
    /// Returns the flows in Z, Y, X (each from two of the three axes) and the cell probability (from all three), and
    /// the styles of the planes along the last axis.
    async fn orientations(
        &mut self,
        mut input: PlacedVolume,
        params: &Params,
    ) -> Result<(Volume, Option<Vec<Vec<f32>>>), Error> {
        let [depth, height, width] = input.size();
        let mut sums = Volume::zeros(4, depth, height, width);
        let mut styles = Vec::new();
        let cellprob = last_output(&self.network.description().outputs);
        let tiles = |(axis, _): &(Axis, _)| Ok(input.length(*axis) * self.tiles(input.plane_size(*axis), params)?);
        let total = ORIENTATIONS.iter().map(tiles).sum::<Result<_, Error>>()?;
        let mut progress = TileProgress { done: 0, total };
        for (axis, flows) in ORIENTATIONS {
            styles.clear();
            let mut slices = Slices::along(&mut input, axis);
            let mut stream = self.stream(params, &mut progress, Destination::Host)?;
            while let Some(Output { outputs, style, .. }) = stream.next(&mut slices).await? {
                let (outputs, at) = (outputs.into_host().await?, styles.len());
                sums.add_slice(flows[0], axis, at, outputs.plane(0));
                sums.add_slice(flows[1], axis, at, outputs.plane(1));
                sums.add_slice(3, axis, at, outputs.plane(cellprob));
                styles.push(style);
            }
        }
        Ok((sums, styles.into_iter().collect()))
    }

    /// Smooths the flows, the first three channels, by a Gaussian of `sigma` voxels.
    async fn smooth_flows(&mut self, sums: PlacedVolume, sigma: f64) -> Result<PlacedVolume, Error> {
        if sigma <= 0.0 {
            return Ok(sums);
        }
        let on_gpu = async |gpu: &Gpu, sums: &GpuVolume| {
            gpu::volume::smooth(gpu, sums, 3, sigma).await?;
            Ok(sums.clone())
        };
        self.in_place(Stage::Smooth, sums, on_gpu, |sums| volume::smooth::smooth(sums, 3, sigma)).await
    }

    /// Turns summed flows and cell probability [4, depth, height, width] into labels of the stack.
    ///
    /// Also returns the sums, on the device that then holds them.
    async fn masks_3d(
        &mut self,
        sums: PlacedVolume,
        niter: u32,
        size: [usize; 3],
        params: &Params,
    ) -> Result<(LabelVolume, PlacedVolume), Error> {
        if !params.compute_masks {
            let [depth, height, width] = size;
            return Ok((LabelVolume::zeros(depth, height, width), sums));
        }
        let small = sums.size();
        let (mut labels, sums) = self.grown(sums, niter, params).await?;
        self.stage(Stage::FillHoles, || {
            if small != size {
                labels = volume::resize::nearest_labels(&labels, size);
            }
            volume::fill_holes::fill_holes_and_remove_small(&mut labels, params.min_size);
        })?;
        Ok((labels, sums))
    }

    /// The masks grown from the seeds, at the size of the sums.
    async fn grown(
        &mut self,
        sums: PlacedVolume,
        niter: u32,
        params: &Params,
    ) -> Result<(LabelVolume, PlacedVolume), Error> {
        if let Placed::Device(gpu, there) = &sums {
            let labels = self.grown_on_gpu(gpu, there, niter, params).await;
            if let Some(labels) = unless_over_capacity(labels)? {
                return Ok((labels, sums));
            }
        }
        let sums = sums.into_host().await?;
        let threshold = params.cellprob_threshold;
        let ends = self.stage(Stage::FollowFlows, || {
            volume::follow_flows::follow_flows(&sums, sums.channel(3), threshold, niter, params.interp)
        })??;
        let masks = || volume::masks::masks(&ends, sums.size(), params.max_size_fraction);
        Ok((self.stage(Stage::Masks, masks)?, Placed::Host(sums)))
    }

    async fn grown_on_gpu(
        &mut self,
        gpu: &Gpu,
        sums: &GpuVolume,
        niter: u32,
        params: &Params,
    ) -> Result<LabelVolume, Error> {
        let [depth, height, width] = sums.size();
        let ends = gpu::volume::follow_flows(gpu, sums, params.cellprob_threshold, niter, params.interp);
        let ends = self.gpu_stage(Stage::FollowFlows, gpu, ends).await?;
        let masks = async {
            let labels = gpu::volume::masks(gpu, &ends).await?;
            // Each voxel has a label, so this never falls back.
            let mut labels = LabelVolume::new(labels, depth, height, width).unwrap_or_default();
            volume::masks::number(&mut labels, params.max_size_fraction);
            Ok(labels)
        };
        self.gpu_stage(Stage::Masks, gpu, masks).await
    }

    /// Segments each z-slice as an image, then stitches neighbouring z-slices if `params` enable it.
    async fn slice_by_slice(
        &mut self,
        stack: &StackView<'_>,
        rescale: &Rescale,
        params: &Params,
    ) -> Result<StackResult, Error> {
        let (height, width) = (stack.height(), stack.width());
        let stitch = params.stitch_threshold > 0.0 && stack.depth() > 1;
        self.check_image_memory((height * width).max(rescale.height * rescale.width))?;
        let params = params.clone().norm3d(params.norm3d && stitch);
        let input = self.stack_input(stack, &params).await?;
        let (outputs, styles) = self.outputs_of_slices(input, rescale, &params).await?;

        // Small parts of cells stay until stitching has joined them.
        let of_slice = params.clone().min_size(if stitch { 0 } else { params.min_size });
        let mut labels = Vec::with_capacity(stack.depth() * height * width);
        let (mut flows, mut cellprob) = (Vec::new(), Vec::new());
        for outputs in outputs {
            let outputs = self.backend.place(outputs).await?;
            let outputs = if params.resample { self.resize(outputs, (height, width)).await? } else { outputs };
            let (masks, outputs) = self.masks(outputs, rescale.niter, (height, width), &of_slice).await?;
            labels.extend_from_slice(masks.as_slice());
            if !(params.outputs.flows || params.outputs.cellprob) {
                continue;
            }
            let outputs = outputs.into_host().await?;
            if params.outputs.flows {
                flows.push(outputs.select(FLOWS));
            }
            if params.outputs.cellprob {
                cellprob.push(outputs.select(CELLPROB..CLASSES));
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

    /// The network's outputs (dY, dX, cellprob) for each z-slice, at the network's size, and the styles.
    async fn outputs_of_slices(
        &mut self,
        mut input: PlacedVolume,
        rescale: &Rescale,
        params: &Params,
    ) -> Result<(Vec<Planes>, Option<Vec<Vec<f32>>>), Error> {
        let ([depth, ..], size) = (input.size(), (rescale.height, rescale.width));
        let (mut all, mut styles) = (Vec::with_capacity(depth), Vec::with_capacity(depth));
        let mut progress = TileProgress { done: 0, total: depth * self.tiles(size, params)? };
        let mut slices = Slices::along(&mut input, Axis::Z).resized(size);
        let mut stream = self.stream(params, &mut progress, Destination::Host)?;
        while let Some(Output { outputs, style, .. }) = stream.next(&mut slices).await? {
            all.push(outputs.into_host().await?.select(0..CLASSES));
            styles.push(style);
        }
        Ok((all, styles.into_iter().collect()))
    }
}
