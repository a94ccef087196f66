//! 3x3 convolution, register-blocked, with weights shared by subgroup broadcasts.

use cytoshade_core::Conv;
use cytoshade_shaders::{self as shaders, Shader};

use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::operators::convolution::{ConvAlgorithm, Geometry, Layer};
use crate::operators::weights;

/// vec4s of output channels per invocation.
const QUADS: usize = 4;

/// Invocations of a subgroup that hold weights for the whole subgroup.
const HOLDERS: u32 = 8;

/// [`super::ConvKernel::Broadcast`]: like `Direct` with twice the channels.
///
/// Each invocation loads part of the weights.
#[derive(Debug)]
pub(super) struct Broadcast;

impl ConvAlgorithm for Broadcast {
    fn applies(&self, capabilities: &Capabilities, _: &Layer) -> Result<Geometry, Unsupported> {
        subgroup(capabilities)?;
        let [columns, ..] = shaders::CONV3X3_BROADCAST.workgroup;
        Ok(Geometry { columns, rows: shaders::conv3x3_broadcast::ROWS, channels: 4 * QUADS as u32 })
    }

    /// On a CPU the number of loads decides, and loading one address takes as long as loading several.
    fn is_preferred(&self, capabilities: &Capabilities, _: &Layer) -> bool {
        capabilities.software
    }

    fn shader(&self, _: &Geometry) -> &'static Shader {
        &shaders::CONV3X3_BROADCAST
    }

    fn weights(&self, _: &Geometry, conv: &Conv, shortcut: Option<&Conv>) -> Vec<f32> {
        weights::columns(QUADS).pack(conv, shortcut)
    }
}

/// Minimum subgroup size, if it is large enough to hold weights for `shared/broadcast.wgsl`.
pub(super) fn subgroup(capabilities: &Capabilities) -> Result<u32, Unsupported> {
    match capabilities.subgroups.ok_or(Unsupported::NoSubgroups)? {
        (found @ ..HOLDERS, _) => Err(Unsupported::SmallSubgroups { found, needed: HOLDERS }),
        (found, _) => Ok(found),
    }
}
