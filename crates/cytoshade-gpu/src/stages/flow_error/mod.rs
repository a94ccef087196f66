//! Checks each mask against the flows.
//!
//! Source: the reference's `metrics.flow_error`, `dynamics.masks_to_flows_cpu` and `dynamics.remove_bad_flow_masks`.
//!
//! Heat diffuses from the center of each mask, with a strategy chosen by the mask's box ([`DiffusionStrategy`]). The
//! reference computes in f64 and the shaders in f32, so each error has a rounding bound. If the threshold is within
//! that bound, the caller decides with the exact error.

mod boxes;
mod heat;
#[cfg(not(target_arch = "wasm32"))]
mod native;
mod strategy;
#[cfg(target_arch = "wasm32")]
mod web;

use cytoshade_core::{Labels, Planes};
use cytoshade_shaders::{self as shaders, overrides};
#[cfg(not(target_arch = "wasm32"))]
use native as platform;
#[cfg(target_arch = "wasm32")]
use web as platform;

use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::planes::GpuPlanes;
use crate::stages::masks::{GpuLabels, Mask};
use boxes::MaskBox;
use strategy::DiffusionStrategy;

const WHAT: &str = "the flow error";
/// Masks per submission: drivers stop work that runs for seconds.
const MASKS: usize = 4096;
/// Tiles of masks with heat in memory that are processed together.
const TILES: usize = 1 << 20;
/// Bytes of masks read back together for exact decisions.
const EXACT_BYTES: u64 = 16 << 20;

/// The flow error of a mask.
///
/// The mean squared difference between the mask's own flow and a fifth of the network's, dY and dX together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlowError {
    /// The error.
    pub error: f64,
    /// The rounding bound of the error.
    pub bound: f64,
}

/// Computes the flow error of each mask, in the order of labels.
///
/// # Errors
/// [`Error::Length`] if `planes` has fewer than two planes or another size than `labels`, and errors of the device.
pub async fn flow_errors(gpu: &Gpu, labels: &GpuLabels, planes: &GpuPlanes) -> Result<Vec<FlowError>, Error> {
    let pixels = labels.height * labels.width;
    if (planes.height(), planes.width()) != (labels.height, labels.width) || planes.channels() < 2 {
        let found = planes.channels() * planes.height() * planes.width();
        return Err(Error::Length { what: "flows", found, expected: 2 * pixels });
    }
    let nearest = centers(gpu, labels).await?;
    let mut sums = vec![[0.0f64; 2]; labels.masks.len()];
    let all = labels.masks.iter().enumerate().map(|(at, mask)| MaskBox::new(at, mask, gpu.capabilities()));
    let (small, large): (Vec<MaskBox>, Vec<MaskBox>) =
        all.partition(|mask_box| matches!(mask_box.strategy, DiffusionStrategy::Workgroup { .. }));
    for alike in boxes::alike(&small) {
        for boxes in alike.chunks(MASKS) {
            small_errors(gpu, labels, planes, &nearest, boxes, &mut sums).await?;
        }
    }
    let mut large = large.as_slice();
    while !large.is_empty() {
        // As many masks as fit, and at least one.
        let mut tiles = 0;
        let fit = |mask_box: &&MaskBox| {
            tiles += mask_box.tiles();
            tiles <= TILES
        };
        let count = large.iter().take_while(fit).count().max(1);
        let (now, later) = large.split_at(count);
        large_errors(gpu, labels, planes, &nearest, now, &mut sums).await?;
        large = later;
    }
    let mean = |(mask, [error, bound]): (&Mask, [f64; 2])| {
        let size = mask.size as f64;
        // The last term bounds the rounding of the sums in f32.
        FlowError { error: error / size, bound: bound / size + 1e-5 * (1.0 + error / size) }
    };
    Ok(labels.masks.iter().zip(sums).map(mean).collect())
}

