//! Implementations for browsers of the items in `native`.

use std::sync::Arc;

use cytoshade_shaders::{Precision, Shader};

use super::{DeviceOptions, Gpu};
use crate::pipeline::{Kernel, Variant};

/// The source of a shader. Browsers have no 64-bit integers for pairs.
pub(super) fn source(shader: &Shader, precision: Precision, _pairs: bool) -> String {
    shader.source(precision)
}

/// Builds the pipelines of all variants, one after another.
pub(super) fn build(gpu: &Gpu, variants: &[Variant]) -> Vec<Arc<Kernel>> {
    variants.iter().map(|variant| gpu.compile(variant)).collect()
}

/// The device as it is: browsers have no matrices.
pub(super) async fn with_matrix_subgroup(gpu: Gpu) -> Gpu {
    gpu
}

/// Runs work outside `with_error_scopes`. Its errors go to the device's handler.
pub(super) fn capture<T>(_: &Gpu, work: impl FnOnce() -> T) -> T {
    work()
}

/// Browsers cache compiled shaders themselves.
#[derive(Debug)]
pub(super) enum PipelineCache {}

impl PipelineCache {
    pub(super) fn open(_: &wgpu::Device, _: &wgpu::Adapter, _: &DeviceOptions) -> Option<Self> {
        None
    }

    pub(super) fn wgpu(&self) -> &wgpu::PipelineCache {
        match *self {}
    }

    pub(super) fn found(&self) -> bool {
        match *self {}
    }

    pub(super) fn save(&self) {
        match *self {}
    }
}

/// Browsers report the loss of a device to any number of callbacks.
#[derive(Debug)]
pub(super) enum LossProbe {}

impl LossProbe {
    pub(super) fn new(_: &wgpu::Device) -> Option<Self> {
        None
    }

    pub(super) fn is_lost(&self, _: &wgpu::Device) -> bool {
        match *self {}
    }
}
