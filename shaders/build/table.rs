//! The table of all shaders. A new shader is a WGSL file and one line here.
//!
//! The build script reads everything else (entry point, workgroup size, buffers, parameters, constants) from the WGSL.
//!
//! The head of each shared piece names the pieces it uses. WGSL accepts declarations in any order; here a piece follows
//! those it uses. The build fails if one is missing.

use crate::types::Needs::{self, Matrices, Native, Nothing, Subgroups};

/// Whether a shader reads or writes activations, whose type depends on the precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Typed {
    /// It does. Its pieces follow the types `Stored`, `Packed` and `Four`.
    Activations,
    /// It does not.
    Plain,
}
use Typed::{Activations, Plain};

/// One shader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Its name; the Rust constant is the same in upper case.
    pub(crate) name: &'static str,
    /// The WGSL file with its entry point, in `src/wgsl`.
    pub(crate) file: &'static str,
    /// The files of `src/wgsl/shared` that precede it, in this order.
    pub(crate) shared: &'static str,
    pub(crate) needs: Needs,
    pub(crate) typed: Typed,
}

impl Row {
    /// The paths of its pieces in `src/wgsl`, without `.wgsl`, its own file last.
    pub(crate) fn pieces(&self) -> Vec<String> {
        let shared = self.shared.split_whitespace().map(|piece| format!("shared/{piece}"));
        shared.chain([self.file.to_string()]).collect()
    }
}

const fn row(name: &'static str, file: &'static str, shared: &'static str, needs: Needs, typed: Typed) -> Row {
    Row { name, file, shared, needs, typed }
}

/// Every shader: those of the network, of the stages, and of the stages in 3-D.
#[rustfmt::skip]
pub(crate) const SHADERS: &[Row] = &[
    // name                         file                        shared pieces                                        needs      types
    row("conv3x3_direct",           "conv3x3_direct",           "conv weights_f32 buffers load store column",        Nothing,   Activations),
    row("conv3x3_broadcast",        "conv3x3_broadcast",        "conv weights buffers load store column broadcast",  Subgroups, Activations),
    row("conv3x3_gemm4",            "conv3x3_gemm",             "conv weights buffers load store gemm4",             Native,    Activations),
    row("conv3x3_gemm8",            "conv3x3_gemm",             "conv weights buffers load store gemm8",             Nothing,   Activations),
    row("conv3x3_matrix8",          "conv3x3_matrix",           "conv weights buffers load store matrix8",           Matrices,  Activations),
    row("conv3x3_matrix16",         "conv3x3_matrix",           "conv weights buffers load store matrix16",          Matrices,  Activations),
    row("subgroup_size8",           "subgroup_size",            "matrix8",                                           Matrices,  Plain),
    row("subgroup_size16",          "subgroup_size",            "matrix16",                                          Matrices,  Plain),
    row("conv3x3_winograd_input",   "conv3x3_winograd_input",   "conv load winograd",                                Native,    Activations),
    row("conv3x3_winograd_product", "conv3x3_winograd_product", "conv store broadcast winograd",                     Subgroups, Activations),
    row("conv1x1",                  "conv1x1",                  "conv weights buffers load store column",            Nothing,   Activations),
    row("percentile_count",         "percentile_count",         "ranks",                                             Nothing,   Plain),
    row("percentile_pick",          "percentile_pick",          "ranks",                                             Nothing,   Plain),
    row("normalize",                "normalize",                "linear",                                            Nothing,   Plain),
    row("normalize_tiles",          "normalize_tiles",          "linear",                                            Native,    Plain),
    row("gaussian",                 "gaussian",                 "linear",                                            Native,    Plain),
    row("resize",                   "resize",                   "",                                                  Nothing,   Plain),
    row("tile",                     "tile",                     "tiles",                                             Nothing,   Activations),
    row("blend",                    "blend",                    "tiles",                                             Nothing,   Activations),
    row("pack",                     "pack",                     "linear",                                            Nothing,   Activations),
    row("unpack",                   "unpack",                   "linear",                                            Nothing,   Activations),
    row("max_pool",                 "max_pool",                 "linear",                                            Nothing,   Activations),
    row("style",                    "style",                    "",                                                  Nothing,   Activations),
    row("style_projections",        "style_projections",        "",                                                  Nothing,   Plain),
    row("flow_field",               "flow_field",               "",                                                  Nothing,   Plain),
    row("follow_flows",             "follow_flows",             "",                                                  Nothing,   Plain),
    row("follow_strip",             "follow_strip",             "",                                                  Native,    Plain),
    row("histogram",                "histogram",                "bins",                                              Nothing,   Plain),
    row("grow",                     "grow",                     "bins",                                              Nothing,   Plain),
    row("label",                    "label",                    "bins",                                              Nothing,   Plain),
    row("measure",                  "measure",                  "",                                                  Nothing,   Plain),
    row("relabel",                  "relabel",                  "",                                                  Nothing,   Plain),
    row("center",                   "center",                   "",                                                  Nothing,   Plain),
    row("flow_error",               "flow_error",               "mask_flow rows8",                                   Nothing,   Plain),
    row("flow_error_tall",          "flow_error",               "mask_flow rows32",                                  Nothing,   Plain),
    row("diffuse",                  "diffuse",                  "linear mask_flow box_tile",                         Nothing,   Plain),
    row("diffuse_narrow",           "diffuse_columns",          "mask_flow row4",                                    Subgroups, Plain),
    row("diffuse_wide",             "diffuse_columns",          "mask_flow row8",                                    Subgroups, Plain),
    row("flow_error_large",         "flow_error_large",         "linear mask_flow box_tile",                         Nothing,   Plain),
    row("fill_holes",               "fill_holes",               "",                                                  Nothing,   Plain),
    row("volume_slice",             "volume/slice",             "linear volume",                                     Native,    Plain),
    row("volume_flow_field",        "volume/flow_field",        "volume",                                            Native,    Plain),
    row("volume_follow_flows",      "volume/follow_flows",      "volume",                                            Native,    Plain),
    row("volume_histogram",         "volume/histogram",         "volume",                                            Native,    Plain),
    row("volume_seeds",             "volume/seeds",             "volume",                                            Native,    Plain),
    row("volume_grow",              "volume/grow",              "linear volume",                                     Native,    Plain),
    row("volume_label",             "volume/label",             "volume",                                            Native,    Plain),
];
