//! Identifies a pipeline: a shader with its precision and constants.

use cytoshade_shaders::{Precision, Shader};

/// A shader, the precision of its activations, and the values of its override constants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    pub(crate) shader: &'static Shader,
    pub(crate) precision: Precision,
    pub(crate) constants: Vec<(&'static str, u32)>,
}

/// The shader, the precision if there are activations, and the constants: `style f16 LANES=256`.
impl std::fmt::Display for Variant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.shader.name)?;
        if self.shader.activation_typed {
            write!(f, " {}", self.precision.name())?;
        }
        self.constants.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

impl Variant {
    /// The shader for f32, with the defaults of its constants.
    pub(crate) fn new(shader: &'static Shader) -> Self {
        Self { shader, precision: Precision::F32, constants: Vec::new() }
    }

    /// The variant for activations of a precision.
    pub(crate) fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The variant with a value for an override constant.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<u32>) -> Self {
        debug_assert!(self.shader.overrides.contains(&name), "{} has no {name}", self.shader.name);
        self.constants.push((name, value.into()));
        self
    }
}
