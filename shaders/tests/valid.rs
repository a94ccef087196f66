//! Every shader is valid WGSL within the default limits of WebGPU, and its description in Rust is true.

use std::collections::BTreeSet;

use cytoshade_shaders::{
    ALL, COLUMN_ROWS, CONV3X3_BROADCAST, CONV3X3_DIRECT, CONV3X3_GEMM, CONV3X3_MATRIX8, CONV3X3_MATRIX16,
    DIFFUSE_COLUMNS, DIFFUSE_INVOCATIONS, DIFFUSE_NARROW, DIFFUSE_ROWS, DIFFUSE_WIDE, FLOW_ERROR, FLOW_ERROR_CELLS,
    FLOW_ERROR_ROWS, GEMM_COLUMNS, HISTOGRAM, HISTOGRAM_MARGIN, Needs, Precision, SPLIT, Shader,
};
use naga::back::pipeline_constants::process_overrides;
use naga::proc::IndexableLength;
use naga::valid::{Capabilities, ModuleInfo, ValidationFlags, Validator};
use naga::{AddressSpace, GlobalVariable, Module, StorageAccess, TypeInner};

/// Limits that every implementation of WebGPU grants.
const MAX_STORAGE_BUFFERS: usize = 8;
const MAX_INVOCATIONS: u32 = 256;
const MAX_WORKGROUP_BYTES: u32 = 16 * 1024;
/// What shaders with subgroup matrices may take: the least that such GPUs grant.
const MAX_WORKGROUP_BYTES_MATRICES: u32 = 48 * 1024;

/// The first thing that is wrong with a shader in either precision.
fn check(shader: &Shader) -> Result<(), String> {
    for precision in [Precision::F32, Precision::F16] {
        if shader.activation_typed || precision == Precision::F32 {
            check_in(shader, precision, &shader.source(precision), Capabilities::empty())?;
            check_in(shader, precision, &shader.source_in_pairs(precision), Capabilities::SHADER_INT64)?;
        }
    }
    Ok(())
}

/// What naga must be told is there: nothing that default WebGPU lacks, but what the shader says that it needs.
fn capabilities(shader: &Shader, precision: Precision) -> Capabilities {
    let mut capabilities = match shader.needs {
        Needs::Nothing | Needs::Native => Capabilities::empty(),
        Needs::Subgroups => Capabilities::SUBGROUP,
        Needs::Matrices => Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP,
    };
    let half = shader.activation_typed && precision == Precision::F16 || shader.needs == Needs::Matrices;
    capabilities.set(Capabilities::SHADER_FLOAT16, half);
    capabilities
}

fn check_in(shader: &Shader, precision: Precision, source: &str, more: Capabilities) -> Result<(), String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|e| e.emit_to_string(source))?;
    let info = Validator::new(ValidationFlags::all(), capabilities(shader, precision) | more)
        .validate(&module)
        .map_err(|e| e.emit_to_string(source))?;
    check_entry(shader, &module)?;
    check_bindings(shader, &module)?;
    check_workgroup_memory(shader, &module, &info)?;
    let found: Vec<_> = module.overrides.iter().filter_map(|(_, o)| o.name.clone()).collect();
    same("overrides", &found, &shader.overrides.iter().map(ToString::to_string).collect())?;
    if module.overrides.iter().any(|(_, o)| o.init.is_none()) {
        return Err("an override has no default".into());
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: the source has {found:?}, Rust says {expected:?}")) }
}

fn check_entry(shader: &Shader, module: &Module) -> Result<(), String> {
    let [entry] = module.entry_points.as_slice() else {
        return Err(format!("{} entry points", module.entry_points.len()));
    };
    same("entry point", &entry.name.as_str(), &shader.entry)?;
    // Where an override says how many invocations there are, `workgroup` is what its default gives, and naga has ones.
    if entry.workgroup_size_overrides.is_none() {
        same("workgroup", &entry.workgroup_size, &shader.workgroup)?;
    }
    let invocations = shader.workgroup.iter().product::<u32>();
    if invocations > MAX_INVOCATIONS {
        return Err(format!("{invocations} invocations a workgroup"));
    }
    Ok(())
}

