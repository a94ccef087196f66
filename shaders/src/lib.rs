//! Every compute shader of Cytoshade as WGSL, with what a host needs to know to run it.
//!
//! One file a shader, one entry point a file, both of the shader's name. WGSL has no includes: what several shaders
//! share lies in `wgsl/shared`, and [`Shader::source`] writes a shader's parts and its own file one after another. For a
//! browser the build script leaves out comments and indentation.
//!
//! Binding 0 of group 0 is the uniform buffer `params` of 4-byte scalars ([`Shader::params`], in this order), bindings
//! 1, 2, ... are storage buffers ([`Shader::storage`]). The default limits of WebGPU are enough for all shaders that
//! [`Shader::needs`] nothing: at most 8 storage buffers, 256 invocations and 16 KiB of workgroup memory. The head of
//! each file says what its grid is.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

/// The text of a file in `wgsl`, as the build script left it.
macro_rules! wgsl {
    ($($path:literal),*) => {
        include_str!(concat!(env!("OUT_DIR"), "/wgsl/", $($path,)* ".wgsl"))
    };
}

/// A compute shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shader {
    /// Name of the shader; that of its file without `.wgsl` (and with its folder), but where one file makes several shaders.
    pub name: &'static str,
    /// The pieces of its source: parts that it shares with others, and its own file at the end.
    pub pieces: &'static [&'static str],
    /// Optional features that it needs.
    pub needs: Needs,
    /// Whether it reads or writes activations, which are stored in a [`Precision`].
    pub activation_typed: bool,
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

/// What a shader needs beside default WebGPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// Nothing, but browsers go without it: it is for adapters that browsers do not tell apart, for planes that are
    /// larger than what they hold, or for what is rarely asked for there.
    Native,
    /// Subgroup operations, which wgpu does not have in browsers.
    Subgroups,
    /// Subgroup matrices in naga's dialect, which are native only, f16 and more workgroup memory.
    Matrices,
}

/// What activations and the weights of convolutions are stored in. All sums are in f32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Precision {
    /// 4 bytes a value.
    #[default]
    F32,
    /// 2 bytes a value; needs the feature `shader-f16`.
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

    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F16 => 2,
        }
    }
}

impl Shader {
    /// The WGSL source for activations of a precision.
    pub fn source(&self, precision: Precision) -> String {
        self.source_with(precision, &[where_it_may_run(Needs::Native, wgsl!("shared/fours")), wgsl!("shared/packed")])
    }

    /// As [`Shader::source`], where the convolutions read and write values of f32 in pairs, as integers of 64 bits; it needs
    /// the feature `shader-int64`.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn source_in_pairs(&self, precision: Precision) -> String {
        let packed = match precision {
            Precision::F32 => wgsl!("shared/packed_pairs"),
            // Mesa 22 dies of four values of f16 as an integer.
            Precision::F16 => wgsl!("shared/packed"),
        };
        self.source_with(precision, &[wgsl!("shared/pairs"), packed])
    }

    /// The source; those that read or write activations with what it takes to do so.
    fn source_with(&self, precision: Precision, access: &[&str]) -> String {
        let mut source = String::new();
        let half = self.activation_typed && precision == Precision::F16;
        let matrices = self.needs == Needs::Matrices;
        for (enable, needed) in [("f16", half || matrices), ("wgpu_cooperative_matrix", matrices)] {
            if needed {
                source += &format!("enable {enable};\n");
            }
        }
        if self.activation_typed {
            source += if half { wgsl!("shared/f16") } else { wgsl!("shared/f32") };
        }
        let access = if self.activation_typed { access } else { &[] };
        for piece in access.iter().chain(self.pieces) {
            source += "\n";
            source += piece;
        }
        source
    }
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

