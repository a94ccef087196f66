//! The kernels and stages of an adapter beside the CPU's.

use std::time::Instant;

use cytoshade_core::{EndPoints, Network};
use cytoshade_gpu::{
    Activations, AdapterInfo, Choice, ConvKernel, Error as GpuError, Gpu, GpuEndPoints, GpuLabels, GpuPlanes,
    Network as GpuNetwork, Options, Precision, TiledPlanes, tune,
};

use super::scene::{NITER, RESIZED, Scene, distance};
use super::{CheckOutcome, SelfTestCheck};
use crate::Error;
use crate::device_check::share;

/// Relative L2 error of a stage of floating-point numbers that counts as agreement: rounding.
const ROUNDING: f64 = 1e-5;

/// Pixels by which an end point may differ, and the share of end points that may differ by more.
const END_POINT: (f32, f64) = (1e-2, 1e-3);

/// Compares every kernel and stage of an adapter.
pub(super) async fn checks(adapter: &AdapterInfo, network: &Network, scene: &Scene) -> Vec<SelfTestCheck> {
    let start = Instant::now();
    let gpu = match Gpu::open(Choice::Named(adapter.name.clone())).await {
        Ok(gpu) => gpu,
        Err(error) => return vec![check("device", start, Err(error))],
    };
    let mut checks = Vec::new();
    macro_rules! stage {
        ($name:literal, $future:expr) => {
            let start = Instant::now();
            let outcome = $future.await;
            checks.push(check($name, start, outcome));
        };
    }
    stage!("normalize", normalize(&gpu, scene));
    stage!("resize", resize(&gpu, scene));
    stage!("tile", tile(&gpu, scene));
    for precision in [Precision::F32, Precision::F16] {
        for kernel in ConvKernel::ALL {
            let start = Instant::now();
            let outcome = run(&gpu, network, scene, Options { kernel: Some(kernel), precision }).await;
            checks.push(check(&format!("network {kernel} {}", precision.name()), start, outcome));
        }
    }
    stage!("blend", blend(&gpu, scene));
    stage!("follow_flows", follow_flows(&gpu, scene));
    stage!("histogram", histogram(&gpu, scene));
    stage!("masks", masks(&gpu, scene));
    stage!("flow_error", flow_error(&gpu, scene));
    stage!("fill_holes", fill_holes(&gpu, scene));
    checks
}

fn check(name: &str, start: Instant, outcome: Result<CheckOutcome, GpuError>) -> SelfTestCheck {
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(GpuError::Unsuitable { declined, .. }) => CheckOutcome::Skipped(declined.to_string()),
        Err(GpuError::NoF16 { .. }) => CheckOutcome::Skipped("the adapter lacks SHADER_F16".into()),
        Err(error) => CheckOutcome::Failed(Error::Gpu(error)),
    };
    SelfTestCheck { name: name.into(), outcome, time: start.elapsed() }
}

async fn normalize(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let planes = GpuPlanes::upload(gpu, &scene.planes).await?;
    let found = cytoshade_gpu::normalize(gpu, planes, &scene.params).await?.read(gpu).await?;
    Ok(CheckOutcome::new(distance(found.as_slice(), scene.normalized.as_slice()), ROUNDING))
}

async fn resize(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let planes = GpuPlanes::upload(gpu, &scene.normalized).await?;
    let found = cytoshade_gpu::bilinear(gpu, &planes, RESIZED.0, RESIZED.1).await?.read(gpu).await?;
    Ok(CheckOutcome::new(distance(found.as_slice(), scene.resized.as_slice()), ROUNDING))
}

async fn tiled(gpu: &Gpu, scene: &Scene) -> Result<TiledPlanes, GpuError> {
    let planes = GpuPlanes::upload(gpu, &scene.normalized).await?;
    TiledPlanes::new(gpu, planes, &scene.layout, scene.blended.channels()).await
}

async fn tile(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let tiled = tiled(gpu, scene).await?;
    let found = cytoshade_gpu::cut(gpu, &tiled, 0..tiled.tiles()).await?.read(gpu).await?;
    Ok(CheckOutcome::new(share(&found, &scene.tiles), 0.0))
}

