//! The stages on a GPU, each compared with the CPU's.

mod plane;
mod stack;

use std::time::{Duration, Instant};

use cytoshade_benches::scenes::Scene;
use cytoshade_gpu::{Error, Gpu};
use pollster::block_on;

use crate::plane::Plane;
use crate::stack::Stack;
use crate::{Outcome, Stages};

/// The stages of a scene, with their inputs on the device.
pub(crate) fn stages(gpu: &Gpu, scene: Scene) -> Outcome<Box<dyn Stages>> {
    let [depth, ..] = scene.size;
    Ok(if depth > 1 {
        Box::new(stack::OnDevice::new(gpu.clone(), Stack::new(scene)?)?)
    } else {
        Box::new(plane::OnDevice::new(gpu.clone(), Plane::new(scene)?)?)
    })
}

/// Runs `work` and waits for the device. Returns its result and the seconds.
fn time<T>(gpu: &Gpu, work: impl Future<Output = Result<T, Error>>) -> Outcome<(Duration, T)> {
    gpu.wait_idle("what came before")?;
    let start = Instant::now();
    let made = block_on(work)?;
    gpu.wait_idle("a stage")?;
    Ok((start.elapsed(), made))
}