/// A kernel's text, or nothing in a browser where it never runs there: bytes that would be loaded for nothing.
const fn where_it_may_run(needs: Needs, text: &'static str) -> &'static str {
    // wgpu has no subgroup operations in browsers.
    if cfg!(target_arch = "wasm32") && !matches!(needs, Needs::Nothing) { "" } else { text }
}

/// The parameters of every convolution.
const CONVOLUTION: &[&str] = &[
    "width",
    "height",
    "inputs",
    "outputs",
    "upsample",
    "lowest",
    "style_stride",
    "style_offset",
    "add_residual",
    "block_inputs",
    "block_upsample",
    "tiles",
];

macro_rules! shader {
    (
        $(#[$doc:meta])* $constant:ident = $name:literal, entry $entry:literal, workgroup $workgroup:expr,
        $(shared [$($part:literal),*],)?
        activation_typed $typed:literal, params [$($param:literal),*], storage [$($storage:expr),*], overrides [$($over:literal),*]
    ) => {
        $(#[$doc])*
        pub const $constant: Shader = Shader {
            name: $name,
            pieces: &[$($(wgsl!("shared/", $part),)*)? wgsl!($name)],
            needs: Needs::Nothing,
            activation_typed: $typed,
            entry: $entry,
            workgroup: $workgroup,
            params: &[$($param),*],
            storage: &[$($storage),*],
            overrides: &[$($over),*],
        };
    };
}

macro_rules! convolution {
    (
        $(#[$doc:meta])* $constant:ident = $name:literal in $file:literal, needs $needs:ident, workgroup $workgroup:expr,
        shared [$($part:literal),*], overrides [$($over:literal),*]
    ) => {
        $(#[$doc])*
        pub const $constant: Shader = Shader {
            name: $name,
            pieces: &[
                wgsl!("shared/conv"),
                wgsl!("shared/buffers"),
                wgsl!("shared/load"),
                wgsl!("shared/store"),
                $(where_it_may_run(Needs::$needs, wgsl!("shared/", $part)),)*
                where_it_may_run(Needs::$needs, wgsl!($file)),
            ],
            needs: Needs::$needs,
            activation_typed: true,
            entry: $file,
            workgroup: $workgroup,
            params: CONVOLUTION,
            storage: &[
                read("source"), read("skip"), read("residual"), read("weights"), read("vectors"), read("style"),
                write("destination")
            ],
            overrides: &["SKIP", $($over),*],
        };
    };
}

macro_rules! winograd {
    (
        $(#[$doc:meta])* $constant:ident = $name:literal, needs $needs:ident, shared [$($part:literal),*],
        storage [$($storage:expr),*], overrides [$($over:literal),*]
    ) => {
        $(#[$doc])*
        pub const $constant: Shader = Shader {
            name: $name,
            pieces: &[
                wgsl!("shared/conv"),
                $(where_it_may_run(Needs::Native, wgsl!("shared/", $part)),)*
                where_it_may_run(Needs::Native, wgsl!("shared/winograd")),
                where_it_may_run(Needs::Native, wgsl!($name)),
            ],
            needs: Needs::$needs,
            activation_typed: true,
            entry: $name,
            workgroup: [32, 1, 1],
            params: CONVOLUTION,
            storage: &[$($storage),*],
            overrides: &[SKIP, LANES, $($over),*],
        };
    };
}

macro_rules! volume {
    (
        $(#[$doc:meta])* $constant:ident = $file:literal, entry $entry:literal, workgroup $workgroup:expr,
        params [$($param:literal),*], storage [$($storage:expr),*], overrides [$($over:literal),*]
    ) => {
        $(#[$doc])*
        pub const $constant: Shader = Shader {
            name: concat!("volume_", $file),
            pieces: &[
                where_it_may_run(Needs::Native, wgsl!("shared/volume")),
                where_it_may_run(Needs::Native, wgsl!("volume/", $file)),
            ],
            needs: Needs::Native,
            activation_typed: false,
            entry: $entry,
            workgroup: $workgroup,
            params: &["width", "height", "depth", $($param),*],
            storage: &[$($storage),*],
            overrides: &[$($over),*],
        };
    };
}

macro_rules! columns {
    ($(#[$doc:meta])* $constant:ident = $name:literal, shared $part:literal) => {
        $(#[$doc])*
        pub const $constant: Shader = Shader {
            name: $name,
            pieces: &[
                wgsl!("shared/mask_flow"),
                where_it_may_run(Needs::Subgroups, wgsl!("shared/", $part)),
                where_it_may_run(Needs::Subgroups, wgsl!("diffuse_columns")),
            ],
            needs: Needs::Subgroups,
            activation_typed: false,
            entry: "diffuse_columns",
            workgroup: [8, 2, 1],
            params: &["width", "first"],
            storage: &[read("boxes"), read("labels"), read("nearest"), write("heat")],
            overrides: &[LANES, STACK],
        };
    };
}

/// Rows of the target that an invocation of [`CONV3X3_DIRECT`], [`CONV3X3_BROADCAST`] and [`CONV1X1`] computes.
pub const COLUMN_ROWS: u32 = 7;

/// Columns of the target that a workgroup of [`CONV3X3_GEMM`] computes.
pub const GEMM_COLUMNS: u32 = 28;

/// Bins around the plane on each side that [`HISTOGRAM`] leaves at zero.
pub const HISTOGRAM_MARGIN: u32 = 20;

/// Cells of a mask's box, with its border of one pixel, that [`FLOW_ERROR`] has room for.
pub const FLOW_ERROR_CELLS: u32 = 4096;

/// Rows of a mask's box that one invocation of [`FLOW_ERROR`] can take.
pub const FLOW_ERROR_ROWS: u32 = 32;

/// Rows of a mask's box that a subgroup of [`DIFFUSE_NARROW`] and [`DIFFUSE_WIDE`] takes.
pub const DIFFUSE_ROWS: u32 = 16;

/// Columns that an invocation of [`DIFFUSE_NARROW`] takes; one of [`DIFFUSE_WIDE`] takes twice as many.
pub const DIFFUSE_COLUMNS: u32 = 4;

/// Invocations of a workgroup of [`DIFFUSE_NARROW`] and [`DIFFUSE_WIDE`], at most.
pub const DIFFUSE_INVOCATIONS: u32 = 128;

/// The override constant of all convolutions that adds the skip to the source: 0 or 1.
pub const SKIP: &str = "SKIP";

/// The override constant of [`CONV3X3_GEMM`]: how many groups of 8 output channels a workgroup computes, 4 or 8.
pub const CHANNEL_GROUPS: &str = "CHANNEL_GROUPS";

/// The override constant of [`FLOW_ERROR`], [`STYLE`] and of the convolutions on matrices and by Winograd: invocations of a
/// workgroup; of [`DIFFUSE_NARROW`] and [`DIFFUSE_WIDE`]: invocations of a subgroup.
pub const LANES: &str = "LANES";

/// The override constant of [`DIFFUSE_NARROW`] and [`DIFFUSE_WIDE`]: subgroups of a workgroup, whose invocations are
/// [`LANES`].
pub const STACK: &str = "STACK";

/// The override constant of [`CONV3X3_WINOGRAD_INPUT`] that takes the block's input in place of the source: 0 or 1.
pub const BLOCK: &str = "BLOCK";

/// The override constant of the convolutions on matrices: subgroups beside each other in channels, 1 or 2.
pub const SPLIT: &str = "SPLIT";

/// The override constant of [`FOLLOW_FLOWS`] and [`FOLLOW_STRIP`] that interpolates between pixels, and of
/// [`VOLUME_FLOW_FIELD`] and [`VOLUME_FOLLOW_FLOWS`] between voxels: 0 or 1.
pub const INTERP: &str = "INTERP";

convolution! {
    /// 3 x 3 convolution, direct: the portable one.
    CONV3X3_DIRECT = "conv3x3_direct" in "conv3x3_direct", needs Nothing, workgroup [32, 1, 1], shared ["column"], overrides []
}

convolution! {
    /// 3 x 3 convolution, direct, its weights shared by subgroup broadcasts.
    CONV3X3_BROADCAST = "conv3x3_broadcast" in "conv3x3_broadcast", needs Subgroups, workgroup [32, 1, 1],
    shared ["column", "broadcast"], overrides []
}

convolution! {
    /// 3 x 3 convolution, an implicit matrix product through workgroup memory.
    CONV3X3_GEMM = "conv3x3_gemm" in "conv3x3_gemm", needs Nothing, workgroup [128, 1, 1], shared [], overrides ["CHANNEL_GROUPS"]
}

convolution! {
    /// 3 x 3 convolution on subgroup matrices of 8 x 8.
    CONV3X3_MATRIX8 = "conv3x3_matrix8" in "conv3x3_matrix", needs Matrices, workgroup [32, 1, 1],
    shared ["matrix8"], overrides ["LANES", "SPLIT"]
}

convolution! {
    /// 3 x 3 convolution on subgroup matrices of 16 x 16.
    CONV3X3_MATRIX16 = "conv3x3_matrix16" in "conv3x3_matrix", needs Matrices, workgroup [32, 1, 1],
    shared ["matrix16"], overrides ["LANES", "SPLIT"]
}

winograd! {
    /// 3 x 3 Winograd convolution: the input at the points.
    CONV3X3_WINOGRAD_INPUT = "conv3x3_winograd_input", needs Native, shared ["load"],
    storage [read("source"), read("skip"), read("residual"), read("vectors"), read("style"), write("points")],
    overrides ["BLOCK"]
}

winograd! {
    /// 3 x 3 Winograd convolution: the products at the points, and the output from their sums.
    CONV3X3_WINOGRAD_PRODUCT = "conv3x3_winograd_product", needs Subgroups, shared ["store", "broadcast"],
    storage [
        read("points"), read("weights"), read("residual"), read("vectors"), write("sums"), write("destination")
    ],
    overrides []
}

convolution! {
    /// 1 x 1 convolution.
    CONV1X1 = "conv1x1" in "conv1x1", needs Nothing, workgroup [8, 4, 1], shared ["column"], overrides []
}

shader! {
    /// Counts the digits of samples, for percentiles.
    PERCENTILE_COUNT = "percentile_count", entry "percentile_count", workgroup [256, 1, 1], shared ["ranks"],
    activation_typed false, params ["width", "height", "pixels", "stride", "step_z", "step_y", "step_x", "shift"],
    storage [read("values"), read("firsts"), read("ranks"), write("counts")], overrides []
}

shader! {
    /// Picks digits of order statistics, and makes percentiles of them.
    PERCENTILE_PICK = "percentile_pick", entry "percentile_pick", workgroup [64, 1, 1], shared ["ranks"],
    activation_typed false, params ["shift", "low_gamma", "high_gamma", "contrast", "invert"],
    storage [write("ranks"), write("counts"), write("bounds")], overrides []
}

shader! {
    /// Intensities to a range.
    NORMALIZE = "normalize", entry "normalize_planes", workgroup [64, 1, 1],
    activation_typed false, params ["count"], storage [read("bounds"), write("planes")], overrides []
}

/// Intensities to ranges between those of tiles.
pub const NORMALIZE_TILES: Shader = Shader {
    name: "normalize_tiles",
    pieces: &[where_it_may_run(Needs::Native, wgsl!("normalize_tiles"))],
    needs: Needs::Native,
    activation_typed: false,
    entry: "normalize_tiles",
    workgroup: [64, 1, 1],
    params: &["width", "height", "rows", "columns", "pixels", "count"],
    storage: &[read("tables"), read("places"), write("planes")],
    overrides: &[],
};

/// A Gaussian along one axis.
pub const GAUSSIAN: Shader = Shader {
    name: "gaussian",
    pieces: &[where_it_may_run(Needs::Native, wgsl!("gaussian"))],
    needs: Needs::Native,
    activation_typed: false,
    entry: "gaussian",
    workgroup: [64, 1, 1],
    params: &["count", "stride", "length", "period", "first", "taps", "subtract", "middle"],
    storage: &[read("source"), read("weights"), write("destination")],
    overrides: &[],
};

shader! {
    /// Bilinear resize of planes.
    RESIZE = "resize", entry "resize", workgroup [16, 4, 1],
    activation_typed false, params ["from_width", "from_height", "width", "height", "channels"],
    storage [read("source"), read("places"), write("resized")], overrides []
}

shader! {
    /// Tiles of planes as activations.
    TILE = "tile", entry "tile", workgroup [16, 4, 1], shared ["tiles"],
    activation_typed true, params ["width", "height", "channels", "tile_width", "tile_height", "first", "start"],
    storage [read("planes"), read("tiles"), write("activations")], overrides []
}

shader! {
    /// Tiles of activations averaged into planes.
    BLEND = "blend", entry "blend", workgroup [16, 4, 1], shared ["tiles"],
    activation_typed true,
    params [
        "width", "height", "channels", "tile_width", "tile_height", "across", "first", "tiles_now", "start", "row", "column",
        "row_end", "column_end"
    ],
    storage [read("activations"), read("tiles"), read("weights"), read("spans"), write("planes")], overrides []
}

shader! {
    /// Planes to activations with the channels last.
    PACK = "pack", entry "pack", workgroup [64, 1, 1],
    activation_typed true, params ["pixels", "channels", "count"], storage [read("planes"), write("activations")], overrides []
}

shader! {
    /// Activations with the channels last to planes.
    UNPACK = "unpack", entry "unpack", workgroup [64, 1, 1],
    activation_typed true, params ["pixels", "channels", "count"], storage [read("activations"), write("planes")], overrides []
}

shader! {
    /// The maximum of each 2 x 2 block.
    MAX_POOL = "max_pool", entry "max_pool", workgroup [64, 1, 1],
    activation_typed true, params ["width", "height", "channels", "count"], storage [read("source"), write("destination")], overrides []
}

shader! {
    /// The style vector: channel means divided by their L2 norm.
    STYLE = "style", entry "style_vector", workgroup [256, 1, 1],
    activation_typed true, params ["pixels", "channels"], storage [read("source"), write("style")], overrides ["LANES"]
}

shader! {
    /// Every projection of the style vector.
    STYLE_PROJECTIONS = "style_projections", entry "style_projections", workgroup [64, 1, 1],
    activation_typed false, params ["features", "channels"],
    storage [read("style"), read("weights"), read("bias"), write("features")], overrides []
}

shader! {
    /// The steps of the Euler integration and where it starts, from flows and cellprob.
    FLOW_FIELD = "flow_field", entry "flow_field", workgroup [16, 4, 1],
    activation_typed false, params ["width", "height", "first", "threshold"],
    storage [read("planes"), write("field"), write("positions")], overrides []
}

shader! {
    /// Some steps of the Euler integration.
    FOLLOW_FLOWS = "follow_flows", entry "follow_flows", workgroup [16, 4, 1],
    activation_typed false, params ["width", "height", "steps"], storage [read("field"), write("positions")], overrides ["INTERP"]
}

/// Some steps of the Euler integration in a plane that is too large for one binding.
pub const FOLLOW_STRIP: Shader = Shader {
    name: "follow_strip",
    pieces: &[where_it_may_run(Needs::Native, wgsl!("follow_strip"))],
    needs: Needs::Native,
    activation_typed: false,
    entry: "follow_strip",
    workgroup: [16, 4, 1],
    params: &["width", "height", "rows", "skip", "count", "first", "end", "steps"],
    storage: &[read("field"), write("positions"), write("made"), write("waiting")],
    overrides: &[INTERP],
};

shader! {
    /// How many end points fall on each pixel.
    HISTOGRAM = "histogram", entry "histogram", workgroup [16, 4, 1], shared ["bins"],
    activation_typed false, params ["width", "height"], storage [read("positions"), write("counts")], overrides []
}

shader! {
    /// Seeds, and what they grow over.
    GROW = "grow", entry "grow", workgroup [16, 4, 1], shared ["bins"],
    activation_typed false, params ["width", "height"],
    storage [read("counts"), write("grown"), write("seeds"), write("table")], overrides []
}

shader! {
    /// The label of each pixel, that of the bin in which it ends.
    LABEL = "label", entry "label", workgroup [16, 4, 1], shared ["bins"],
    activation_typed false, params ["width", "height"],
    storage [read("positions"), read("grown"), read("seeds"), write("labels")], overrides []
}

shader! {
    /// Size, bounds and sums of the coordinates of each label.
    MEASURE = "measure", entry "measure", workgroup [16, 4, 1],
    activation_typed false, params ["width", "height"], storage [read("labels"), write("table")], overrides []
}

shader! {
    /// Labels under new numbers, at the same size or another.
    RELABEL = "relabel", entry "relabel", workgroup [16, 4, 1],
    activation_typed false, params ["width", "height", "source_width"],
    storage [read("source"), read("numbers"), read("places"), write("labels")], overrides []
}

shader! {
    /// The pixel of each label that is nearest to the mean of them all.
    CENTER = "center", entry "center", workgroup [16, 4, 1],
    activation_typed false, params ["width", "height", "pixels"],
    storage [read("labels"), read("means"), write("nearest")], overrides []
}

shader! {
    /// The flow error of masks of at most [`FLOW_ERROR_CELLS`].
    FLOW_ERROR = "flow_error", entry "flow_error", workgroup [256, 1, 1], shared ["mask_flow"],
    activation_typed false, params ["width", "pixels", "first"],
    storage [read("boxes"), read("labels"), read("planes"), read("nearest"), write("errors")], overrides ["LANES"]
}

shader! {
    /// One round of the diffusion of heat in masks of any size.
    DIFFUSE = "diffuse", entry "diffuse", workgroup [16, 16, 1], shared ["mask_flow", "tile"],
    activation_typed false, params ["width", "height", "count", "round"],
    storage [read("boxes"), read("tiles"), read("labels"), read("nearest"), read("before"), write("heat")], overrides []
}

columns! {
    /// All rounds of the diffusion in masks that fit into registers, 4 columns an invocation.
    DIFFUSE_NARROW = "diffuse_narrow", shared "row4"
}

columns! {
    /// The same with 8 columns an invocation.
    DIFFUSE_WIDE = "diffuse_wide", shared "row8"
}

shader! {
    /// The flow error of masks of any size, of the heat that [`DIFFUSE`], [`DIFFUSE_NARROW`] and [`DIFFUSE_WIDE`] made.
    FLOW_ERROR_LARGE = "flow_error_large", entry "flow_error_large", workgroup [16, 16, 1], shared ["mask_flow", "tile"],
    activation_typed false, params ["width", "height", "count"],
    storage [read("boxes"), read("tiles"), read("labels"), read("planes"), read("heat"), write("errors")], overrides []
}

shader! {
    /// Fills the holes of masks.
    FILL_HOLES = "fill_holes", entry "fill_holes", workgroup [64, 1, 1],
    activation_typed false, params ["width", "first", "ordered"],
    storage [read("boxes"), write("labels"), write("bits"), write("table")], overrides []
}

volume! {
    /// A plane of a volume, in all channels.
    VOLUME_SLICE = "slice", entry "slice", workgroup [64, 1, 1],
    params ["first", "row", "column", "columns", "pixels", "count"], storage [read("voxels"), write("plane")], overrides []
}

volume! {
    /// The steps of the Euler integration in 3-D and where it starts, from flows and cellprob.
    VOLUME_FLOW_FIELD = "flow_field", entry "flow_field", workgroup [16, 4, 1],
    params ["threshold", "unit_z", "unit_y", "unit_x"],
    storage [read("sums"), write("field"), write("positions")], overrides ["INTERP"]
}

volume! {
    /// Some steps of the Euler integration in 3-D.
    VOLUME_FOLLOW_FLOWS = "follow_flows", entry "follow_flows", workgroup [16, 4, 1],
    params ["steps", "finish"], storage [read("field"), write("positions")], overrides ["INTERP"]
}

volume! {
    /// How many end points fall on each voxel.
    VOLUME_HISTOGRAM = "histogram", entry "histogram", workgroup [16, 4, 1],
    params [], storage [read("positions"), write("counts")], overrides []
}

volume! {
    /// The seeds of a volume.
    VOLUME_SEEDS = "seeds", entry "seeds_of", workgroup [16, 4, 1],
    params [], storage [read("counts"), write("seeds")], overrides []
}

volume! {
    /// What the seeds of a volume grow over.
    VOLUME_GROW = "grow", entry "grow", workgroup [128, 1, 1],
    params ["count"], storage [read("counts"), read("seeds"), write("grown")], overrides []
}

volume! {
    /// The label of each voxel, that of the bin in which it ends.
    VOLUME_LABEL = "label", entry "label", workgroup [16, 4, 1],
    params [], storage [read("positions"), read("grown"), write("labels")], overrides []
}

/// Every shader.
pub const ALL: [Shader; 43] = [
    CONV3X3_DIRECT,
    CONV3X3_BROADCAST,
    CONV3X3_GEMM,
    CONV3X3_MATRIX8,
    CONV3X3_MATRIX16,
    CONV3X3_WINOGRAD_INPUT,
    CONV3X3_WINOGRAD_PRODUCT,
    CONV1X1,
    PERCENTILE_COUNT,
    PERCENTILE_PICK,
    NORMALIZE,
    NORMALIZE_TILES,
    GAUSSIAN,
    RESIZE,
    TILE,
    BLEND,
    PACK,
    UNPACK,
    MAX_POOL,
    STYLE,
    STYLE_PROJECTIONS,
    FLOW_FIELD,
    FOLLOW_FLOWS,
    FOLLOW_STRIP,
    HISTOGRAM,
    GROW,
    LABEL,
    MEASURE,
    RELABEL,
    CENTER,
    FLOW_ERROR,
    DIFFUSE,
    DIFFUSE_NARROW,
    DIFFUSE_WIDE,
    FLOW_ERROR_LARGE,
    FILL_HOLES,
    VOLUME_SLICE,
    VOLUME_FLOW_FIELD,
    VOLUME_FOLLOW_FLOWS,
    VOLUME_HISTOGRAM,
    VOLUME_SEEDS,
    VOLUME_GROW,
    VOLUME_LABEL,
];
