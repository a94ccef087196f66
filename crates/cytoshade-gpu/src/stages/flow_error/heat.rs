//! Computes the heat of masks in memory, after all rounds of the diffusion.

use cytoshade_shaders as shaders;

use super::WHAT;
use super::boxes::{self, MaskBox};
use super::strategy::DiffusionStrategy;
use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::masks::GpuLabels;

/// Rounds per submission: drivers stop work that runs for seconds.
const ROUNDS: usize = 32;

/// The heat of the masks by pixel, 0 elsewhere.
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
            Some(DiffusionStrategy::Columns(columns)) => columns.diffuse(gpu, labels, nearest, &alike, &heat).await?,
            _ => in_rounds(gpu, labels, nearest, &alike, &heat).await?,
        }
    }
    Ok(heat)
}

/// Runs the rounds of masks of any size, one per dispatch.
async fn in_rounds(
    gpu: &Gpu,
    labels: &GpuLabels,
    nearest: &wgpu::Buffer,
    boxes: &[MaskBox],
    heat: &wgpu::Buffer,
) -> Result<(), Error> {
    let [diffuse] = gpu.kernels_of([Variant::new(&shaders::DIFFUSE)]).await?;
    let tiles = boxes::tiles(boxes);
    let rounds: Vec<usize> = (0..boxes.iter().map(MaskBox::rounds).max().unwrap_or(0)).collect();
    let submissions = gpu
        .with_error_scopes(WHAT, || {
            let grid = gpu.workgroup_grid(WHAT, tiles.len())?;
            let other = gpu.storage(WHAT, heat.size())?;
            let words: Vec<[u32; 6]> = boxes.iter().map(MaskBox::words).collect();
            let (words, tiles_of) = (gpu.upload(WHAT, &words)?, gpu.upload(WHAT, &tiles)?);
            let submit = |rounds: &[usize]| {
                let bind = |&round: &usize| {
                    // The number of rounds is even, so that the last one writes to `heat`.
                    let [before, after] = if round % 2 == 0 { [heat, &other] } else { [&other, heat] };
                    let params = [labels.width as u32, labels.height as u32, tiles.len() as u32, round as u32];
                    gpu.bind(&diffuse, &params, &[&words, &tiles_of, &labels.ids, nearest, before, after])
                };
                let bound: Vec<_> = rounds.iter().map(bind).collect();
                gpu.submit(WHAT, &bound.iter().map(|bound| (bound, grid)).collect::<Vec<_>>())
            };
            Ok(rounds.chunks(ROUNDS).map(submit).collect::<Vec<_>>())
        })
        .await?;
    wait(gpu, submissions)
}

/// Waits for each submission in turn, so that each has the full time limit.
pub(super) fn wait(gpu: &Gpu, submissions: Vec<wgpu::SubmissionIndex>) -> Result<(), Error> {
    submissions.into_iter().try_for_each(|submission| gpu.wait(WHAT, submission, WAIT_TIMEOUT))
}
