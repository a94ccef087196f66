//! Implementations for browsers of the items in `native`.

use super::boxes::MaskBox;
use crate::device::Gpu;
use crate::device::capabilities::Capabilities;
use crate::error::Error;
use crate::stages::masks::GpuLabels;

/// Browsers have no subgroups, so no mask diffuses in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {}

impl Columns {
    pub(super) fn choose(_: &Capabilities, _: u32, _: u32) -> Option<Self> {
        None
    }

    pub(super) async fn diffuse(
        &self,
        _: &Gpu,
        _: &GpuLabels,
        _: &wgpu::Buffer,
        _: &[MaskBox],
        _: &wgpu::Buffer,
    ) -> Result<(), Error> {
        match *self {}
    }
}
