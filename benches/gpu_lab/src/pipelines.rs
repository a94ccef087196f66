//! Every pipeline that the product builds on a GPU.
//!
//! The product chooses the constants of a pipeline by the device and by the layer. This list has every choice; the
//! program `cytoshade-gpu-lab` checks it against the pipelines that the product builds on each device.

use std::fmt;

use cytoshade_shaders::{ALL, Precision, Shader, overrides};

use crate::error::Error;
use crate::report::Traits;

/// Values of override constants.
pub type Constants = Vec<(&'static str, u32)>;

/// A shader with its precision and the values of its override constants.
#[derive(Clone, Debug, PartialEq)]
pub struct Pipeline {
    /// The shader.
    pub shader: &'static Shader,
    /// The precision of activations; f32 for a shader without activations.
    pub precision: Precision,
    /// The values of its override constants; the others have their defaults.
    pub constants: Constants,
}

/// The shader, the precision if there are activations, and the constants: `style f16 LANES=256`.
impl fmt::Display for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.shader.name)?;
        if self.shader.activation_typed {
            write!(f, " {}", self.precision.name())?;
        }
        self.constants.iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// Subgroups of a workgroup of `conv3x3_matrix`.
const MATRIX_SUBGROUPS: u32 = 4;

/// Overrides that a shader has by a shared piece and does not use: they keep their defaults.
const UNUSED: [(&str, &str); 1] = [("conv3x3_winograd_product", overrides::SKIP)];

/// The pipelines of a device with some traits, in the order of the shaders' table.
///
/// # Errors
/// [`Error::Override`] for a shader with an override that this list does not have.
pub fn all(device: &Traits) -> Result<Vec<Pipeline>, Error> {
    let mut pipelines = Vec::new();
    for shader in ALL {
        let combinations = combinations(shader, device);
        check(shader, &combinations)?;
        for &precision in precisions(shader) {
            let pipeline = |constants: &Constants| Pipeline { shader, precision, constants: constants.clone() };
            pipelines.extend(combinations.iter().map(pipeline));
        }
    }
    Ok(pipelines)
}

fn precisions(shader: &Shader) -> &'static [Precision] {
    match shader.name {
        // Subgroup matrices multiply f16.
        "conv3x3_matrix8" | "conv3x3_matrix16" => &[Precision::F16],
        _ if shader.activation_typed => &[Precision::F32, Precision::F16],
        _ => &[Precision::F32],
    }
}

/// The values of a shader's override constants that the product uses on a device.
fn combinations(shader: &Shader, device: &Traits) -> Vec<Constants> {
    use overrides::*;
    // `cytoshade_gpu`'s `operators/conv3x3/winograd.rs`: the smallest subgroup, up to 64 invocations.
    let lanes = (LANES, device.subgroups[0].min(64));
    match shader.name {
        "conv3x3_direct" | "conv3x3_broadcast" | "conv1x1" => product(&[(SKIP, &[0, 1])]),
        // `operators/conv3x3/gemm.rs`: the shader, and its groups for few channels.
        "conv3x3_gemm4" if device.has_few_registers() => product(&[(CHANNEL_GROUPS, &[8]), (SKIP, &[0, 1])]),
        "conv3x3_gemm8" if !device.has_few_registers() => product(&[(CHANNEL_GROUPS, &[4, 8]), (SKIP, &[0, 1])]),
        "conv3x3_gemm4" | "conv3x3_gemm8" => Vec::new(),
        "subgroup_size8" => probe(8, device),
        "subgroup_size16" => probe(16, device),
        "conv3x3_matrix8" => matrix(8, device),
        "conv3x3_matrix16" => matrix(16, device),
        "conv3x3_winograd_input" => {
            vec![vec![lanes, (SKIP, 0)], vec![lanes, (SKIP, 1)], vec![lanes, (BLOCK, 1)]]
        }
        "conv3x3_winograd_product" => vec![vec![lanes]],
        "follow_flows" | "follow_strip" | "volume_flow_field" | "volume_follow_flows" => product(&[(INTERP, &[0, 1])]),
        // Smaller workgroups are for software adapters, in `style` for those of browsers.
        "style" | "flow_error" | "flow_error_tall" => vec![vec![(LANES, 256)]],
        // Software adapters alone have these.
        "diffuse_narrow" | "diffuse_wide" => Vec::new(),
        _ => vec![Vec::new()],
    }
}

