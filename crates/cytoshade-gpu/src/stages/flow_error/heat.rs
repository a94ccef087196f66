//! The heat of masks in memory: after all rounds of the diffusion, by pixel.

use cytoshade_shaders as shaders;

use super::boxes::{self, Columns, DiffusionStrategy, MaskBox};
use super::{MASKS, WHAT};
use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::masks::GpuLabels;

/// Rounds of one submission: drivers stop what runs for seconds.
const ROUNDS: usize = 32;

/// [pixel]: the heat of the masks, 0 elsewhere.
pub(super) async fn heat(
    gpu: &Gpu,
    labels: &GpuLabels,
    nearest: &wgpu::Buffer,
    boxes: &[MaskBox],
) -> Result<wgpu::Buffer, Error> {
    let bytes = 4 * (labels.height * labels.width) as u64;
    let heat = gpu.with_error_scopes(WHAT, || gpu.storage(WHAT, bytes)).await?;
    for alike in boxes::alike(boxes) {
        match alike.first().map(|mask_box| mask_box.strategy) {
            // Never in a browser, which shall not load it.
            Some(DiffusionStrategy::Columns(columns)) if cfg!(not(target_arch = "wasm32")) => {
                single_dispatch(gpu, labels, nearest, &alike, columns, &heat).await?;
            }
            _ => in_rounds(gpu, labels, nearest, &alike, &heat).await?,
        }
    }
    Ok(heat)
}

/// All rounds of masks that fit into the registers of a workgroup.
async fn single_dispatch(
    gpu: &Gpu,
    labels: &GpuLabels,
    nearest: &wgpu::Buffer,
    boxes: &[MaskBox],
    columns: Columns,
    heat: &wgpu::Buffer,
) -> Result<(), Error> {
    let shader = if columns.wide { shaders::DIFFUSE_WIDE } else { shaders::DIFFUSE_NARROW };
    let variant = Variant::new(shader).with(shaders::LANES, columns.lanes).with(shaders::STACK, columns.stack);
    let [kernel] = gpu.kernels_of([variant]).await?;
    let submissions = gpu
        .with_error_scopes(WHAT, || {
            let words: Vec<[u32; 6]> = boxes.iter().map(MaskBox::words).collect();
            let words = gpu.upload(WHAT, &words)?;
            let submit = |first: usize| {
                let params = [labels.width as u32, first as u32];
                let bound = kernel.bind(gpu, &params, &[&words, &labels.ids, nearest, heat]);
                gpu.submit(WHAT, &[(&bound, [MASKS.min(boxes.len() - first) as u32, 1, 1])])
            };
            Ok((0..boxes.len()).step_by(MASKS).map(submit).collect::<Vec<_>>())
        })
        .await?;
    wait(gpu, submissions)
}

/// The rounds of masks of any size, one a dispatch.
async fn in_rounds(
    gpu: &Gpu,
    labels: &GpuLabels,
    nearest: &wgpu::Buffer,
    boxes: &[MaskBox],
    heat: &wgpu::Buffer,
) -> Result<(), Error> {
    let [diffuse] = gpu.kernels_of([Variant::new(shaders::DIFFUSE)]).await?;
    let tiles = boxes::tiles(boxes);
    let grid = boxes::grid(gpu, tiles.len());
    let rounds: Vec<usize> = (0..boxes.iter().map(MaskBox::rounds).max().unwrap_or(0)).collect();
    let submissions = gpu
        .with_error_scopes(WHAT, || {
            let other = gpu.storage(WHAT, heat.size())?;
            let words: Vec<[u32; 6]> = boxes.iter().map(MaskBox::words).collect();
            let (words, tiles_of) = (gpu.upload(WHAT, &words)?, gpu.upload(WHAT, &tiles)?);
            let submit = |rounds: &[usize]| {
                let bind = |&round: &usize| {
                    // The number of rounds is even, so that the last one writes to `heat`.
                    let [before, after] = if round % 2 == 0 { [heat, &other] } else { [&other, heat] };
                    let params = [labels.width as u32, labels.height as u32, tiles.len() as u32, round as u32];
                    diffuse.bind(gpu, &params, &[&words, &tiles_of, &labels.ids, nearest, before, after])
                };
                let bound: Vec<_> = rounds.iter().map(bind).collect();
                gpu.submit(WHAT, &bound.iter().map(|bound| (bound, grid)).collect::<Vec<_>>())
            };
            Ok(rounds.chunks(ROUNDS).map(submit).collect::<Vec<_>>())
        })
        .await?;
    wait(gpu, submissions)
}

/// Waits for each in turn, so that each has the whole time limit to itself.
fn wait(gpu: &Gpu, submissions: Vec<wgpu::SubmissionIndex>) -> Result<(), Error> {
    submissions.into_iter().try_for_each(|submission| gpu.wait(WHAT, submission, WAIT_TIMEOUT))
}
