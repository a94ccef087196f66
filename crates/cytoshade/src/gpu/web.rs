//! Stages that builds for browsers omit to stay small: stacks, and planes over the binding limit.

use cytoshade_core::{EndPoints, Labels, Planes};

use super::{Error, Gpu};

/// Every size exceeds the limit of this build, so that the host runs the stage.
fn beyond<T>(what: &'static str) -> Result<T, Error> {
    Err(Error::Limit { what, needed: 1, limit: "shaders of this build", allowed: 0 })
}

pub(crate) async fn follow_flows_in_strips(_: &Gpu, _: &Planes, _: f32, _: u32, _: bool) -> Result<EndPoints, Error> {
    beyond("flows in strips")
}

pub(crate) async fn remove_bad_in_windows(
    _: &Gpu,
    _: &mut Labels,
    _: &Planes,
    _: f64,
    _: impl Fn(&Labels, &Planes) -> Option<f64>,
) -> Result<(), Error> {
    beyond("flow errors in windows")
}

/// Stacks.
pub(crate) mod volume {
    use cytoshade_core::{Axis, Params, Volume};

    use super::super::GpuPlanes;
    use super::{Error, Gpu, beyond};

    /// A stack on the device. Builds for browsers have none.
    #[derive(Clone, Debug)]
    pub(crate) enum GpuVolume {}

    impl GpuVolume {
        pub(crate) async fn upload(_: &Gpu, _: &Volume) -> Result<Self, Error> {
            beyond("a stack")
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

    pub(crate) async fn normalize(_: &Gpu, volume: GpuVolume, _: &Params) -> Result<GpuVolume, Error> {
        match volume {}
    }

    pub(crate) async fn linear_resize(_: &Gpu, volume: GpuVolume, _: [usize; 3]) -> Result<GpuVolume, Error> {
        match volume {}
    }

    pub(crate) async fn smooth(_: &Gpu, volume: &GpuVolume, _: usize, _: f64) -> Result<(), Error> {
        match *volume {}
    }

    pub(crate) async fn follow_flows(_: &Gpu, volume: &GpuVolume, _: f32, _: u32, _: bool) -> Result<GpuVolume, Error> {
        match *volume {}
    }

    pub(crate) async fn masks(_: &Gpu, ends: &GpuVolume) -> Result<Vec<u32>, Error> {
        match *ends {}
    }
}