/// Drops every mask with a flow error above `threshold`; the others keep their numbers.
///
/// A threshold of 0 keeps all.
///
/// `exact` decides if f32 cannot: given a mask's box as labels, 1 inside, and its flows (dY, dX), it computes the flow
/// error in f64.
///
/// # Errors
/// Those of [`flow_errors`].
pub async fn remove_bad(
    gpu: &Gpu,
    labels: &mut GpuLabels,
    planes: &GpuPlanes,
    threshold: f64,
    exact: impl Fn(&Labels, &Planes) -> Option<f64>,
) -> Result<(), Error> {
    if threshold <= 0.0 || labels.masks.is_empty() {
        return Ok(());
    }
    let mut errors = flow_errors(gpu, labels, planes).await?;
    // A NaN is undecided too.
    let decided = |found: &FlowError| (found.error - threshold).abs() > found.bound;
    let mut undecided: Vec<usize> = (0..errors.len()).filter(|&at| !decided(&errors[at])).collect();
    while !undecided.is_empty() {
        let mut bytes = 0;
        let fit = |&at: &usize| {
            bytes += 12 * (labels.masks[at].height * labels.masks[at].width) as u64;
            bytes <= EXACT_BYTES
        };
        let count = undecided.iter().copied().take_while(fit).count().max(1);
        let later = undecided.split_off(count);
        let masks: Vec<&Mask> = undecided.iter().map(|&at| &labels.masks[at]).collect();
        for (&at, (mask, flows)) in undecided.iter().zip(cut(gpu, labels, planes, &masks).await?) {
            if let Some(error) = exact(&mask, &flows) {
                errors[at].error = error;
            }
        }
        undecided = later;
    }
    let mut bad = errors.into_iter().map(|found| found.error > threshold);
    labels.masks.retain(|_| bad.next() != Some(true));
    Ok(())
}

/// The boxes of some masks: labels, 1 inside the mask, and flows.
async fn cut(
    gpu: &Gpu,
    labels: &GpuLabels,
    planes: &GpuPlanes,
    masks: &[&Mask],
) -> Result<Vec<(Labels, Planes)>, Error> {
    let plane = labels.height * labels.width;
    let mut parts = Vec::new();
    for mask in masks {
        for (buffer, start) in [(&labels.ids, 0), (&planes.buffer, 0), (&planes.buffer, plane)] {
            for y in mask.top..mask.top + mask.height {
                let at = 4 * (start + y * labels.width + mask.left) as u64;
                parts.push((buffer, at..at + 4 * mask.width as u64));
            }
        }
    }
    let bytes = gpu.fetch(WHAT, &parts).await?;
    let mut at = 0;
    let mut boxes = Vec::new();
    for mask in masks {
        let size = 4 * (mask.height * mask.width) as u64;
        let ids = bytes.values::<u32>(at..at + size).into_iter().map(|id| u32::from(id == mask.id)).collect();
        let flows = bytes.values::<f32>(at + size..at + 3 * size);
        at += 3 * size;
        let refused = |error: cytoshade_core::Error| Error::Refused { what: WHAT, reason: error.to_string() };
        let labels = Labels::new(ids, mask.height, mask.width).map_err(refused)?;
        boxes.push((labels, Planes::new(flows, 2, mask.height, mask.width).map_err(refused)?));
    }
    Ok(boxes)
}

/// For each id, the pixel nearest to the mean of its mask, in the format of `center`.
async fn centers(gpu: &Gpu, labels: &GpuLabels) -> Result<wgpu::Buffer, Error> {
    let [kernel] = gpu.kernels_of([Variant::new(&shaders::CENTER)]).await?;
    let mut means = vec![[0u32; 4]; labels.end];
    for mask in &labels.masks {
        if let Some(mean) = means.get_mut(mask.id as usize) {
            let [y, x] = mask.sums.map(|sum| sum as f64 / mask.size as f64);
            *mean = [y as u32, x as u32, (y.fract() as f32).to_bits(), (x.fract() as f32).to_bits()];
        }
    }
    gpu.with_error_scopes(WHAT, || {
        let grid = gpu.plane_grid(WHAT, labels.height, labels.width)?;
        let means = gpu.upload(WHAT, &means)?;
        let nearest = gpu.storage(WHAT, 8 * labels.end as u64)?;
        let bind = |pixels: u32| {
            let params = [labels.width as u32, labels.height as u32, pixels];
            gpu.bind(&kernel, &params, &[&labels.ids, &means, &nearest])
        };
        gpu.submit(WHAT, &[(&bind(0), grid), (&bind(1), grid)]);
        Ok(nearest)
    })
    .await
}

