//! Euler integration of the flows (the reference's `dynamics.follow_flows` on its CPU path).

use cytoshade_core::{EndPoints, Histogram, Planes};
use cytoshade_shaders as shaders;

use crate::buffers::{Bytes, PATIENCE};
use crate::device::Gpu;
use crate::error::Error;
use crate::histogram::Counting;
use crate::kernel::{Variant, linear};

/// Steps of one submission. Drivers stop what runs for seconds, so long integrations come in pieces.
const STEPS: u32 = 50;

const WHAT: &str = "the flow dynamics";

/// Where `niter` steps of the flows carry every pixel whose `cellprob` is above `threshold`.
///
/// `flows` are (dY, dX) as the network gives them, 5 times unit length, and `cellprob` is one value a pixel; a step is a
/// fifth of the flow at the pixel's place, interpolated bilinearly where `interp`, and 0 outside of the pixels that take
/// part.
///
/// # Errors
/// [`Error::Length`] where `flows` has not two planes or `cellprob` another size, [`Error::Limit`] where the plane is
/// too large for the device's `maxStorageBufferBindingSize` (8 bytes a pixel), and whatever the device says.
pub async fn follow_flows(
    gpu: &Gpu,
    flows: &Planes,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<EndPoints, Error> {
    Ok(run(gpu, flows, cellprob, threshold, niter, interp, false).await?.0)
}

/// [`follow_flows`] and [`crate::histogram()`] of its end points in one go: the end points do not leave the device in
/// between.
///
/// # Errors
/// Those of [`follow_flows`].
pub async fn sinks(
    gpu: &Gpu,
    flows: &Planes,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<(EndPoints, Histogram), Error> {
    run(gpu, flows, cellprob, threshold, niter, interp, true).await
}

async fn run(
    gpu: &Gpu,
    flows: &Planes,
    cellprob: &[f32],
    threshold: f32,
    niter: u32,
    interp: bool,
    count: bool,
) -> Result<(EndPoints, Histogram), Error> {
    let (height, width) = (flows.height(), flows.width());
    if flows.channels() < 2 {
        return Err(Error::Length { what: "flows", found: flows.as_slice().len(), expected: 2 * flows.pixels() });
    }
    if cellprob.len() != flows.pixels() {
        return Err(Error::Length { what: "cellprob", found: cellprob.len(), expected: flows.pixels() });
    }
    // The field of steps is the largest buffer; once it fits, pixels can be counted in 32 bits.
    gpu.check_binding(WHAT, 8 * flows.pixels() as u64)?;
    let pixels: Vec<u32> =
        cellprob.iter().enumerate().filter(|&(_, &p)| p > threshold).map(|(at, _)| at as u32).collect();
    if pixels.is_empty() {
        return Ok((EndPoints::default(), Counting::nothing(height, width)));
    }

    let (field, euler) =
        (Variant::of(shaders::FLOW_FIELD), Variant::of(shaders::FOLLOW_FLOWS).with(shaders::INTERP, interp));
    // All at once, so that they are built in parallel.
    gpu.build(&[field.clone(), euler.clone(), Counting::variant()]).await?;
    let (field, euler, counting) = (gpu.kernel(field).await?, gpu.kernel(euler).await?, Counting::kernel(gpu).await?);
    let ends = 8 * pixels.len() as u64;
    let (back, submissions) = gpu
        .attempt(WHAT, || {
            let plane = flows.pixels() as u64;
            let flow_y = gpu.upload(WHAT, flows.plane(0))?;
            let flow_x = gpu.upload(WHAT, flows.plane(1))?;
            let cellprob = gpu.upload(WHAT, cellprob)?;
            let steps = gpu.storage(WHAT, 8 * plane)?;
            let active = gpu.upload(WHAT, &pixels)?;
            let positions = gpu.storage(WHAT, ends)?;
            let counting = count.then(|| Counting::new(gpu, &counting, &positions, pixels.len(), height, width));
            let counting = counting.transpose()?;
            let back = gpu.readback(WHAT, ends + counting.as_ref().map_or(0, Counting::bytes))?;

            let prepare = field.bind(gpu, &[plane as u32, threshold.to_bits()], &[&flow_y, &flow_x, &cellprob, &steps]);
            let prepare_grid = linear(gpu, WHAT, plane)?;
            let grid = linear(gpu, WHAT, pixels.len() as u64)?;
            let piece = |steps_now: u32, start: bool| {
                let params = [width as u32, height as u32, pixels.len() as u32, steps_now, u32::from(start)];
                euler.bind(gpu, &params, &[&steps, &active, &positions])
            };

            // The first piece starts from the pixels and makes the odd steps; all others are alike.
            let (first, others) = pieces(niter);
            let (first, other) = (piece(first, true), piece(STEPS, false));
            let mut submissions = Vec::new();
            for at in 0..=others {
                let mut encoder = gpu
                    .device()
                    .create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("follow_flows") });
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                if at == 0 {
                    prepare.dispatch(&mut pass, prepare_grid);
                    first.dispatch(&mut pass, grid);
                } else {
                    other.dispatch(&mut pass, grid);
                }
                if at == others
                    && let Some(counting) = &counting
                {
                    counting.dispatch(&mut pass);
                }
                drop(pass);
                if at == others {
                    encoder.copy_buffer_to_buffer(&positions, 0, &back, 0, Some(ends));
                    if let Some(counting) = &counting {
                        counting.copy(&mut encoder, &back, ends);
                    }
                }
                submissions.push(gpu.queue().submit([encoder.finish()]));
            }
            Ok((back, submissions))
        })
        .await?;
    let bytes = wait(gpu, &back, submissions).await?;
    let (y, x) = bytes.values::<[f32; 2]>(0..ends).into_iter().map(|[y, x]| (y, x)).unzip();
    let histogram = if count { Counting::read(&bytes, ends, height, width) } else { Counting::nothing(height, width) };
    Ok((EndPoints { pixels, y, x }, histogram))
}

/// The steps of the first submission, fewer than [`STEPS`], and how many submissions of [`STEPS`] follow.
fn pieces(niter: u32) -> (u32, u32) {
    (niter % STEPS, niter / STEPS)
}

/// Waits for each submission in turn, so that each has the whole time limit to itself.
async fn wait(gpu: &Gpu, back: &wgpu::Buffer, mut submissions: Vec<wgpu::SubmissionIndex>) -> Result<Bytes, Error> {
    let Some(last) = submissions.pop() else {
        return Err(Error::Refused { what: WHAT, reason: "nothing was submitted".into() });
    };
    for submission in submissions {
        gpu.wait(WHAT, submission, PATIENCE)?;
    }
    gpu.read(WHAT, back, last, PATIENCE).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up() {
        for niter in [0, 1, 49, 50, 51, 200, 1000, 1001, u32::MAX] {
            let (first, others) = pieces(niter);
            assert_eq!(first + others * STEPS, niter);
            assert!(first < STEPS);
        }
    }
}
