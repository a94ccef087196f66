//! Random stacks and flows.

use cytoshade_core::Volume;
use cytoshade_gpu::volume::GpuVolume;
use cytoshade_gpu::{Error, Gpu};
use cytoshade_tests::random::Random;
use pollster::block_on;

pub(crate) fn random_stack(random: &mut Random, channels: usize, [depth, height, width]: [usize; 3]) -> Volume {
    let mut values = random.vector(channels * depth * height * width, 0.0, 10.0);
    // The light falls off along the rows, and z-slices become brighter.
    for (at, value) in values.iter_mut().enumerate() {
        *value *= 1.0 + (at / height / width % depth) as f32 + 20.0 * (at % width) as f32 / width as f32;
    }
    Volume::new(values, channels, depth, height, width).unwrap()
}

pub(crate) fn upload(gpu: &Gpu, volume: &Volume) -> Result<GpuVolume, Error> {
    block_on(GpuVolume::upload(gpu, volume))
}

/// Smooth flows with noise, and a cellprob with holes.
pub(crate) fn scene(random: &mut Random, size: [usize; 3]) -> (Volume, Vec<f32>) {
    let [depth, height, width] = size;
    let waves = [0; 3].map(|_| random.number(0.1, 0.5));
    let mut flows = Volume::zeros(3, depth, height, width);
    let mut cellprob = Vec::new();
    for at in 0..depth * height * width {
        let place = [at / width / height, at / width % height, at % width];
        let phases = [0, 1, 2].map(|axis| place[axis] as f32 * waves[axis]);
        for (axis, phase) in phases.iter().enumerate() {
            flows.channel_mut(axis)[at] = 5.0 * phase.sin() + random.number(-0.5, 0.5);
        }
        cellprob.push(2.0 * phases.iter().sum::<f32>().sin() + random.number(-1.0, 1.0));
    }
    (flows, cellprob)
}
