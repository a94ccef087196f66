//! The family of 3x3 convolutions: which kernels there are, what each needs, and the rule that picks one.
//!
//! Everything here is plain numbers, so that it is tested without a GPU.

pub(crate) mod winograd;

use cytoshade_core::Conv;
use cytoshade_shaders::{self as shaders, Precision, Shader};

use crate::operators::weights::{Order, conv_weights};

/// What the kernels ask of a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether it is a program on the processor.
    pub software: bool,
    /// Whether shaders can store f16.
    pub f16: bool,
    /// Whether shaders have integers of 64 bits.
    pub int64: bool,
    /// Invocations of its smallest and its largest subgroup; `None` without subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// The sides of the subgroup matrices that multiply f16 into f32.
    pub matrices: Vec<u32>,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Bytes of the largest storage buffer that a shader can have.
    pub binding: u64,
}

impl Capabilities {
    /// Whether convolutions read and write values of f32 in pairs. On processors the time goes into gathering values, and
    /// two at once take as long as one.
    pub fn pairs(&self) -> bool {
        self.software && self.int64
    }
}

/// What the kernels ask of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Channels of the block's input, of which a 1x1 convolution is part of the step; 0 without.
    pub block: usize,
    /// What activations are stored in.
    pub precision: Precision,
}

/// A kernel of the family of 3x3 convolutions.
///
/// Floor of plain sums, for each pixel of the target: `2 * (9 * inputs + block) * outputs` operations; and the bytes of source,
/// skip, what is added, and target once each, with `(9 * inputs + block) * outputs` weights for all pixels together. What a
/// kernel reaches of a device's ceilings is in `benches/results/2026-11-22-convolution.md`. Loads are told for each four
/// input channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConvKernel {
    /// Register-blocked, straight from memory: runs everywhere. Plain sums; of the source it loads 27 vec4s for 7 pixels and
    /// 8 output channels.
    Direct,
    /// As `Direct`, with the weights shared by subgroup broadcasts: for software adapters. Plain sums; of the source it loads
    /// 27 vec4s for 7 pixels and 16 output channels.
    Broadcast,
    /// An implicit matrix product through workgroup memory: the fastest in f32 on GPUs. Plain sums; of the source a workgroup
    /// loads 180 vec4s for 112 pixels and 64 output channels, or 300 for 224 and 32.
    Gemm,
    /// The same on subgroup matrices (tensor cores), f16 times f16 into f32: the fastest in f16 on GPUs that have them. Plain
    /// sums; of the source a workgroup loads 180 vec4s for 128 pixels and 64 output channels, or 324 for 256 and 32
    /// (on matrices of 16 x 16).
    Matrix,
    /// By Winograd F(4x4, 3x3): two dispatches or three, a quarter of the products, the weights shared by subgroup
    /// broadcasts. The fastest on software adapters where there are channels enough. `4.5 * (inputs + block) * outputs`
    /// operations a pixel in the products, and about 18 for each input channel and 9 for each output channel in the transforms. In f32, `2.25 * (inputs + block)` values a
    /// pixel go to memory and come back, as do `2.25 * outputs` sums, and there are `36 * (inputs + block) * outputs` weights.
    Winograd,
}

/// How a kernel cuts its work: what one workgroup computes of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Columns of pixels.
    pub columns: u32,
    /// Rows of pixels.
    pub rows: u32,
    /// Output channels.
    pub channels: u32,
}

impl Geometry {
    /// Workgroups in x and y for a target of `height` x `width` x `channels`; tiles are the third dimension.
    pub(crate) fn grid(&self, height: u32, width: u32, channels: usize) -> [u64; 2] {
        let groups = channels.div_ceil(self.channels as usize) as u64;
        [u64::from(width.div_ceil(self.columns)), u64::from(height.div_ceil(self.rows)) * groups]
    }
}

/// What one workgroup of the 1x1 convolution computes: 8 x 4 invocations, each 7 rows of a column for 4 channels.
pub(crate) const POINT: Geometry = Geometry { columns: 8, rows: 4 * shaders::COLUMN_ROWS, channels: 4 };

/// What one workgroup of [`ConvKernel::Direct`] computes: 32 invocations, each 7 rows of a column for 8 channels.
const DIRECT: Geometry = Geometry { columns: 32, rows: shaders::COLUMN_ROWS, channels: 8 };

