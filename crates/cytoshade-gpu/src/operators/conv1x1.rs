//! 1x1 convolution.

use cytoshade_core::Conv;
use cytoshade_shaders::{self as shaders, Shader};

use super::convolution::{ConvAlgorithm, Geometry, Layer};
use super::weights;
use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;

/// The kernel: an invocation computes some rows of a column for 4 channels. Runs everywhere.
#[derive(Debug)]
pub(crate) struct Conv1x1;

impl ConvAlgorithm for Conv1x1 {
    fn applies(&self, _: &Capabilities, _: &Layer) -> Result<Geometry, Unsupported> {
        let [columns, rows, _] = shaders::CONV1X1.workgroup;
        Ok(Geometry { columns, rows: rows * shaders::conv1x1::ROWS, channels: 4 })
    }

    fn shader(&self, _: &Geometry) -> &'static Shader {
        &shaders::CONV1X1
    }

    fn weights(&self, _: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        weights::columns(1).pack(conv, shortcut)
    }
}