fn check_bindings(shader: &Shader, module: &Module) -> Result<(), String> {
    let mut found: Vec<_> = module
        .global_variables
        .iter()
        .filter_map(|(_, variable)| Some((variable.binding?, variable)))
        .map(|(binding, variable)| (binding.group, binding.binding, variable))
        .collect();
    found.sort_by_key(|&(group, binding, _)| (group, binding));
    same("bindings", &found.len(), &(shader.storage.len() + 1))?;
    if shader.storage.len() > MAX_STORAGE_BUFFERS {
        return Err(format!("{} storage buffers", shader.storage.len()));
    }
    for (at, (group, binding, variable)) in found.into_iter().enumerate() {
        same("place", &(group, binding as usize), &(0, at))?;
        let name = variable.name.as_deref().unwrap_or_default();
        if at == 0 {
            same("name", &name, &"params")?;
            same("params", &(variable.space == AddressSpace::Uniform), &true)?;
            check_params(shader, module, &module.types[variable.ty].inner)?;
            continue;
        }
        let AddressSpace::Storage { access } = variable.space else {
            return Err(format!("{name} is no storage buffer"));
        };
        same("name", &name, &shader.storage[at - 1].name)?;
        same("write", &access.contains(StorageAccess::STORE), &shader.storage[at - 1].write)?;
    }
    Ok(())
}

fn check_params(shader: &Shader, module: &Module, params: &TypeInner) -> Result<(), String> {
    let TypeInner::Struct { members, .. } = params else {
        return Err("params is no struct".into());
    };
    same("params", &members.len(), &shader.params.len())?;
    for (at, (member, name)) in members.iter().zip(shader.params).enumerate() {
        same("params", &member.name.as_deref().unwrap_or_default(), name)?;
        same("offset", &(member.offset as usize), &(4 * at))?;
        same("bytes", &module.types[member.ty].inner.size(module.to_ctx()), &4)?;
    }
    Ok(())
}