async fn run(gpu: &Gpu, network: &Network, scene: &Scene, options: Options) -> Result<CheckOutcome, GpuError> {
    let tile = &scene.tile;
    let found = GpuNetwork::with(gpu, network, options).await?.run(&tile.values, 1, tile.side, tile.side).await?;
    Ok(CheckOutcome::new(distance(&found.outputs, &tile.outputs), tune::allowed(options.precision)))
}

async fn blend(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let tiled = tiled(gpu, scene).await?;
    let side = scene.tile.side;
    let shape = [tiled.tiles(), scene.blended.channels(), side, side];
    let outputs = Activations::upload(gpu, &scene.outputs, shape).await?;
    cytoshade_gpu::blend(gpu, &tiled, 0..tiled.tiles(), &outputs).await?;
    let found = tiled.outputs().read(gpu).await?;
    Ok(CheckOutcome::new(distance(found.as_slice(), scene.blended.as_slice()), ROUNDING))
}

async fn follow_flows(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let flows = GpuPlanes::upload(gpu, &scene.flows).await?;
    let threshold = scene.params.cellprob_threshold;
    let found = cytoshade_gpu::follow_flows(gpu, &flows, threshold, NITER, scene.params.interp).await?;
    let found = found.read(gpu).await?;
    let (distance, allowed) = END_POINT;
    let error = if found.pixels == scene.ends.pixels { far(&found, &scene.ends, distance) } else { 1.0 };
    Ok(CheckOutcome::new(error, allowed))
}

/// The share of end points that are further apart than a distance in pixels.
fn far(found: &EndPoints, expected: &EndPoints, distance: f32) -> f64 {
    let rows = found.y.iter().zip(&expected.y);
    let columns = found.x.iter().zip(&expected.x);
    let near = rows.zip(columns).filter(|((y, v), (x, u))| (*y - *v).hypot(*x - *u) <= distance).count();
    1.0 - near as f64 / expected.pixels.len().max(1) as f64
}

async fn ends(gpu: &Gpu, scene: &Scene) -> Result<GpuEndPoints, GpuError> {
    GpuEndPoints::upload(gpu, &scene.ends, scene.flows.height(), scene.flows.width()).await
}

async fn histogram(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let found = cytoshade_gpu::histogram(gpu, &ends(gpu, scene).await?).await?.read(gpu).await?;
    Ok(CheckOutcome::new(share(&found.counts, &scene.histogram.counts), 0.0))
}

async fn masks(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let ends = ends(gpu, scene).await?;
    let histogram = cytoshade_gpu::histogram(gpu, &ends).await?;
    let found = cytoshade_gpu::masks(gpu, &ends, &histogram, scene.params.max_size_fraction).await?.read(gpu).await?;
    Ok(CheckOutcome::new(share(found.as_slice(), scene.masks.as_slice()), 0.0))
}

/// The largest difference of a mask's flow error, as a part of its rounding bound.
async fn flow_error(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let flows = GpuPlanes::upload(gpu, &scene.flows).await?;
    let found = cytoshade_gpu::flow_errors(gpu, &GpuLabels::upload(gpu, &scene.masks).await?, &flows).await?;
    let parts = found.iter().zip(&scene.flow_errors).map(|(found, exact)| (found.error - exact).abs() / found.bound);
    let error = if found.len() == scene.flow_errors.len() { parts.fold(0.0, f64::max) } else { f64::INFINITY };
    Ok(CheckOutcome::new(error, 1.0))
}

async fn fill_holes(gpu: &Gpu, scene: &Scene) -> Result<CheckOutcome, GpuError> {
    let labels = GpuLabels::upload(gpu, &scene.masks).await?;
    let size = (scene.masks.height(), scene.masks.width());
    let found = cytoshade_gpu::fill_holes_and_remove_small(gpu, labels, size, scene.params.min_size).await?;
    Ok(CheckOutcome::new(share(found.as_slice(), scene.labels.as_slice()), 0.0))
}
