//! Matrix products of a vector (the reference's `batchconvstyle.full`).

use cytoshade_core::Linear;

use crate::simd::Block;

/// Writes `bias + weight * source`, summed in f64.
pub(super) fn run(linear: &Linear, source: &[Block], target: &mut [Block]) {
    let source = source.iter().flat_map(|block| &block.0);
    let product = |(row, &bias): (&[f32], &f32)| {
        let products = row.iter().zip(source.clone()).map(|(&weight, &value)| f64::from(weight) * f64::from(value));
        (f64::from(bias) + products.sum::<f64>()) as f32
    };
    let values = linear.weight().chunks_exact(linear.inputs()).zip(linear.bias()).map(product);
    for (lane, value) in target.iter_mut().flat_map(|block| &mut block.0).zip(values) {
        *lane = value;
    }
}
