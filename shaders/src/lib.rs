//! Every compute shader of Cytoshade as WGSL, with what a host needs to know to run it.
//!
//! One file a shader, one entry point a file, both of the shader's name. Binding 0 of group 0 is the uniform buffer
//! `params` of 4-byte scalars ([`Shader::params`], in this order), bindings 1, 2, ... are storage buffers
//! ([`Shader::storage`]). The default limits of WebGPU are enough for all of them: at most 8 storage buffers, 256
//! invocations and 16 KiB of workgroup memory; no optional feature is used. The head of each file says what its grid is.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

/// A compute shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shader {
    /// Name of the shader, of its file without `.wgsl`.
    pub name: &'static str,
    /// WGSL source.
    pub source: &'static str,
    /// Entry point.
    pub entry: &'static str,
    /// Invocations of a workgroup in x, y and z.
    pub workgroup: [u32; 3],
    /// The members of the uniform buffer at binding 0, each a u32 or f32 of 4 bytes.
    pub params: &'static [&'static str],
    /// The storage buffers from binding 1 on.
    pub storage: &'static [Storage],
    /// Names of the `override` constants; all have a default.
    pub overrides: &'static [&'static str],
}

/// A storage buffer of a [`Shader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Storage {
    /// Name in the source, which says there what it holds.
    pub name: &'static str,
    /// Whether the shader writes to it.
    pub write: bool,
}

const fn read(name: &'static str) -> Storage {
    Storage { name, write: false }
}

const fn write(name: &'static str) -> Storage {
    Storage { name, write: true }
}

macro_rules! shader {
    (
        $(#[$doc:meta])* $constant:ident = $name:literal, entry $entry:literal, workgroup $workgroup:expr,
        params [$($param:literal),*], storage [$($storage:expr),*], overrides [$($over:literal),*]
    ) => {
        $(#[$doc])*
        pub const $constant: Shader = Shader {
            name: $name,
            source: include_str!(concat!("wgsl/", $name, ".wgsl")),
            entry: $entry,
            workgroup: $workgroup,
            params: &[$($param),*],
            storage: &[$($storage),*],
            overrides: &[$($over),*],
        };
    };
}

/// Rows of the target that an invocation of [`CONV3X3`] computes.
pub const CONV3X3_ROWS: u32 = 14;

/// Rows of the target that an invocation of [`CONV1X1`] computes.
pub const CONV1X1_ROWS: u32 = 8;

/// Bins around the plane on each side that [`HISTOGRAM`] leaves at zero.
pub const HISTOGRAM_MARGIN: u32 = 20;

/// The override constant of [`CONV3X3`] and [`CONV1X1`] that adds the skip to the source: 0 or 1.
pub const SKIP: &str = "SKIP";

/// The override constant of [`FOLLOW_FLOWS`] that interpolates bilinearly between pixels: 0 or 1.
pub const INTERP: &str = "INTERP";

shader! {
    /// 3 x 3 convolution with BatchNorm, ReLU, skip, style and doubling on load, bias and residual on store.
    CONV3X3 = "conv3x3", entry "conv3x3", workgroup [8, 4, 1],
    params [
        "width", "height", "inputs", "outputs", "upsample", "lowest", "style_stride", "style_offset", "add_residual"
    ],
    storage [
        read("source"), read("skip"), read("residual"), read("weights"), read("vectors"), read("style"),
        write("destination")
    ],
    overrides ["SKIP"]
}

shader! {
    /// 1 x 1 convolution with BatchNorm, ReLU, skip, style and doubling on load, bias and residual on store.
    CONV1X1 = "conv1x1", entry "conv1x1", workgroup [8, 4, 1],
    params [
        "width", "height", "inputs", "outputs", "upsample", "lowest", "style_stride", "style_offset", "add_residual"
    ],
    storage [
        read("source"), read("skip"), read("residual"), read("weights"), read("vectors"), read("style"),
        write("destination")
    ],
    overrides ["SKIP"]
}

shader! {
    /// Planes to activations with the channels last.
    PACK = "pack", entry "pack", workgroup [64, 1, 1],
    params ["pixels", "channels", "count"], storage [read("planes"), write("activations")], overrides []
}

shader! {
    /// Activations with the channels last to planes.
    UNPACK = "unpack", entry "unpack", workgroup [64, 1, 1],
    params ["pixels", "channels", "count"], storage [read("activations"), write("planes")], overrides []
}

shader! {
    /// The maximum of each 2 x 2 block.
    MAX_POOL = "max_pool", entry "max_pool", workgroup [64, 1, 1],
    params ["width", "height", "channels", "count"], storage [read("source"), write("destination")], overrides []
}

shader! {
    /// The style vector: channel means divided by their L2 norm.
    STYLE = "style", entry "style_vector", workgroup [256, 1, 1],
    params ["pixels", "channels"], storage [read("source"), write("style")], overrides []
}

shader! {
    /// Every projection of the style vector.
    STYLE_PROJECTIONS = "style_projections", entry "style_projections", workgroup [64, 1, 1],
    params ["features", "channels"],
    storage [read("style"), read("weights"), read("bias"), write("features")], overrides []
}

shader! {
    /// The steps of the Euler integration, from flows and cellprob.
    FLOW_FIELD = "flow_field", entry "flow_field", workgroup [64, 1, 1],
    params ["pixels", "threshold"],
    storage [read("flow_y"), read("flow_x"), read("cellprob"), write("field")], overrides []
}

shader! {
    /// Some steps of the Euler integration.
    FOLLOW_FLOWS = "follow_flows", entry "follow_flows", workgroup [64, 1, 1],
    params ["width", "height", "count", "steps", "start"],
    storage [read("field"), read("pixels"), write("positions")], overrides ["INTERP"]
}

shader! {
    /// How many end points fall on each pixel.
    HISTOGRAM = "histogram", entry "histogram", workgroup [64, 1, 1],
    params ["width", "height", "count"], storage [read("positions"), write("counts")], overrides []
}

/// Every shader.
pub const ALL: [Shader; 10] =
    [CONV3X3, CONV1X1, PACK, UNPACK, MAX_POOL, STYLE, STYLE_PROJECTIONS, FLOW_FIELD, FOLLOW_FLOWS, HISTOGRAM];