/// The constants of the kernel on subgroup matrices with a side, for every size of subgroup that suffices.
fn matrix(side: u32, device: &Traits) -> Vec<Constants> {
    if !device.matrices.contains(&side) {
        return Vec::new();
    }
    // `operators/conv3x3/matrix.rs`: an invocation stages a bounded part of the weights.
    let subgroups = device.subgroups.iter().filter(|&&size| (side * side / 8..=64).contains(&size));
    let lanes: Vec<u32> = subgroups.map(|size| MATRIX_SUBGROUPS * size).collect();
    product(&[(overrides::LANES, &lanes), (overrides::SPLIT, &[1, 2]), (overrides::SKIP, &[0, 1])])
}

/// The measurement of the subgroup size, on the largest matrices of a device.
fn probe(side: u32, device: &Traits) -> Vec<Constants> {
    if device.matrices.iter().max() == Some(&side) { vec![Constants::new()] } else { Vec::new() }
}

/// Every combination of some values.
fn product(values: &[(&'static str, &[u32])]) -> Vec<Constants> {
    let mut all = vec![Constants::new()];
    for (name, values) in values {
        let with = |constants: Constants| {
            values.iter().map(move |&value| [&constants[..], &[(*name, value)]].concat()).collect::<Vec<_>>()
        };
        all = all.into_iter().flat_map(with).collect();
    }
    all
}

/// Fails if a shader that a device builds has an override that no combination sets.
fn check(shader: &Shader, combinations: &[Constants]) -> Result<(), Error> {
    let is_set = |name: &str| {
        UNUSED.contains(&(shader.name, name)) || combinations.iter().flatten().any(|(set, _)| *set == name)
    };
    match shader.overrides.iter().find(|name| !combinations.is_empty() && !is_set(name)) {
        Some(name) => Err(Error::Override { shader: shader.name, name }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn gpu() -> Traits {
        Traits { subgroups: vec![32, 64], matrices: vec![8, 16], ..Traits::default() }
    }

    #[test]
    fn every_shader_is_there_but_those_of_other_devices() {
        let pipelines = all(&gpu()).unwrap();
        let names: BTreeSet<&str> = pipelines.iter().map(|pipeline| pipeline.shader.name).collect();
        let missing: Vec<_> = ALL.iter().map(|shader| shader.name).filter(|name| !names.contains(name)).collect();
        assert_eq!(missing, ["conv3x3_gemm4", "subgroup_size8", "diffuse_narrow", "diffuse_wide"]);
        let distinct: BTreeSet<String> = pipelines.iter().map(ToString::to_string).collect();
        assert_eq!(distinct.len(), pipelines.len());
    }

    #[test]
    fn matrices_are_for_devices_that_have_them() {
        let names = |device: &Traits, shader: &str| {
            let all = all(device).unwrap().into_iter().filter(|pipeline| pipeline.shader.name == shader);
            all.map(|pipeline| pipeline.to_string()).collect::<Vec<_>>()
        };
        let lanes = |device: &Traits, shader: &str| {
            let names = names(device, shader);
            names.iter().map(|name| name.split(' ').nth(2).unwrap().to_string()).collect::<BTreeSet<_>>()
        };
        assert_eq!(lanes(&gpu(), "conv3x3_matrix16"), BTreeSet::from(["LANES=128".into(), "LANES=256".into()]));
        let small = Traits { subgroups: vec![8, 16, 32], matrices: vec![8], ..Traits::default() };
        assert_eq!(lanes(&small, "conv3x3_matrix8").len(), 3);
        assert_eq!(names(&small, "conv3x3_matrix16"), [] as [String; 0]);
    }

    #[test]
    fn an_override_that_the_list_lacks_is_an_error() {
        let shader = Shader { overrides: &["SKIP", "UNROLL"], ..cytoshade_shaders::CONV3X3_DIRECT };
        let error = check(&shader, &combinations(&shader, &gpu())).unwrap_err().to_string();
        assert!(error.contains("UNROLL") && error.contains("conv3x3_direct"), "{error}");
        assert!(check(&cytoshade_shaders::CONV3X3_DIRECT, &combinations(&shader, &gpu())).is_ok());
    }
}
