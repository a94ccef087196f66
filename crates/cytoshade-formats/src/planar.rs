//! From interleaved samples to planes.

/// The first `keep` of every `stored` interleaved samples, channel by channel.
pub(crate) fn planar<T: Copy>(pixels: &[T], stored: usize, keep: usize) -> Vec<T> {
    let mut planes = Vec::with_capacity(pixels.len() / stored.max(1) * keep);
    for channel in 0..keep {
        planes.extend(pixels.iter().skip(channel).step_by(stored.max(1)).copied());
    }
    planes
}