/// Why a kernel does not run on a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// There are no subgroup operations.
    #[error("the device has no subgroup operations")]
    NoSubgroups,
    /// Subgroups may be too small.
    #[error("the device's subgroups may have only {found} invocations; it needs {needed}")]
    SmallSubgroups {
        /// Invocations of the smallest subgroup.
        found: u32,
        /// Invocations needed.
        needed: u32,
    },
    /// Subgroups are too large.
    #[error("the device's subgroups have {found} invocations; it can take {allowed} at most")]
    LargeSubgroups {
        /// Invocations of a subgroup.
        found: u32,
        /// Most invocations that it can take.
        allowed: u32,
    },
    /// It multiplies in f16 only.
    #[error("it multiplies in f16, and f32 was asked for")]
    OnlyF16,
    /// There are no subgroup matrices that multiply f16 into f32.
    #[error("the device has no subgroup matrices of 8 x 8 or 16 x 16 that multiply f16 into f32")]
    NoMatrices,
    /// The size of a subgroup is not known before it runs.
    #[error("the device's subgroups may have {smallest} to {largest} invocations; it needs to know how many")]
    UnevenSubgroups {
        /// Invocations of the smallest subgroup.
        smallest: u32,
        /// Invocations of the largest.
        largest: u32,
    },
    /// It is not part of builds for browsers.
    #[error("it is not part of builds for browsers")]
    NativeOnly,
    /// A storage buffer cannot be as large as the weights.
    #[error("the device grants storage buffers of {found} bytes; its weights need {needed}")]
    Binding {
        /// Bytes granted.
        found: u64,
        /// Bytes needed.
        needed: u64,
    },
    /// There is too little workgroup memory.
    #[error("the device grants {found} bytes of workgroup memory; it needs {needed}")]
    WorkgroupMemory {
        /// Bytes granted.
        found: u32,
        /// Bytes needed.
        needed: u32,
    },
}

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

    /// How the kernel would run a layer on a device.
    ///
    /// # Errors
    /// Why it does not.
    pub fn applies(self, capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
        match self {
            ConvKernel::Direct => Ok(DIRECT),
            ConvKernel::Broadcast => {
                holders(capabilities)?;
                Ok(Geometry { columns: 32, rows: shaders::COLUMN_ROWS, channels: 16 })
            }
            ConvKernel::Gemm => {
                let groups = gemm_channel_groups(layer.outputs);
                Ok(Geometry { columns: shaders::GEMM_COLUMNS, rows: 32 / groups, channels: 8 * groups })
            }
            ConvKernel::Matrix => matrix(capabilities, layer),
            ConvKernel::Winograd => winograd(capabilities, layer),
        }
    }

    /// The kernel for a layer where none is asked for.
    ///
    /// On GPUs arithmetic is the limit, and workgroup memory feeds it best, or matrices where f16 will do. Software
    /// adapters have neither: for them the number of loads decides. Winograd has a quarter of the products but
    /// writes and reads its points, which pays from some channels on (measured on Mesa's llvmpipe). Whether it pays on a GPU
    /// is not known.
    pub fn choose(capabilities: &Capabilities, layer: &Layer) -> (ConvKernel, Geometry) {
        let wide = layer.inputs.min(layer.outputs) >= 32;
        let wanted: &[ConvKernel] = match capabilities {
            Capabilities { software: false, .. } => &[ConvKernel::Matrix, ConvKernel::Gemm],
            _ if wide => &[ConvKernel::Winograd, ConvKernel::Broadcast],
            _ => &[ConvKernel::Broadcast],
        };
        let suits = wanted.iter().find_map(|kernel| Some((*kernel, kernel.applies(capabilities, layer).ok()?)));
        suits.unwrap_or((ConvKernel::Direct, DIRECT))
    }

    /// [`ConvKernel::choose`] among the kernels that need nothing between dispatches: for tiles that are so large that no
    /// buffer would hold it.
    pub(crate) fn choose_single_dispatch(capabilities: &Capabilities, layer: &Layer) -> ConvKernel {
        // Where no buffer holds its weights Winograd declines.
        Self::choose(&Capabilities { binding: 0, ..capabilities.clone() }, layer).0
    }

    /// The kernel that is asked for, else the one that [`ConvKernel::choose`] picks.
    ///
    /// # Errors
    /// Why the kernel that is asked for does not run.
    pub fn pick(
        asked: Option<Self>,
        capabilities: &Capabilities,
        layer: &Layer,
    ) -> Result<(Self, Geometry), Unsupported> {
        match asked {
            Some(kernel) => Ok((kernel, kernel.applies(capabilities, layer)?)),
            None => Ok(Self::choose(capabilities, layer)),
        }
    }

    /// The values of the shader's override constants for a geometry, beside [`shaders::SKIP`].
    pub(crate) fn constants(self, capabilities: &Capabilities, geometry: &Geometry) -> Vec<(&'static str, u32)> {
        match self {
            ConvKernel::Direct | ConvKernel::Broadcast => Vec::new(),
            ConvKernel::Gemm => vec![(shaders::CHANNEL_GROUPS, geometry.channels / 8)],
            ConvKernel::Matrix => {
                let subgroup = capabilities.subgroups.map_or(0, |(smallest, _)| smallest);
                vec![(shaders::LANES, 4 * subgroup), (shaders::SPLIT, geometry.channels / (2 * geometry.columns))]
            }
            ConvKernel::Winograd => vec![(shaders::LANES, geometry.columns)],
        }
    }

    /// The weights in the order in which the shader reads them, and what they are stored in.
    pub(crate) fn weights(
        self,
        geometry: &Geometry,
        precision: Precision,
        conv: &Conv,
        proj: Option<&Conv>,
    ) -> (Vec<f32>, Precision) {
        let order = match self {
            ConvKernel::Direct => Order::Columns { quads: 2 },
            ConvKernel::Broadcast => Order::Columns { quads: 4 },
            ConvKernel::Gemm => Order::Rows,
            ConvKernel::Matrix => Order::Tiles { side: geometry.columns as usize, block: geometry.channels as usize },
            // At the points f16 would round more than the measure of parity allows.
            ConvKernel::Winograd => return (winograd::weights(conv, proj), Precision::F32),
        };
        (conv_weights(order, conv, proj), precision)
    }

    /// The shader; of [`ConvKernel::Winograd`] the last one.
    pub(crate) fn shader(self, geometry: &Geometry) -> Shader {
        match self {
            ConvKernel::Direct => shaders::CONV3X3_DIRECT,
            ConvKernel::Broadcast => shaders::CONV3X3_BROADCAST,
            ConvKernel::Gemm => shaders::CONV3X3_GEMM,
            ConvKernel::Matrix if geometry.columns == 8 => shaders::CONV3X3_MATRIX8,
            ConvKernel::Matrix => shaders::CONV3X3_MATRIX16,
            ConvKernel::Winograd => shaders::CONV3X3_WINOGRAD_PRODUCT,
        }
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

/// A name that no kernel has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no kernel {0:?}; there are {list}", list = ConvKernel::ALL.map(ConvKernel::name).join(", "))]
pub struct UnknownKernel(String);

/// [`ConvKernel::Matrix`] on the largest matrices that suit.
fn matrix(capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
    if layer.precision != Precision::F16 {
        return Err(Unsupported::OnlyF16);
    }
    let (smallest, largest) = capabilities.subgroups.ok_or(Unsupported::NoSubgroups)?;
    if smallest != largest {
        return Err(Unsupported::UnevenSubgroups { smallest, largest });
    }
    let mut declined = Unsupported::NoMatrices;
    for side in [16, 8].into_iter().filter(|side| capabilities.matrices.contains(side)) {
        match matrix_of(side, smallest, capabilities.workgroup_memory, layer.outputs) {
            Ok(geometry) => return Ok(geometry),
            Err(why) => declined = why,
        }
    }
    Err(declined)
}

fn matrix_of(side: u32, subgroup: u32, memory: u32, outputs: usize) -> Result<Geometry, Unsupported> {
    // An invocation stages 6 vec4s of weights in a step.
    let lanes = side * side / 8;
    if subgroup < lanes {
        return Err(Unsupported::SmallSubgroups { found: subgroup, needed: lanes });
    }
    // 4 of them are a workgroup, which may have 256 invocations.
    if subgroup > 64 {
        return Err(Unsupported::LargeSubgroups { found: subgroup, allowed: 64 });
    }
    let split = if outputs > 2 * side as usize { 2 } else { 1 };
    // Two halves of f16: the rows of pixels and the tiles of weights; and 8 tiles of results in f32.
    let needed = 2 * 2 * ((16 / split + 2) * (side + 2) * side + 6 * split * side * side) + 4 * 8 * side * side;
    if memory < needed {
        return Err(Unsupported::WorkgroupMemory { found: memory, needed });
    }
    Ok(Geometry { columns: side, rows: 16 / split, channels: 2 * side * split })
}

/// Invocations of the smallest subgroup, of which the first 8 can hold weights for the others.
fn holders(capabilities: &Capabilities) -> Result<u32, Unsupported> {
    match capabilities.subgroups.ok_or(Unsupported::NoSubgroups)? {
        (found @ ..8, _) => Err(Unsupported::SmallSubgroups { found, needed: 8 }),
        (found, _) => Ok(found),
    }
}

/// [`ConvKernel::Winograd`], with a workgroup as wide as a subgroup: to a processor more would be only a loop.
fn winograd(capabilities: &Capabilities, layer: &Layer) -> Result<Geometry, Unsupported> {
    if cfg!(target_arch = "wasm32") {
        return Err(Unsupported::NativeOnly);
    }
    let lanes = holders(capabilities)?.min(64);
    let needed = winograd::weight_bytes(layer.inputs, layer.block, layer.outputs);
    if capabilities.binding < needed {
        return Err(Unsupported::Binding { found: capabilities.binding, needed });
    }
    // Of the product: runs of patches rather than rows and columns.
    Ok(Geometry { columns: lanes, rows: 4, channels: winograd::GROUP as u32 })
}

/// Groups of 8 output channels that a workgroup of [`ConvKernel::Gemm`] computes: 4 where 8 would idle.
fn gemm_channel_groups(outputs: usize) -> u32 {
    if outputs <= 32 { 4 } else { 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYER: Layer = Layer { inputs: 64, outputs: 64, block: 0, precision: Precision::F32 };

    fn gpu() -> Capabilities {
        Capabilities { subgroups: Some((32, 32)), workgroup_memory: 48 << 10, ..Capabilities::default() }
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
        for (capabilities, kernel) in [
            (gpu(), ConvKernel::Gemm),
            (browser(), ConvKernel::Gemm),
            (llvmpipe(), ConvKernel::Winograd),
            (Capabilities { binding: 1 << 10, ..llvmpipe() }, ConvKernel::Broadcast),
            // SwiftShader.
            (Capabilities { subgroups: Some((4, 4)), ..llvmpipe() }, ConvKernel::Direct),
            (Capabilities { subgroups: None, ..llvmpipe() }, ConvKernel::Direct),
        ] {
            assert_eq!(ConvKernel::choose(&capabilities, &LAYER).0, kernel, "{capabilities:?}");
        }
    }

    #[test]
    fn winograd_is_for_many_channels_on_software_adapters() {
        let chosen =
            |capabilities, inputs, outputs| ConvKernel::choose(&capabilities, &Layer { inputs, outputs, ..LAYER }).0;
        for (inputs, outputs, kernel) in [
            (2, 32, ConvKernel::Broadcast),
            (32, 31, ConvKernel::Broadcast),
            (64, 31, ConvKernel::Broadcast),
            (32, 32, ConvKernel::Winograd),
            (32, 64, ConvKernel::Winograd),
            (64, 32, ConvKernel::Winograd),
            (256, 256, ConvKernel::Winograd),
        ] {
            assert_eq!(chosen(llvmpipe(), inputs, outputs), kernel, "{inputs} -> {outputs}");
        }
        for channels in [32, 64] {
            let projected = Layer { inputs: channels, outputs: channels, block: channels, ..LAYER };
            let kernel = ConvKernel::choose(&llvmpipe(), &projected).0;
            assert_eq!(kernel, ConvKernel::Winograd, "{channels} with a projection");
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
    fn values_are_read_in_pairs_on_software_adapters_with_long_integers() {
        assert!(Capabilities { int64: true, ..llvmpipe() }.pairs());
        assert!(!llvmpipe().pairs());
        assert!(!Capabilities { int64: true, ..gpu() }.pairs());
    }

    #[test]
    fn weights_that_no_buffer_holds_are_declined() {
        // 36 points, 64 + 6 padded to 8 inputs, 33 padded to 64 outputs, 4 bytes.
        let layer = Layer { inputs: 64, outputs: 33, block: 6, ..LAYER };
        let (needed, fits) = (36 * 72 * 64 * 4, |binding| Capabilities { binding, ..llvmpipe() });
        assert!(ConvKernel::Winograd.applies(&fits(needed), &layer).is_ok());
        let declined = Unsupported::Binding { found: needed - 1, needed };
        assert_eq!(ConvKernel::Winograd.applies(&fits(needed - 1), &layer), Err(declined));
    }

    #[test]
    fn what_does_not_suit_says_why() {
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
    fn matrices_are_for_f16_and_for_devices_that_have_them() {
        let half = Layer { precision: Precision::F16, ..LAYER };
        let h100 = Capabilities { f16: true, matrices: vec![16], ..gpu() };
        let apple = Capabilities { f16: true, matrices: vec![8], workgroup_memory: 32 << 10, ..gpu() };
        assert_eq!(ConvKernel::choose(&h100, &half).0, ConvKernel::Matrix);
        assert_eq!(ConvKernel::choose(&apple, &half).0, ConvKernel::Matrix);
        assert_eq!(ConvKernel::choose(&h100, &LAYER).0, ConvKernel::Gemm);
        let of = |capabilities: &Capabilities, layer: &Layer| ConvKernel::Matrix.applies(capabilities, layer);
        assert_eq!(of(&h100, &half), Ok(Geometry { columns: 16, rows: 8, channels: 64 }));
        assert_eq!(of(&h100, &Layer { outputs: 32, ..half }), Ok(Geometry { columns: 16, rows: 16, channels: 32 }));
        assert_eq!(of(&apple, &half), Ok(Geometry { columns: 8, rows: 8, channels: 32 }));
        for (capabilities, declined) in [
            (gpu(), Unsupported::NoMatrices),
            (Capabilities { subgroups: None, ..h100.clone() }, Unsupported::NoSubgroups),
            (
                Capabilities { subgroups: Some((32, 64)), ..h100.clone() },
                Unsupported::UnevenSubgroups { smallest: 32, largest: 64 },
            ),
            (
                Capabilities { subgroups: Some((16, 16)), ..h100.clone() },
                Unsupported::SmallSubgroups { found: 16, needed: 32 },
            ),
            (
                Capabilities { subgroups: Some((128, 128)), ..h100.clone() },
                Unsupported::LargeSubgroups { found: 128, allowed: 64 },
            ),
            (
                Capabilities { workgroup_memory: 31 << 10, ..h100.clone() },
                Unsupported::WorkgroupMemory { found: 31 << 10, needed: 32_000 },
            ),
        ] {
            assert_eq!(of(&capabilities, &half), Err(declined), "{capabilities:?}");
        }
        assert_eq!(of(&h100, &LAYER), Err(Unsupported::OnlyF16));
        // Both sizes there, and memory for the smaller one alone.
        let small = Capabilities { matrices: vec![8, 16], workgroup_memory: 16 << 10, ..h100 };
        assert_eq!(of(&small, &half).map(|geometry| geometry.columns), Ok(8));
    }

    #[test]
    fn blocks_leave_nothing_over_at_the_published_sizes() {
        for (outputs, side) in [(32, 224), (64, 112), (128, 56), (256, 28)] {
            let layer = Layer { outputs, ..LAYER };
            let geometry = ConvKernel::Gemm.applies(&gpu(), &layer).unwrap();
            assert_eq!((side % geometry.columns, side % geometry.rows, outputs as u32 % geometry.channels), (0, 0, 0));
            let [x, y] = geometry.grid(side, side, outputs);
            let work = u64::from(geometry.columns * geometry.rows * geometry.channels);
            assert_eq!(x * y * work, u64::from(side * side) * outputs as u64);
        }
    }

    #[test]
    fn names_are_read_back() {
        for kernel in ConvKernel::ALL {
            assert_eq!(kernel.name().parse(), Ok(kernel));
        }
        let error = "cudnn".parse::<ConvKernel>().unwrap_err().to_string();
        assert!(error.contains("cudnn") && error.contains("direct, broadcast, gemm, matrix"), "{error}");
    }
}
