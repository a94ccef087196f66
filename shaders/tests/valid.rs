//! Every shader is valid WGSL within the default limits of WebGPU, with one interface in every precision.

use std::collections::BTreeSet;

use cytoshade_shaders::{
    ALL, CONV3X3_BROADCAST, CONV3X3_DIRECT, CONV3X3_GEMM4, CONV3X3_GEMM8, CONV3X3_MATRIX8, CONV3X3_MATRIX16, Needs,
    PERCENTILE_COUNT, Precision, STYLE, Shader, overrides,
};
use naga::back::pipeline_constants::process_overrides;
use naga::proc::IndexableLength;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, GlobalVariable, TypeInner};

#[allow(dead_code)] // The build script uses the rest.
#[path = "../build/reflect.rs"]
mod reflect;
/// The types that `reflect` takes from its crate.
mod types {
    pub(crate) use cytoshade_shaders::{Needs, Precision};
}

/// Limits that every implementation of WebGPU grants.
const MAX_STORAGE_BUFFERS: usize = 8;
const MAX_INVOCATIONS: u32 = 256;
const MAX_WORKGROUP_BYTES: u32 = 16 * 1024;
/// The most workgroup memory of shaders on subgroup matrices: GPUs with such matrices grant at least this.
const MAX_WORKGROUP_BYTES_MATRICES: u32 = 48 * 1024;

/// The first fault of a shader in either precision.
fn check(shader: &Shader) -> Result<(), String> {
    for precision in [Precision::F32, Precision::F16] {
        if shader.activation_typed || precision == Precision::F32 {
            check_source(shader, &shader.source(precision), allowed(shader, precision))?;
            let pairs = allowed(shader, precision) | Capabilities::SHADER_INT64;
            check_source(shader, &shader.source_in_pairs(precision), pairs)?;
        }
    }
    Ok(())
}

/// The features that a shader may use in a precision.
fn allowed(shader: &Shader, precision: Precision) -> Capabilities {
    reflect::capabilities(shader.needs, shader.activation_typed.then_some(precision))
}

fn check_source(shader: &Shader, source: &str, allowed: Capabilities) -> Result<(), String> {
    let found = reflect::interface(shader.name, source, allowed)?;
    same("entry point", &found.entry.as_str(), &shader.entry)?;
    same("workgroup", &found.workgroup, &shader.workgroup)?;
    same("params", &found.params.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), &shader.params)?;
    same("overrides", &found.overrides.iter().map(String::as_str).collect::<Vec<_>>().as_slice(), &shader.overrides)?;
    let stated: Vec<_> = shader.storage.iter().map(|storage| (storage.name.to_string(), storage.write)).collect();
    same("storage", &found.storage, &stated)?;

    let invocations = shader.workgroup.iter().product();
    within("invocations of a workgroup", invocations, MAX_INVOCATIONS)?;
    within("storage buffers", shader.storage.len(), MAX_STORAGE_BUFFERS)?;
    let matrices = shader.needs == Needs::Matrices;
    let most = if matrices { MAX_WORKGROUP_BYTES_MATRICES } else { MAX_WORKGROUP_BYTES };
    within("bytes of workgroup memory", workgroup_memory(source, allowed, &[])?, most)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, stated: &T) -> Result<(), String> {
    if found == stated { Ok(()) } else { Err(format!("{what}: the source has {found:?}, Rust has {stated:?}")) }
}

fn within<T: PartialOrd + std::fmt::Display>(what: &str, found: T, most: T) -> Result<(), String> {
    if found <= most { Ok(()) } else { Err(format!("{found} {what}, expected at most {most}")) }
}

/// Bytes of workgroup memory for some values of the overrides; the others have their defaults.
fn workgroup_memory(source: &str, allowed: Capabilities, values: &[(&str, f64)]) -> Result<u32, String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    let info = Validator::new(ValidationFlags::all(), allowed).validate(&module).map_err(|error| error.to_string())?;
    let values = values.iter().map(|&(name, value)| (name.to_string(), value)).collect();
    let (module, _) = process_overrides(&module, &info, None, &values).map_err(|error| error.to_string())?;
    let bytes = |variable: &GlobalVariable| match module.types[variable.ty].inner {
        // The size may be an expression of overrides.
        TypeInner::Array { size, stride, .. } => match size.resolve(module.to_ctx()) {
            Ok(IndexableLength::Known(length)) => Ok(length * stride),
            other => Err(format!("{:?} has a size of {other:?}", variable.name)),
        },
        ref other => Ok(other.size(module.to_ctx())),
    };
    let variables = module.global_variables.iter().map(|(_, variable)| variable);
    variables.filter(|variable| variable.space == AddressSpace::WorkGroup).map(bytes).sum()
}

