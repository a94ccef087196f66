//! 3x3 convolution, register-blocked, directly from memory.

use cytoshade_core::Conv;
use cytoshade_shaders::{self as shaders, Precision, Shader};

use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::operators::convolution::{ConvAlgorithm, Geometry, Layer};
use crate::operators::weights;

/// vec4s of output channels per invocation.
const QUADS: usize = 2;

pub(super) const GEOMETRY: Geometry = Geometry {
    columns: shaders::CONV3X3_DIRECT.workgroup[0],
    rows: shaders::conv3x3_direct::ROWS,
    channels: 4 * QUADS as u32,
};

/// [`super::ConvKernel::Direct`]: an invocation computes some rows of a column. Runs everywhere.
#[derive(Debug)]
pub(super) struct Direct;

impl ConvAlgorithm for Direct {
    fn applies(&self, _: &Capabilities, _: &Layer) -> Result<Geometry, Unsupported> {
        Ok(GEOMETRY)
    }

    fn shader(&self, _: &Geometry) -> &'static Shader {
        &shaders::CONV3X3_DIRECT
    }

    fn weights(&self, _: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        weights::columns(QUADS).pack(conv, shortcut)
    }

    /// The shader reads them in f32; see `shared/weights_f32.wgsl`.
    fn weight_precision(&self, _: Precision) -> Precision {
        Precision::F32
    }
}
