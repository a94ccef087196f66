//! Every compute shader of Cytoshade as WGSL, with the interface that a host needs to run it.
//!
//! A shader is one WGSL file with one entry point, preceded by the pieces of `wgsl/shared` that it uses; WGSL has no
//! includes. `build/table.rs` lists the shaders and their pieces. The build script reads everything else from the WGSL
//! with naga and generates a static for each shader ([`RESIZE`], ...), a module with the `const`s of its source
//! ([`histogram::MARGIN`], ...), and the names of the overrides ([`overrides`]).
//!
//! Binding 0 of group 0 is the uniform buffer `params` of 4-byte scalars ([`Shader::params`]); bindings 1, 2, ... are
//! storage buffers ([`Shader::storage`]). WebGPU's default limits are enough for all shaders whose [`Shader::needs`] is
//! not [`Needs::Matrices`]: at most 8 storage buffers, 256 invocations and 16 KiB of workgroup memory. The head of each
//! file describes its grid.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod types;

use std::hash::{Hash, Hasher};

use types::assemble;
pub use types::{Needs, Precision, Storage};

/// The text of a shared piece, from the build script.
macro_rules! shared {
    ($name:literal) => {
        include_str!(concat!(env!("OUT_DIR"), "/wgsl/shared/", $name, ".wgsl"))
    };
}

/// A compute shader. Its name identifies it.
#[derive(Clone, Copy, Debug)]
pub struct Shader {
    /// The unique name. It is that of the file, unless one file makes several shaders.
    pub name: &'static str,
    /// The texts of its pieces in order: the shared ones, then its own file.
    pub pieces: &'static [&'static str],
    /// Features that it needs.
    pub needs: Needs,
    /// Whether it reads or writes activations, whose type depends on the [`Precision`].
    pub activation_typed: bool,
    /// Entry point.
    pub entry: &'static str,
    /// Workgroup size in x, y and z; with the defaults of overrides.
    pub workgroup: [u32; 3],
    /// The members of the uniform buffer at binding 0, each a u32 or f32.
    pub params: &'static [&'static str],
    /// The storage buffers from binding 1 on.
    pub storage: &'static [Storage],
    /// Names of the `override` constants; all have a default.
    pub overrides: &'static [&'static str],
}

impl PartialEq for Shader {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Shader {}

impl Hash for Shader {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Shader {
    /// The WGSL source for activations of a precision.
    pub fn source(&self, precision: Precision) -> String {
        // Only the native-only Winograd shaders read `Four`.
        let fours = if cfg!(target_arch = "wasm32") { "" } else { shared!("fours") };
        self.source_with(precision, [fours, shared!("packed")])
    }

    /// The source whose convolutions read and write f32 values in pairs, as 64-bit integers.
    ///
    /// It needs the feature `shader-int64`. Only software adapters run it faster than [`Shader::source`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn source_in_pairs(&self, precision: Precision) -> String {
        let packed = match precision {
            Precision::F32 => shared!("packed_pairs"),
            // Mesa 22 crashes on four f16 values as one integer.
            Precision::F16 => shared!("packed"),
        };
        self.source_with(precision, [shared!("pairs"), packed])
    }

    /// The source, with the access types of activations before the pieces of shaders that use them.
    fn source_with(&self, precision: Precision, access: [&str; 2]) -> String {
        if !self.activation_typed {
            return assemble(self.needs, None, self.pieces);
        }
        let stored = match precision {
            Precision::F32 => shared!("f32"),
            Precision::F16 => shared!("f16"),
        };
        assemble(self.needs, Some(precision), &[&[stored], &access[..], self.pieces].concat())
    }
}

include!(concat!(env!("OUT_DIR"), "/shaders.rs"));
