//! Resizes stacks: each z-slice as an image, then the depth (the reference's `_run_net` and `resize_and_compute_masks`,
//! which transpose the stack for the second).

use crate::parallel::*;
use cytoshade_core::resample::lerp_indices;
use cytoshade_core::{LabelVolume, Labels, Planes, Volume};

use crate::resize::{bilinear, corners, nearest};

/// Resizes every channel to [depth, height, width] by linear interpolation along each axis.
pub fn linear(volume: Volume, [depth, height, width]: [usize; 3]) -> Volume {
    let volume = if (volume.height(), volume.width()) == (height, width) {
        volume
    } else {
        // Each z-slice of each channel is a plane of its own.
        let [channels, slices] = [volume.channels(), volume.depth()];
        let planes = Planes::new(volume.as_slice().to_vec(), channels * slices, volume.height(), volume.width());
        // The counts agree, so the default is never taken.
        let resized = bilinear(&planes.unwrap_or_default(), height, width).into_vec();
        Volume::new(resized, channels, slices, height, width).unwrap_or_default()
    };
    if volume.depth() == depth { volume } else { linear_depth(&volume, depth) }
}

fn linear_depth(volume: &Volume, depth: usize) -> Volume {
    let [from, height, width] = volume.size();
    let pixels = height * width;
    let mut resized = Volume::zeros(volume.channels(), depth, height, width);
    if from == 0 || pixels == 0 {
        return resized;
    }
    let indices = lerp_indices(from, depth);
    for channel in 0..volume.channels() {
        let source = volume.channel(channel);
        resized.channel_mut(channel).par_chunks_exact_mut(pixels).zip(&indices).for_each(|(out, at)| {
            let (first, second) = (&source[at.first * pixels..][..pixels], &source[at.second * pixels..][..pixels]);
            for ((out, first), second) in out.iter_mut().zip(first).zip(second) {
                *out = first * (1.0 - at.weight) + second * at.weight;
            }
        });
    }
    resized
}

/// Resizes labels to [depth, height, width]; each voxel takes the label at its scaled first corner (INTER_NEAREST).
pub fn nearest_labels(labels: &LabelVolume, [depth, height, width]: [usize; 3]) -> LabelVolume {
    let mut resized = Vec::with_capacity(depth * height * width);
    if labels.depth() > 0 {
        let slices: Vec<Labels> = (0..labels.depth()).map(|z| nearest(&labels.slice(z), height, width)).collect();
        for z in corners(labels.depth(), depth) {
            resized.extend_from_slice(slices[z].as_slice());
        }
    }
    LabelVolume::new(resized, depth, height, width).unwrap_or_default()
}
