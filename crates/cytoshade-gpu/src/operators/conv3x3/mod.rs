//! 3x3 convolution: its kernels, and the rule that chooses one for each layer.
//!
//! A kernel is one WGSL file, one Rust file here that implements [`ConvAlgorithm`], and one line in [`KERNELS`].

#[cfg(not(target_arch = "wasm32"))]
mod broadcast;
mod direct;
mod gemm;
#[cfg(not(target_arch = "wasm32"))]
mod matrix;
#[cfg(not(target_arch = "wasm32"))]
mod winograd;

use crate::device::capabilities::Capabilities;
use crate::error::Unsupported;
use crate::operators::convolution::{ConvAlgorithm, Geometry, Layer};

/// A kernel of the family of 3x3 convolutions.
///
/// Direct sums take `2 * (9 * inputs + shortcut) * outputs` operations per pixel of the target. They read or write once
/// each the source, the skip, the addend and the target, and read `(9 * inputs + shortcut) * outputs` weights for all
/// pixels together. `benches/results/2026-11-22-convolution.md` has the share of a device's ceilings that each kernel
/// reaches. The loads below are per four input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConvKernel {
    /// Register-blocked, directly from memory. Runs everywhere.
    ///
    /// Direct sums; loads 27 vec4s of the source for 7 pixels and 8 output channels.
    Direct,
    /// Like `Direct`, with weights shared by subgroup broadcasts. For software adapters.
    ///
    /// Direct sums; loads 27 vec4s of the source for 7 pixels and 16 output channels.
    Broadcast,
    /// An implicit matrix product through workgroup memory. The fastest in f32 on GPUs.
    ///
    /// Direct sums; a workgroup loads 216 vec4s of the source for 112 pixels and 64 output channels, or 360 for 224 and
    /// 32. On GPUs with few registers it loads 216 for 112 pixels and 32 channels.
    Gemm,
    /// Like `Gemm` on subgroup matrices (tensor cores). The fastest in f16 on GPUs with such matrices.
    ///
    /// Direct sums; on matrices of 16 x 16 a workgroup loads 180 vec4s of the source for 128 pixels and 64 output
    /// channels, or 324 for 256 and 32.
    Matrix,
    /// Winograd F(4x4, 3x3), with weights shared by subgroup broadcasts; two or three dispatches.
    ///
    /// The fastest on software adapters for 32 channels or more. The products take `4.5 * (inputs + shortcut) *
    /// outputs` operations per pixel, and the transforms about 18 per input channel and 9 per output channel. In f32,
    /// `2.25 * (inputs + shortcut)` values per pixel go to memory and back, as do `2.25 * outputs` sums, and there are
    /// `36 * (inputs + shortcut) * outputs` weights.
    Winograd,
}

/// The kernels of this build in order of preference: the first preferred one that applies runs.
#[cfg(not(target_arch = "wasm32"))]
const KERNELS: &[(ConvKernel, &dyn ConvAlgorithm)] = &[
    (ConvKernel::Matrix, &matrix::Matrix),
    (ConvKernel::Gemm, &gemm::Gemm),
    (ConvKernel::Winograd, &winograd::Winograd),
    (ConvKernel::Broadcast, &broadcast::Broadcast),
    (ConvKernel::Direct, &direct::Direct),
];
/// The kernels that run in browsers.
#[cfg(target_arch = "wasm32")]
const KERNELS: &[(ConvKernel, &dyn ConvAlgorithm)] =
    &[(ConvKernel::Gemm, &gemm::Gemm), (ConvKernel::Direct, &direct::Direct)];

impl ConvKernel {
    /// Every kernel.
    pub const ALL: [ConvKernel; 5] =
        [ConvKernel::Direct, ConvKernel::Broadcast, ConvKernel::Gemm, ConvKernel::Matrix, ConvKernel::Winograd];

