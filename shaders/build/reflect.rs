//! Reads the interface of a shader from its source with naga, the compiler in wgpu.

use naga::proc::GlobalCtx;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, EntryPoint, Expression, Handle, Literal, Module, StorageAccess, TypeInner};

use crate::types::{Needs, Precision};

/// The interface of a shader for its host.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Interface {
    pub(crate) entry: String,
    /// Workgroup size; sides set by an override have its default.
    pub(crate) workgroup: [u32; 3],
    /// The members of the uniform buffer at binding 0.
    pub(crate) params: Vec<String>,
    /// The storage buffers at bindings 1, 2, ...: name, and whether the shader writes to it.
    pub(crate) storage: Vec<(String, bool)>,
    pub(crate) overrides: Vec<String>,
    /// The numbers among its `const`s.
    pub(crate) constants: Vec<(String, Literal)>,
}

/// The features that a shader may use: WebGPU's defaults and those that it declares.
pub(crate) fn capabilities(needs: Needs, activations: Option<Precision>) -> Capabilities {
    let mut capabilities = match needs {
        Needs::Nothing | Needs::Native => Capabilities::empty(),
        Needs::Subgroups => Capabilities::SUBGROUP,
        Needs::Matrices => Capabilities::COOPERATIVE_MATRIX | Capabilities::SUBGROUP,
    };
    let half = needs == Needs::Matrices || activations == Some(Precision::F16);
    capabilities.set(Capabilities::SHADER_FLOAT16, half);
    capabilities
}

/// Parses and validates a source and reads its interface. The error names the source as `name`.
pub(crate) fn interface(name: &str, source: &str, allowed: Capabilities) -> Result<Interface, String> {
    let module = naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string_with_path(source, name))?;
    Validator::new(ValidationFlags::all(), allowed)
        .validate(&module)
        .map_err(|error| error.emit_to_string_with_path(source, name))?;
    let [entry] = module.entry_points.as_slice() else {
        return Err(format!("{name} has {} entry points, expected one", module.entry_points.len()));
    };
    let Bindings { params, storage } = bindings(&module)?;
    if let Some((_, constant)) = module.overrides.iter().find(|(_, constant)| constant.init.is_none()) {
        return Err(format!("the override {} has no default", constant.name.as_deref().unwrap_or_default()));
    }
    let constants = module.constants.iter().filter_map(|(_, constant)| {
        let literal = module.global_expressions[constant.init].clone();
        if let Expression::Literal(value) = literal { Some((constant.name.clone()?, value)) } else { None }
    });
    Ok(Interface {
        entry: entry.name.clone(),
        workgroup: workgroup(&module, entry)?,
        params,
        storage,
        // naga creates nameless overrides for array sizes that depend on overrides.
        overrides: module.overrides.iter().filter_map(|(_, constant)| constant.name.clone()).collect(),
        constants: constants.collect(),
    })
}

/// The size of a workgroup, with the defaults of the overrides that it depends on.
fn workgroup(module: &Module, entry: &EntryPoint) -> Result<[u32; 3], String> {
    let mut size = entry.workgroup_size;
    for (side, expression) in size.iter_mut().zip(entry.workgroup_size_overrides.into_iter().flatten()) {
        if let Some(expression) = expression {
            *side = default_of(module, expression).ok_or("a side of the workgroup is no plain override")?;
        }
    }
    Ok(size)
}

/// The value of an expression that is a number or an override.
fn default_of(module: &Module, expression: Handle<Expression>) -> Option<u32> {
    match module.global_expressions[expression] {
        Expression::Literal(Literal::U32(value)) => Some(value),
        Expression::Override(constant) => default_of(module, module.overrides[constant].init?),
        _ => None,
    }
}

/// The bindings of a shader.
struct Bindings {
    params: Vec<String>,
    storage: Vec<(String, bool)>,
}

/// Reads the bindings, which must be the uniform `params` and then storage buffers without gaps.
fn bindings(module: &Module) -> Result<Bindings, String> {
    let bound = module.global_variables.iter().filter_map(|(_, variable)| Some((variable.binding?, variable)));
    let mut bound: Vec<_> = bound.collect();
    bound.sort_by_key(|(place, _)| *place);
    let (mut params, mut storage) = (None, Vec::new());
    for (at, (place, variable)) in (0..).zip(bound) {
        let name = variable.name.clone().unwrap_or_default();
        if (place.group, place.binding) != (0, at) {
            return Err(format!("{name} is at group {}, binding {}; expected 0, {at}", place.group, place.binding));
        }
        match variable.space {
            AddressSpace::Uniform if at == 0 && name == "params" => {
                params = Some(members(module.to_ctx(), &module.types[variable.ty].inner)?);
            }
            AddressSpace::Storage { access } if at > 0 => {
                storage.push((name, access.contains(StorageAccess::STORE)));
            }
            space => {
                return Err(format!("binding {at} is {name} in {space:?}; expected the uniform params, then storage"));
            }
        }
    }
    Ok(Bindings { params: params.ok_or("there is no uniform buffer params")?, storage })
}

/// The members of a struct of 4-byte scalars.
fn members(context: GlobalCtx<'_>, params: &TypeInner) -> Result<Vec<String>, String> {
    let TypeInner::Struct { members, .. } = params else {
        return Err("params is no struct".into());
    };
    let scalar = |(at, member): (u32, &naga::StructMember)| {
        let (name, bytes) = (member.name.clone().unwrap_or_default(), context.types[member.ty].inner.size(context));
        if (member.offset, bytes) == (4 * at, 4) {
            Ok(name)
        } else {
            Err(format!("params.{name} is no scalar of 4 bytes"))
        }
    };
    (0..).zip(members).map(scalar).collect()
}
