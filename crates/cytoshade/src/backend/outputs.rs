//! The order in which the pipelines keep a network's outputs.
//!
//! After [`arrange`] the outputs of every segmentation network are dY, dX, cell probability, then the classes.

use std::ops::Range;

use cytoshade_core::OutputChannels;

use super::placed::{Placed, PlacedPlanes};
use super::unless_over_capacity;
use crate::Error;

/// Planes of the flows, dY and dX.
pub(crate) const FLOWS: Range<usize> = 0..2;
/// Plane of the cell probability.
pub(crate) const CELLPROB: usize = 2;
/// First plane of the classes.
pub(crate) const CLASSES: usize = 3;

/// Reorders the planes for the pipelines, on the device that holds them if it has room for a copy.
///
/// Outputs of networks that do not segment keep their order.
pub(crate) async fn arrange(planes: PlacedPlanes, outputs: &OutputChannels) -> Result<PlacedPlanes, Error> {
    let Some(order) = new_order(outputs) else { return Ok(planes) };
    if let Placed::Device(gpu, there) = &planes
        && let Some(arranged) = unless_over_capacity(there.reorder(gpu, &order).await)?
    {
        return Ok(Placed::Device(gpu.clone(), arranged));
    }
    Ok(Placed::Host(planes.into_host().await?.reorder(&order)))
}

/// The order for the pipelines; `None` if it equals the network's.
fn new_order(outputs: &OutputChannels) -> Option<Vec<usize>> {
    outputs.segmentation_order().filter(|order| !order.is_sorted())
}

/// The index, after [`arrange`], of the network's last output.
///
/// The reference uses that output as the cell probability of stacks in 3-D (`core.run_3D`).
pub(crate) fn last_output(outputs: &OutputChannels) -> usize {
    let last = outputs.count - 1;
    let order = outputs.segmentation_order().unwrap_or_default();
    order.iter().position(|&channel| channel == last).unwrap_or(last)
}

#[cfg(test)]
mod tests {
    use cytoshade_core::{FlowChannels, Planes};

    use super::*;

    #[test]
    fn flows_come_first_wherever_the_network_has_them() {
        let flows = Some(FlowChannels { dy: 2, dx: 3, cellprob: 4 });
        let last_three = OutputChannels { count: 5, flows };
        let planes = Planes::new(vec![0.0, 1.0, 2.0, 3.0, 4.0], 5, 1, 1).unwrap();
        let arranged =
            pollster::block_on(async { arrange(Placed::Host(planes), &last_three).await?.into_host().await });
        assert_eq!(arranged.unwrap().as_slice(), [2.0, 3.0, 4.0, 0.0, 1.0]);
        assert_eq!(last_output(&last_three), CELLPROB);
        let unet = OutputChannels { count: 5, flows: Some(FlowChannels { dy: 0, dx: 1, cellprob: 2 }) };
        assert_eq!(new_order(&unet), None);
        assert_eq!(last_output(&unet), 4);
        let restores = OutputChannels { count: 1, flows: None };
        assert_eq!((new_order(&restores), last_output(&restores)), (None, 0));
    }
}