    /// The kernel's name.
    pub fn name(self) -> &'static str {
        match self {
            ConvKernel::Direct => "direct",
            ConvKernel::Broadcast => "broadcast",
            ConvKernel::Gemm => "gemm",
            ConvKernel::Matrix => "matrix",
            ConvKernel::Winograd => "winograd",
        }
    }

    /// The kernel's geometry for a layer on a device.
    ///
    /// # Errors
    /// The reason that the kernel does not run.
    pub fn applies(self, capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
        self.algorithm()?.applies(capabilities, layer)
    }

    /// The default kernel of a layer on a device.
    pub fn choose(capabilities: &Capabilities, layer: &Layer) -> (ConvKernel, Geometry) {
        let preferred = KERNELS.iter().filter(|(_, kernel)| kernel.is_preferred(capabilities, layer));
        let mut applying =
            preferred.filter_map(|(name, kernel)| Some((*name, kernel.applies(capabilities, layer).ok()?)));
        applying.next().unwrap_or((ConvKernel::Direct, direct::GEOMETRY))
    }

    /// The default among the single-dispatch kernels.
    ///
    /// For tiles so large that the scratch of others would exceed the binding limit.
    pub(crate) fn choose_single_dispatch(capabilities: &Capabilities, layer: &Layer) -> ConvKernel {
        // Winograd declines if its weights exceed the binding limit.
        Self::choose(&Capabilities { binding: 0, ..capabilities.clone() }, layer).0
    }

    /// The requested kernel, else the default one.
    ///
    /// # Errors
    /// The reason that the requested kernel does not run.
    pub fn pick(
        requested: Option<Self>,
        capabilities: &Capabilities,
        layer: &Layer,
    ) -> Result<(Self, Geometry), Unsupported> {
        match requested {
            Some(kernel) => Ok((kernel, kernel.applies(capabilities, layer)?)),
            None => Ok(Self::choose(capabilities, layer)),
        }
    }

    /// The kernel's algorithm.
    ///
    /// # Errors
    /// [`Unsupported::NativeOnly`] in a browser build without this kernel.
    pub(crate) fn algorithm(self) -> Result<&'static dyn ConvAlgorithm, Unsupported> {
        let kernel = KERNELS.iter().find(|(kernel, _)| *kernel == self);
        kernel.map(|(_, algorithm)| *algorithm).ok_or(Unsupported::NativeOnly)
    }
}

impl std::fmt::Display for ConvKernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for ConvKernel {
    type Err = UnknownKernel;

    fn from_str(name: &str) -> Result<Self, UnknownKernel> {
        Self::ALL.into_iter().find(|kernel| kernel.name() == name).ok_or_else(|| UnknownKernel(name.into()))
    }
}

/// An unknown kernel name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown kernel {0:?}; the kernels are {list}", list = ConvKernel::ALL.map(ConvKernel::name).join(", "))]
pub struct UnknownKernel(String);

#[cfg(test)]
mod tests {
    use cytoshade_shaders::Precision;

    use super::*;

    const LAYER: Layer = Layer { inputs: 64, outputs: 64, shortcut: 0, precision: Precision::F32 };

    fn gpu() -> Capabilities {
        Capabilities {
            subgroups: Some((32, 32)),
            matrix_subgroup: Some(32),
            workgroup_memory: 48 << 10,
            ..Capabilities::default()
        }
    }

    fn llvmpipe() -> Capabilities {
        Capabilities {
            software: true,
            subgroups: Some((8, 8)),
            workgroup_memory: 32 << 10,
            binding: 128 << 20,
            ..Capabilities::default()
        }
    }

    fn browser() -> Capabilities {
        Capabilities { workgroup_memory: 16 << 10, ..Capabilities::default() }
    }

