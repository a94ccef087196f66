//! The GPU in builds without the feature `gpu`: types without values, so no function here runs.

use std::ops::Range;

use cytoshade_core::tiling::TileLayout;
use cytoshade_core::{EndPoints, Labels, Network as Weights, Params, Planes, Recorder, Span};

/// Declares types without values.
macro_rules! absent {
    ($($name:ident)*) => { $(
        #[derive(Clone, Debug)]
        pub(crate) enum $name {}
    )* };
}

absent! { Error Gpu GpuEndPoints GpuHistogram GpuLabels GpuPlanes PendingReadback Submission TiledPlanes }

/// Tiles of planes.
pub(crate) type Part<'a> = (&'a TiledPlanes, Range<usize>);

impl Gpu {
    pub(crate) fn is_lost(&self) -> bool {
        match *self {}
    }

    pub(crate) fn phases(&self) -> Vec<Span> {
        match *self {}
    }

    pub(crate) fn compiles_slowly(&self) -> bool {
        match *self {}
    }

    pub(crate) fn wait_idle(&self, _: &'static str) -> Result<(), Error> {
        match *self {}
    }
}

impl GpuPlanes {
    pub(crate) async fn upload(gpu: &Gpu, _: &Planes) -> Result<Self, Error> {
        match *gpu {}
    }

    pub(crate) async fn read(&self, _: &Gpu) -> Result<Planes, Error> {
        match *self {}
    }

    pub(crate) async fn reorder(&self, _: &Gpu, _: &[usize]) -> Result<Self, Error> {
        match *self {}
    }

    pub(crate) async fn start_read(&self, _: &Gpu) -> Result<PendingReadback, Error> {
        match *self {}
    }

    pub(crate) fn height(&self) -> usize {
        match *self {}
    }

    pub(crate) fn width(&self) -> usize {
        match *self {}
    }
}

impl PendingReadback {
    pub(crate) async fn finish(self, _: &Gpu) -> Result<Planes, Error> {
        match self {}
    }
}

impl Submission {
    pub(crate) fn tiles(&self) -> usize {
        match *self {}
    }

    pub(crate) async fn styles(self, _: Option<&Recorder>) -> Result<Option<Vec<f32>>, Error> {
        match self {}
    }
}

impl TiledPlanes {
    pub(crate) fn tiles(&self) -> usize {
        match *self {}
    }

    pub(crate) fn outputs(&self) -> &GpuPlanes {
        match *self {}
    }
}

/// A network on a device.
#[derive(Debug)]
pub(crate) enum Network {}

/// The network's results for a batch of tiles.
pub(crate) struct Batch {
    pub(crate) outputs: Vec<f32>,
    pub(crate) styles: Vec<f32>,
}

impl Network {
    pub(crate) fn max_batch(&self, _: usize, _: usize) -> usize {
        match *self {}
    }

    pub(crate) async fn prepare(&self, _: &Weights, _: usize, _: usize) -> Result<(), Error> {
        match *self {}
    }

    pub(crate) async fn tiled(&self, _: GpuPlanes, _: &TileLayout) -> Result<TiledPlanes, Error> {
        match *self {}
    }

    pub(crate) async fn start(&self, _: &[Part<'_>], _: Option<&Recorder>) -> Result<Vec<Submission>, Error> {
        match *self {}
    }

    pub(crate) async fn diagnose(&self, _: &[Part<'_>]) -> Result<Error, Error> {
        match *self {}
    }

    pub(crate) async fn run_recorded(
        &self,
        _: &[f32],
        _: usize,
        _: usize,
        _: usize,
        _: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        match *self {}
    }
}

pub(crate) fn normalizes(_: &Params, _: usize) -> bool {
    false
}

pub(crate) async fn normalize(gpu: &Gpu, _: GpuPlanes, _: &Params) -> Result<GpuPlanes, Error> {
    match *gpu {}
}

pub(crate) async fn bilinear(gpu: &Gpu, _: &GpuPlanes, _: usize, _: usize) -> Result<GpuPlanes, Error> {
    match *gpu {}
}

pub(crate) async fn follow_flows(gpu: &Gpu, _: &GpuPlanes, _: f32, _: u32, _: bool) -> Result<GpuEndPoints, Error> {
    match *gpu {}
}

pub(crate) async fn histogram(gpu: &Gpu, _: &GpuEndPoints) -> Result<GpuHistogram, Error> {
    match *gpu {}
}

pub(crate) async fn masks(gpu: &Gpu, _: &GpuEndPoints, _: &GpuHistogram, _: f64) -> Result<GpuLabels, Error> {
    match *gpu {}
}

pub(crate) async fn remove_bad(
    gpu: &Gpu,
    _: &mut GpuLabels,
    _: &GpuPlanes,
    _: f64,
    _: impl Fn(&Labels, &Planes) -> Option<f64>,
) -> Result<(), Error> {
    match *gpu {}
}

pub(crate) async fn fill_holes_and_remove_small(
    gpu: &Gpu,
    _: GpuLabels,
    _: (usize, usize),
    _: usize,
) -> Result<Labels, Error> {
    match *gpu {}
}

pub(crate) async fn follow_flows_in_strips(gpu: &Gpu, _: &Planes, _: f32, _: u32, _: bool) -> Result<EndPoints, Error> {
    match *gpu {}
}

pub(crate) async fn remove_bad_in_windows(
    gpu: &Gpu,
    _: &mut Labels,
    _: &Planes,
    _: f64,
    _: impl Fn(&Labels, &Planes) -> Option<f64>,
) -> Result<(), Error> {
    match *gpu {}
}

/// Stacks.
pub(crate) mod volume {
    use cytoshade_core::{Axis, Params, Volume};

    use super::{Error, Gpu, GpuPlanes};

    absent! { GpuVolume }

    impl GpuVolume {
        pub(crate) async fn upload(gpu: &Gpu, _: &Volume) -> Result<Self, Error> {
            match *gpu {}
        }

        pub(crate) async fn read(&self, _: &Gpu) -> Result<Volume, Error> {
            match *self {}
        }

        pub(crate) fn size(&self) -> [usize; 3] {
            match *self {}
        }

        pub(crate) async fn slice(&self, _: &Gpu, _: Axis, _: usize) -> Result<GpuPlanes, Error> {
            match *self {}
        }
    }

    pub(crate) fn normalizes(_: &Params, _: usize, _: usize) -> bool {
        false
    }

    pub(crate) async fn normalize(gpu: &Gpu, _: GpuVolume, _: &Params) -> Result<GpuVolume, Error> {
        match *gpu {}
    }

    pub(crate) async fn linear_resize(gpu: &Gpu, _: GpuVolume, _: [usize; 3]) -> Result<GpuVolume, Error> {
        match *gpu {}
    }

    pub(crate) async fn smooth(gpu: &Gpu, _: &GpuVolume, _: usize, _: f64) -> Result<(), Error> {
        match *gpu {}
    }

    pub(crate) async fn follow_flows(
        gpu: &Gpu,
        _: &GpuVolume,
        _: f32,
        _: u32,
        _: bool,
    ) -> Result<super::GpuEndPoints, Error> {
        match *gpu {}
    }

    pub(crate) async fn masks(gpu: &Gpu, _: &super::GpuEndPoints) -> Result<Vec<u32>, Error> {
        match *gpu {}
    }
}