/// Bytes of workgroup memory with override constants that are not the default.
fn workgroup_memory(module: &Module, info: &ModuleInfo, constants: &[(&str, f64)]) -> Result<u32, String> {
    let constants = constants.iter().map(|&(name, value)| (name.to_string(), value)).collect();
    let (module, _) = process_overrides(module, info, None, &constants).map_err(|error| error.to_string())?;
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

fn check_workgroup_memory(shader: &Shader, module: &Module, info: &ModuleInfo) -> Result<(), String> {
    let bytes = workgroup_memory(module, info, &[])?;
    let most = if shader.needs == Needs::Matrices { MAX_WORKGROUP_BYTES_MATRICES } else { MAX_WORKGROUP_BYTES };
    if bytes > most { Err(format!("{bytes} bytes of workgroup memory")) } else { Ok(()) }
}

#[test]
fn every_shader_is_valid_and_described_truly() {
    for shader in ALL {
        if let Err(what) = check(&shader) {
            panic!("{}: {what}", shader.name);
        }
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    let edit = |shader: Shader, from: &str, to: &str| {
        assert!(shader.pieces.concat().contains(from), "{} has no {from}", shader.name);
        let source: &str = Box::leak(shader.pieces.concat().replace(from, to).into_boxed_str());
        Shader { pieces: Box::leak(vec![source].into_boxed_slice()), ..shader }
    };
    let (style, count) = (cytoshade_shaders::STYLE, cytoshade_shaders::PERCENTILE_COUNT);
    for (broken, expected) in [
        (edit(style, "vec4f", "vec4"), "error"),
        (edit(style, "var total = vec4f();", "var total = vec4h();"), "f16"),
        (edit(style, "LANES: u32 = 256u", "LANES: u32 = 2048u"), "bytes of workgroup memory"),
        (edit(count, "@workgroup_size(256)", "@workgroup_size(512)"), "workgroup"),
        (edit(style, "pixels: u32", "size: u32"), ""),
        (edit(CONV3X3_DIRECT, "override SKIP: bool = false;", "const SKIP = false;"), "overrides"),
        (edit(CONV3X3_DIRECT, "@binding(7)", "@binding(9)"), "place"),
        (Shader { workgroup: [1024, 1, 1], ..edit(count, "@workgroup_size(256)", "@workgroup_size(1024)") }, "1024"),
        (Shader { params: &["channels", "pixels"], ..style }, "params"),
        (Shader { activation_typed: false, ..style }, "Stored"),
        (Shader { needs: Needs::Nothing, ..CONV3X3_BROADCAST }, "SUBGROUP"),
    ] {
        let found = check(&broken).expect_err(expected);
        assert!(found.contains(expected), "expected {expected}, found {found}");
    }
}

/// What the kernel asks of a device (`cytoshade_gpu::ConvKernel::applies`) is what it takes.
#[test]
fn matrices_take_the_workgroup_memory_that_is_stated() {
    for (shader, side) in [(CONV3X3_MATRIX8, 8), (CONV3X3_MATRIX16, 16)] {
        let module = naga::front::wgsl::parse_str(&shader.source(Precision::F16)).expect("the shader is valid");
        let mut validator = Validator::new(ValidationFlags::all(), capabilities(&shader, Precision::F16));
        let info = validator.validate(&module).expect("the shader is valid");
        for split in [1, 2] {
            let stated = 4 * ((16 / split + 2) * (side + 2) * side + 6 * split * side * side) + 32 * side * side;
            assert_eq!(workgroup_memory(&module, &info, &[(SPLIT, f64::from(split))]), Ok(stated), "{}", shader.name);
        }
    }
}

#[test]
fn every_file_is_listed() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/wgsl");
    // Every file, the parts too, is a piece of some shader.
    for folder in [folder.join("shared"), folder.join("volume"), folder] {
        for entry in std::fs::read_dir(folder).expect("the folder of shaders") {
            let path = entry.expect("an entry").path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let used = [Precision::F32, Precision::F16].into_iter().any(|precision| {
                let has = |shader: &Shader| {
                    shader.source(precision).contains(&text) || shader.source_in_pairs(precision).contains(&text)
                };
                ALL.iter().any(has)
            });
            assert!(used, "{} is in no shader", path.display());
        }
    }
    let names: BTreeSet<&str> = ALL.iter().map(|shader| shader.name).collect();
    assert_eq!(names.len(), ALL.len(), "a shader is listed twice");
}

#[test]
fn constants_are_those_of_the_sources() {
    let has = |shader: Shader, line: String| assert!(shader.pieces.concat().contains(&line), "{} {line}", shader.name);
    has(CONV3X3_DIRECT, format!("const ROWS = {COLUMN_ROWS}u;"));
    has(CONV3X3_GEMM, format!("const COLUMNS = {GEMM_COLUMNS}u;"));
    has(HISTOGRAM, format!("const MARGIN = {HISTOGRAM_MARGIN}u;"));
    has(FLOW_ERROR, format!("const CELLS = {FLOW_ERROR_CELLS}u;"));
    has(FLOW_ERROR, format!("const ROWS = {FLOW_ERROR_ROWS}u;"));
    has(DIFFUSE_NARROW, format!("const ROWS = {DIFFUSE_ROWS}u;"));
    has(DIFFUSE_NARROW, format!("const EDGES = {}u;", 4 * DIFFUSE_INVOCATIONS));
    has(DIFFUSE_NARROW, format!("const COLUMNS = {DIFFUSE_COLUMNS}u;"));
    has(DIFFUSE_WIDE, format!("const COLUMNS = {}u;", 2 * DIFFUSE_COLUMNS));
}
