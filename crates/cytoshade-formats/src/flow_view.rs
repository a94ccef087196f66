//! A borrowed view of the network's output.

use cytoshade_core::{Planes, Volume};

use crate::Error;

/// The network's flows and cell probability for an image or a stack, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct FlowView<'a> {
    flows: &'a [f32],
    cellprob: &'a [f32],
    channels: usize,
    /// Z (1 for an image), Y and X.
    size: [usize; 3],
    is_stack: bool,
}

impl<'a> FlowView<'a> {
    /// Flows (dY, dX) of shape [2, Y, X] and cell probabilities of shape [1, Y, X].
    ///
    /// # Errors
    /// [`Error::Output`] for other shapes.
    pub fn image(flows: &'a Planes, cellprob: &'a Planes) -> Result<Self, Error> {
        let shape = |planes: &Planes| [planes.channels(), 1, planes.height(), planes.width()];
        Self::new((flows.as_slice(), shape(flows)), (cellprob.as_slice(), shape(cellprob)), false)
    }

    /// Flows and cell probabilities of a stack.
    ///
    /// Flows are (dZ, dY, dX) of shape [3, Z, Y, X] or (dY, dX) of shape [2, Z, Y, X], cell probabilities of shape [1,
    /// Z, Y, X].
    ///
    /// # Errors
    /// [`Error::Output`] for other shapes.
    pub fn stack(flows: &'a Volume, cellprob: &'a Volume) -> Result<Self, Error> {
        let shape = |volume: &Volume| [volume.channels(), volume.depth(), volume.height(), volume.width()];
        Self::new((flows.as_slice(), shape(flows)), (cellprob.as_slice(), shape(cellprob)), true)
    }

    fn new(
        (flows, flow_shape): (&'a [f32], [usize; 4]),
        (cellprob, cellprob_shape): (&'a [f32], [usize; 4]),
        is_stack: bool,
    ) -> Result<Self, Error> {
        let [channels, size @ ..] = flow_shape;
        if !(channels == 2 || is_stack && channels == 3) || cellprob_shape != [1, size[0], size[1], size[2]] {
            return Err(Error::Output {
                found: format!("flows of shape {flow_shape:?} and cell probabilities of shape {cellprob_shape:?}"),
                expected: "flows in two axes (or three, of a stack) and one cell probability, of one size",
            });
        }
        Ok(Self { flows, cellprob, channels, size, is_stack })
    }

    /// Lengths of the axes of flows and cell probability together: [C + 1, Y, X] or [C + 1, Z, Y, X].
    pub fn shape(&self) -> Vec<usize> {
        let axes = if self.is_stack { &self.size[..] } else { &self.size[1..] };
        [&[self.channels + 1], axes].concat()
    }

    pub(crate) fn flows(&self) -> &'a [f32] {
        self.flows
    }

    pub(crate) fn cellprob(&self) -> &'a [f32] {
        self.cellprob
    }

    pub(crate) fn channels(&self) -> usize {
        self.channels
    }

    pub(crate) fn size(&self) -> [usize; 3] {
        self.size
    }

    pub(crate) fn is_stack(&self) -> bool {
        self.is_stack
    }

    /// One channel of the flows.
    pub(crate) fn channel(&self, channel: usize) -> &'a [f32] {
        let length = self.cellprob.len();
        self.flows.get(channel * length..(channel + 1) * length).unwrap_or_default()
    }
}