/// Adds the sums of masks that fit into workgroup memory with the same number of invocations.
async fn small_errors(
    gpu: &Gpu,
    labels: &GpuLabels,
    planes: &GpuPlanes,
    nearest: &wgpu::Buffer,
    boxes: &[MaskBox],
    sums: &mut [[f64; 2]],
) -> Result<(), Error> {
    let Some((shader, lanes)) = boxes.first().and_then(|first| first.strategy.shader()) else { return Ok(()) };
    let [kernel] = gpu.kernels_of([Variant::new(shader).with(overrides::LANES, lanes)]).await?;
    let words: Vec<[u32; 6]> = boxes.iter().map(MaskBox::words).collect();
    let errors = gpu
        .with_error_scopes(WHAT, || {
            let (words, errors) = (gpu.upload(WHAT, &words)?, gpu.storage(WHAT, 8 * boxes.len() as u64)?);
            let params = [labels.width as u32, (labels.height * labels.width) as u32, 0];
            let bound = gpu.bind(&kernel, &params, &[&words, &labels.ids, &planes.buffer, nearest, &errors]);
            gpu.submit(WHAT, &[(&bound, [boxes.len() as u32, 1, 1])]);
            Ok(errors)
        })
        .await?;
    add(gpu, &errors, boxes.iter().map(|mask_box| mask_box.mask), boxes.len(), sums).await
}

/// Adds the sums of masks with heat in memory.
async fn large_errors(
    gpu: &Gpu,
    labels: &GpuLabels,
    planes: &GpuPlanes,
    nearest: &wgpu::Buffer,
    boxes: &[MaskBox],
    sums: &mut [[f64; 2]],
) -> Result<(), Error> {
    let [compare] = gpu.kernels_of([Variant::new(&shaders::FLOW_ERROR_LARGE)]).await?;
    let heat = heat::heat(gpu, labels, nearest, boxes).await?;
    let tiles = boxes::tiles(boxes);
    let (errors, submission) = gpu
        .with_error_scopes(WHAT, || {
            let words: Vec<[u32; 6]> = boxes.iter().map(MaskBox::words).collect();
            let (words, tiles_of) = (gpu.upload(WHAT, &words)?, gpu.upload(WHAT, &tiles)?);
            let errors = gpu.storage(WHAT, 8 * tiles.len() as u64)?;
            let size = [labels.width as u32, labels.height as u32, tiles.len() as u32];
            let buffers = [&words, &tiles_of, &labels.ids, &planes.buffer, &heat, &errors];
            let submission =
                gpu.submit(WHAT, &[(&gpu.bind(&compare, &size, &buffers), gpu.workgroup_grid(WHAT, tiles.len())?)]);
            Ok((errors, submission))
        })
        .await?;
    gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
    add(gpu, &errors, tiles.iter().map(|&[at, _]| boxes[at as usize].mask), tiles.len(), sums).await
}

/// Adds the pairs of a buffer to the sums of their masks.
async fn add(
    gpu: &Gpu,
    errors: &wgpu::Buffer,
    masks: impl Iterator<Item = usize>,
    count: usize,
    sums: &mut [[f64; 2]],
) -> Result<(), Error> {
    let bytes = 8 * count as u64;
    let found = gpu.fetch(WHAT, &[(errors, 0..bytes)]).await?.values::<[f32; 2]>(0..bytes);
    for (mask, [error, bound]) in masks.zip(found) {
        sums[mask][0] += f64::from(error);
        sums[mask][1] += f64::from(bound);
    }
    Ok(())
}
