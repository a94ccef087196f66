//! Plain types that describe a shader. The build script includes this file too.

/// The features that a shader needs beyond WebGPU's defaults, and whether browser builds contain it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// None, but browser builds omit the shader to keep the wasm file small.
    Native,
    /// Subgroup operations, which wgpu does not offer in browsers. Native builds only.
    Subgroups,
    /// Subgroup matrices in naga's dialect of WGSL, f16, and more workgroup memory than the default.
    ///
    /// Native builds only.
    Matrices,
}

/// The number format of activations and convolution weights. All sums are in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 4 bytes per value.
    #[default]
    F32,
    /// 2 bytes per value; needs the feature `shader-f16`.
    F16,
}

impl Precision {
    /// The name: `f32` or `f16`.
    pub fn name(self) -> &'static str {
        match self {
            Precision::F32 => "f32",
            Precision::F16 => "f16",
        }
    }

    /// Bytes of one value.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F16 => 2,
        }
    }
}

/// A storage buffer of a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Storage {
    /// The variable's name in the source.
    pub name: &'static str,
    /// Whether the shader writes to the buffer.
    pub write: bool,
}

/// Joins the pieces of a shader into one source, after the extensions that it enables.
///
/// `activations` is the precision of a shader that reads or writes activations, else `None`.
pub(crate) fn assemble(needs: Needs, activations: Option<Precision>, pieces: &[&str]) -> String {
    let matrices = needs == Needs::Matrices;
    let half = matrices || activations == Some(Precision::F16);
    let mut source = String::new();
    for (extension, used) in [("f16", half), ("wgpu_cooperative_matrix", matrices)] {
        if used {
            source += "enable ";
            source += extension;
            source += ";\n";
        }
    }
    for piece in pieces {
        source += "\n";
        source += piece;
    }
    source
}
