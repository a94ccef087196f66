//! Pictures of the network's outputs, as Cellpose's graphical program shows them.

use std::f32::consts::PI;

/// Two channels of flows as colors: hue for angle, brightness for length (`plot.dx_to_circ`).
pub(crate) fn colors(dy: &[f32], dx: &[f32]) -> Vec<[u8; 3]> {
    let pairs = || dy.iter().zip(dx);
    colors_of(pairs(), pairs().map(|(y, x)| (y * y + x * x).sqrt()).collect())
}

/// The reference's image of flows in 3-D.
///
/// The hue is the angle of the first two channels (dZ and dY), the brightness the length of all three.
pub(crate) fn volume_colors(channels: [&[f32]; 3]) -> Vec<[u8; 3]> {
    let [z, y, x] = channels;
    let lengths = z.iter().zip(y).zip(x).map(|((z, y), x)| (z * z + y * y + x * x).sqrt()).collect();
    colors_of(z.iter().zip(y), lengths)
}

fn colors_of<'a>(angles: impl Iterator<Item = (&'a f32, &'a f32)>, mut lengths: Vec<f32>) -> Vec<[u8; 3]> {
    normalize99(&mut lengths);
    let color = |((first, second), length): ((&f32, &f32), f32)| {
        let half = 255.0 * length.clamp(0.0, 1.0) / 2.0;
        let angle = second.atan2(*first) + PI;
        // `as` truncates and saturates at 0 and 255.
        [0.0, 2.0, 4.0].map(|thirds| (half * ((angle + thirds * PI / 3.0).cos() + 1.0)) as u8)
    };
    angles.zip(lengths).map(color).collect()
}

/// Cell probabilities as gray: 0 at their 1st percentile, 255 at their 99th.
pub(crate) fn brightness(cellprob: &[f32]) -> Vec<u8> {
    let mut values = cellprob.to_vec();
    normalize99(&mut values);
    values.into_iter().map(|value| (value.clamp(0.0, 1.0) * 255.0) as u8).collect()
}

/// A channel of flows as gray: 127 is zero flow; saturates at -10 and 10.
pub(crate) fn direction(flows: &[f32]) -> Vec<u8> {
    flows.iter().map(|value| (value / 10.0 * 127.0 + 127.0) as u8).collect()
}

/// The reference's `transforms.normalize99`.
fn normalize99(values: &mut [f32]) {
    let mut sorted = values.to_vec();
    let (low, high) = (percentile(&mut sorted, 0.01), percentile(&mut sorted, 0.99));
    let range = high - low;
    values.iter_mut().for_each(|value| *value = if range > 1e-3 { (*value - low) / range } else { 0.0 });
}

/// A percentile as in numpy's `percentile`: linear between the two nearest values.
fn percentile(values: &mut [f32], part: f64) -> f32 {
    let Some(last) = values.len().checked_sub(1) else { return 0.0 };
    let place = last as f64 * part;
    let (_, &mut low, above) = values.select_nth_unstable_by(place as usize, f32::total_cmp);
    let high = above.iter().copied().min_by(f32::total_cmp).unwrap_or(low);
    (f64::from(low) + (f64::from(high) - f64::from(low)) * place.fract()) as f32
}

/// Resizes an image by nearest neighbor, as OpenCV's `INTER_NEAREST` does.
pub(crate) fn resize<T: Copy>(pixels: &[T], from: [usize; 2], to: [usize; 2]) -> Vec<T> {
    if from == to {
        return pixels.to_vec();
    }
    let source = |axis: usize, at: usize| (at * from[axis] / to[axis].max(1)).min(from[axis].saturating_sub(1));
    let place = |y, x| source(0, y) * from[1] + source(1, x);
    (0..to[0]).flat_map(|y| (0..to[1]).filter_map(move |x| pixels.get(place(y, x)).copied())).collect()
}
