//! The order in which the pipelines keep a network's outputs, and the style of a plane.
//!
//! After [`arrange`] the outputs of every segmentation network are dY, dX, cell probability, then the classes.

use std::ops::Range;

use cytoshade_core::{OutputChannels, Planes};

use crate::Error;
use crate::backend::is_capacity_error;
use crate::field::Field;

/// Planes of the flows, dY and dX.
pub(crate) const FLOWS: Range<usize> = 0..2;
/// Plane of the cell probability.
pub(crate) const CELLPROB: usize = 2;
/// First plane of the classes.
pub(crate) const CLASSES: usize = 3;

/// The planes in the order of the pipelines, in host memory. Outputs of networks that do not segment stay as they are.
pub(crate) fn arrange_on_host(planes: Planes, outputs: &OutputChannels) -> Planes {
    match new_order(outputs) {
        Some(order) => planes.reorder(&order),
        None => planes,
    }
}

/// As [`arrange_on_host`], on the device if the planes are there and it has room for a copy.
pub(crate) async fn arrange(planes: Field, outputs: &OutputChannels) -> Result<Field, Error> {
    let Some(order) = new_order(outputs) else { return Ok(planes) };
    if let Field::Device(gpu, planes) = &planes {
        match planes.reorder(gpu, &order).await {
            Err(error) if is_capacity_error(&error) => {}
            arranged => return Ok(Field::Device(gpu.clone(), arranged.map_err(Error::Gpu)?)),
        }
    }
    Ok(Field::Host(planes.into_host().await?.reorder(&order)))
}

/// The order of the pipelines, if it is not the network's own.
fn new_order(outputs: &OutputChannels) -> Option<Vec<usize>> {
    outputs.segmentation_order().filter(|order| !order.is_sorted())
}

/// The arranged plane that is the network's last output, which the reference takes for the cell probability of stacks in
/// 3-D (`core.run_3D`).
pub(crate) fn last_output(outputs: &OutputChannels) -> usize {
    let last = outputs.count - 1;
    let order = outputs.segmentation_order().unwrap_or_default();
    order.iter().position(|&channel| channel == last).unwrap_or(last)
}

/// The sum of the styles of a plane's tiles. Empty for networks without style.
pub(crate) struct StyleSum(Option<Vec<f32>>);

impl StyleSum {
    /// No tile yet; `channels` are those of the style.
    pub(crate) fn new(channels: Option<usize>) -> Self {
        Self(channels.map(|channels| vec![0.0; channels]))
    }

    /// Adds the style of a tile.
    pub(crate) fn add(&mut self, style: Option<&[f32]>) {
        if let (Some(sum), Some(style)) = (&mut self.0, style) {
            sum.iter_mut().zip(style).for_each(|(sum, value)| *sum += value);
        }
    }

    /// The style of the plane, of unit length.
    pub(crate) fn finish(self) -> Option<Vec<f32>> {
        self.0.map(|mut style| {
            let norm = style.iter().map(|value| value * value).sum::<f32>().sqrt();
            if norm > 0.0 {
                style.iter_mut().for_each(|value| *value /= norm);
            }
            style
        })
    }
}

/// The styles of a batch, tile by tile; always `None` for networks without style.
pub(crate) fn styles_of_tiles(styles: &[f32], channels: Option<usize>) -> impl Iterator<Item = Option<&[f32]>> {
    styles.chunks_exact(channels.unwrap_or(1)).map(Some).chain(std::iter::repeat(None))
}

#[cfg(test)]
mod tests {
    use cytoshade_core::FlowChannels;

    use super::*;

    fn planes(values: &[f32]) -> Planes {
        Planes::new(values.to_vec(), values.len(), 1, 1).unwrap()
    }

    #[test]
    fn flows_come_first_wherever_the_network_has_them() {
        let flows = Some(FlowChannels { dy: 2, dx: 3, cellprob: 4 });
        let last_three = OutputChannels { count: 5, flows };
        let arranged = arrange_on_host(planes(&[0.0, 1.0, 2.0, 3.0, 4.0]), &last_three);
        assert_eq!(arranged, planes(&[2.0, 3.0, 4.0, 0.0, 1.0]));
        assert_eq!(last_output(&last_three), CELLPROB);
        let unet = OutputChannels { count: 5, flows: Some(FlowChannels { dy: 0, dx: 1, cellprob: 2 }) };
        assert_eq!(new_order(&unet), None);
        assert_eq!(last_output(&unet), 4);
        let restores = OutputChannels { count: 1, flows: None };
        assert_eq!((new_order(&restores), last_output(&restores)), (None, 0));
    }

    #[test]
    fn styles_are_summed_to_unit_length_and_may_be_absent() {
        let mut sum = StyleSum::new(Some(2));
        let styles = [1.0, 1.0, 2.0, 3.0];
        styles_of_tiles(&styles, Some(2)).take(2).for_each(|style| sum.add(style));
        assert_eq!(sum.finish(), Some(vec![0.6, 0.8]));
        let mut none = StyleSum::new(None);
        styles_of_tiles(&[], None).take(2).for_each(|style| none.add(style));
        assert_eq!(none.finish(), None);
    }
}