#[test]
fn every_permutation_is_valid_and_has_the_interface_of_its_shader() {
    for shader in ALL {
        if let Err(fault) = check(shader) {
            panic!("{}: {fault}", shader.name);
        }
    }
}

/// Twin of the above.
#[test]
fn the_check_finds_faults() {
    let edit = |shader: Shader, from: &str, to: &str| {
        assert!(shader.pieces.concat().contains(from), "{} has no {from}", shader.name);
        let source: &str = Box::leak(shader.pieces.concat().replace(from, to).into_boxed_str());
        Shader { pieces: Box::leak(vec![source].into_boxed_slice()), ..shader }
    };
    for (broken, expected) in [
        (edit(STYLE, "vec4f", "vec4"), "error"),
        (edit(STYLE, "var total = vec4f();", "var total = vec4h();"), "f16"),
        (edit(STYLE, "LANES: u32 = 256u", "LANES: u32 = 128u"), "workgroup: "),
        (edit(STYLE, "    sums[lane] = vec4f(squares);", "    sums[lane] = undefined;"), "undefined"),
        (edit(STYLE, "array<vec4f, LANES>", "array<vec4f, 8u * LANES>"), "bytes of workgroup memory"),
        (edit(PERCENTILE_COUNT, "@workgroup_size(256)", "@workgroup_size(512)"), "workgroup: "),
        (edit(CONV3X3_DIRECT, "override SKIP: bool = false;", "const SKIP = false;"), "overrides: "),
        (edit(CONV3X3_DIRECT, "override SKIP: bool = false;", "override SKIP: bool;"), "no default"),
        (edit(CONV3X3_DIRECT, "@binding(7)", "@binding(9)"), "expected 0, 7"),
        (edit(CONV3X3_DIRECT, "var<storage, read> skip", "var<storage, read_write> skip"), "storage: "),
        (
            Shader {
                workgroup: [1024, 1, 1],
                ..edit(PERCENTILE_COUNT, "@workgroup_size(256)", "@workgroup_size(1024)")
            },
            "1024 invocations",
        ),
        (Shader { params: &["channels", "pixels"], ..STYLE }, "params: "),
        (Shader { entry: "main", ..STYLE }, "entry point: "),
        (Shader { activation_typed: false, ..STYLE }, "Stored"),
        (Shader { needs: Needs::Nothing, ..CONV3X3_BROADCAST }, "SUBGROUP"),
    ] {
        let found = check(&broken).expect_err(expected);
        assert!(found.contains(expected), "expected {expected}, found {found}");
    }
}

/// With fewer groups of channels, a workgroup has more rows of pixels.
#[test]
fn gemm_fits_the_default_workgroup_memory_with_every_number_of_groups() {
    for shader in [CONV3X3_GEMM4, CONV3X3_GEMM8] {
        for groups in [4, 8] {
            let (source, allowed) = (shader.source(Precision::F32), allowed(&shader, Precision::F32));
            let found = workgroup_memory(&source, allowed, &[(overrides::CHANNEL_GROUPS, f64::from(groups))]);
            assert!(found.as_ref().is_ok_and(|&bytes| bytes <= MAX_WORKGROUP_BYTES), "{}: {found:?}", shader.name);
        }
    }
}

/// `cytoshade_gpu::ConvKernel::Matrix` demands this much workgroup memory of a device.
#[test]
fn matrices_take_the_workgroup_memory_that_the_host_demands() {
    for (shader, side) in [(&CONV3X3_MATRIX8, 8), (&CONV3X3_MATRIX16, 16)] {
        for split in [1, 2] {
            let stated = 4 * ((16 / split + 2) * (side + 2) * side + 6 * split * side * side) + 32 * side * side;
            let (source, allowed) = (shader.source(Precision::F16), allowed(shader, Precision::F16));
            let found = workgroup_memory(&source, allowed, &[(overrides::SPLIT, f64::from(split))]);
            assert_eq!(found, Ok(stated), "{}", shader.name);
        }
    }
}

#[test]
fn every_file_is_a_piece_of_a_shader() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wgsl");
    for folder in [folder.join("shared"), folder.join("volume"), folder] {
        for entry in std::fs::read_dir(folder).expect("the folder of shaders") {
            let path = entry.expect("an entry").path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let used = [Precision::F32, Precision::F16].into_iter().any(|precision| {
                let has = |shader: &&Shader| {
                    shader.source(precision).contains(&text) || shader.source_in_pairs(precision).contains(&text)
                };
                ALL.iter().any(has)
            });
            assert!(used, "{} is in no shader", path.display());
        }
    }
    let names: BTreeSet<&str> = ALL.iter().map(|shader| shader.name).collect();
    assert_eq!(names.len(), ALL.len(), "the table lists a shader twice");
}