    #[test]
    fn the_rule_picks_by_device() {
        let half = Layer { precision: Precision::F16, ..LAYER };
        let h100 = Capabilities { f16: true, matrices: vec![16], ..gpu() };
        let apple = Capabilities { f16: true, matrices: vec![8], workgroup_memory: 32 << 10, ..gpu() };
        let swiftshader = Capabilities { subgroups: Some((4, 4)), ..llvmpipe() };
        for (capabilities, layer, kernel) in [
            (gpu(), LAYER, ConvKernel::Gemm),
            (gpu(), half, ConvKernel::Gemm),
            (h100.clone(), LAYER, ConvKernel::Gemm),
            (h100, half, ConvKernel::Matrix),
            (apple, half, ConvKernel::Matrix),
            (browser(), LAYER, ConvKernel::Gemm),
            (llvmpipe(), LAYER, ConvKernel::Winograd),
            (Capabilities { binding: 1 << 10, ..llvmpipe() }, LAYER, ConvKernel::Broadcast),
            (swiftshader, LAYER, ConvKernel::Direct),
            (Capabilities { subgroups: None, ..llvmpipe() }, LAYER, ConvKernel::Direct),
        ] {
            assert_eq!(ConvKernel::choose(&capabilities, &layer).0, kernel, "{capabilities:?}");
        }
    }

    #[test]
    fn winograd_is_for_many_channels_on_software_adapters() {
        for (inputs, outputs, kernel) in [
            (2, 32, ConvKernel::Broadcast),
            (32, 31, ConvKernel::Broadcast),
            (64, 31, ConvKernel::Broadcast),
            (32, 32, ConvKernel::Winograd),
            (32, 64, ConvKernel::Winograd),
            (64, 32, ConvKernel::Winograd),
            (256, 256, ConvKernel::Winograd),
        ] {
            for shortcut in [0, inputs] {
                let layer = Layer { inputs, outputs, shortcut, ..LAYER };
                assert_eq!(ConvKernel::choose(&llvmpipe(), &layer).0, kernel, "{layer:?}");
            }
        }
    }

    #[test]
    fn large_tiles_have_a_kernel_of_one_dispatch() {
        for (capabilities, kernel) in [
            (llvmpipe(), ConvKernel::Broadcast),
            (Capabilities { subgroups: None, ..llvmpipe() }, ConvKernel::Direct),
            (gpu(), ConvKernel::Gemm),
        ] {
            assert_eq!(ConvKernel::choose_single_dispatch(&capabilities, &LAYER), kernel, "{capabilities:?}");
        }
    }

    #[test]
    fn a_requested_kernel_runs_or_gives_a_reason() {
        let pick = |kernel, capabilities: &Capabilities| {
            ConvKernel::pick(Some(kernel), capabilities, &LAYER).map(|picked| picked.0)
        };
        let small = Capabilities { subgroups: Some((4, 32)), ..gpu() };
        for kernel in [ConvKernel::Broadcast, ConvKernel::Winograd] {
            assert_eq!(pick(kernel, &browser()), Err(Unsupported::NoSubgroups));
            assert_eq!(pick(kernel, &small), Err(Unsupported::SmallSubgroups { found: 4, needed: 8 }));
        }
        for kernel in [ConvKernel::Direct, ConvKernel::Broadcast, ConvKernel::Gemm] {
            assert_eq!(pick(kernel, &llvmpipe()), Ok(kernel));
        }
        assert_eq!(pick(ConvKernel::Direct, &Capabilities::default()), Ok(ConvKernel::Direct), "it runs everywhere");
    }

    #[test]
    fn names_are_read_back() {
        for kernel in ConvKernel::ALL {
            assert_eq!(kernel.name().parse(), Ok(kernel));
            assert!(kernel.algorithm().is_ok(), "{kernel} is missing from the list of kernels");
        }
        let error = "cudnn".parse::<ConvKernel>().unwrap_err().to_string();
        assert!(error.contains("cudnn") && error.contains("direct, broadcast, gemm, matrix"), "{error}");
    }
}
