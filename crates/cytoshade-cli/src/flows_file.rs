//! The network's outputs in a `_flows.npy`, as `segment --save-flows` writes them.

use std::path::Path;

use cytoshade::{Image, Labels, Planes};
use cytoshade_formats::{LabelView, Limits, ReadOptions, Selection, read};

use crate::failure::Failure;
use crate::measurements::NetworkOutputs;

/// The outputs of an image or a stack, for measurements of its cells.
#[derive(Debug)]
pub(crate) struct FlowsFile {
    /// The flows (dY, dX) of an image; empty for a stack.
    flows: Planes,
    cellprob: Vec<f32>,
}

impl FlowsFile {
    /// Reads an array [3, Y, X] of an image, or of a stack [3, Z, Y, X] or [4, Z, Y, X]. The last channel is cellprob.
    pub(crate) fn read(path: &Path, is_stack: bool, limits: &Limits) -> Result<Self, Failure> {
        let selection = Selection { channel_axis: Some(0), z_axis: is_stack.then_some(1), ..Selection::default() };
        let base = if is_stack { ReadOptions::stack() } else { ReadOptions::default() };
        let selection = Selection { pages: base.selection.pages, ..selection };
        let options = ReadOptions { selection, limits: limits.clone(), ..base };
        let slices = read(path, &options).map_err(|error| Failure::at(path, error))?;
        let channels = slices.first().map_or(0, Image::channels);
        let is_known = if is_stack { [3, 4].contains(&channels) } else { channels == 3 && slices.len() == 1 };
        if !is_known {
            let found = format!("{} images of {channels} channels", slices.len());
            let expected = "flows and cell probability, as `segment --save-flows` writes them";
            return Err(Failure::at(path, format!("found {found}, expected {expected}")));
        }
        Self::new(&slices, channels, is_stack).map_err(|error| Failure::at(path, error))
    }

    fn new(slices: &[Image], channels: usize, is_stack: bool) -> Result<Self, cytoshade_formats::Error> {
        let mut cellprob = Vec::new();
        for slice in slices {
            cellprob.extend_from_slice(slice.to_planes(channels - 1)?.as_slice());
        }
        let flows = match slices {
            [image] if !is_stack => {
                let mut flows = image.to_planes(0)?;
                flows.append(&image.to_planes(1)?)?;
                flows
            }
            _ => Planes::default(),
        };
        Ok(Self { flows, cellprob })
    }

    /// The outputs for labels; `plane` holds those of an image.
    pub(crate) fn outputs<'a>(&'a self, plane: Option<&'a Labels>) -> NetworkOutputs<'a> {
        let flows = plane.filter(|_| self.flows.channels() == 2).map(|labels| (labels, &self.flows));
        NetworkOutputs { flows, cellprob: Some(&self.cellprob) }
    }
}

/// A copy of the labels of an image; `None` for those of a stack.
pub(crate) fn plane_labels(labels: LabelView<'_>) -> Option<Labels> {
    let plane = || Labels::new(labels.as_slice().to_vec(), labels.height(), labels.width()).ok();
    labels.slices().is_none().then(plane).flatten()
}
