//! Compiles a pipeline to the SPIR-V that wgpu hands to a Vulkan driver.

use cytoshade_shaders::Shader;
use naga::ShaderStage::Compute;
use naga::back::spv;
use naga::proc::{BoundsCheckPolicies, BoundsCheckPolicy};
use naga::valid::{Capabilities, ValidationFlags, Validator};

use crate::error::Error;
use crate::pipelines::Pipeline;

/// The SPIR-V of a pipeline.
///
/// The options are those of wgpu-hal 30 for a device of Vulkan 1.3 with `VK_EXT_robustness2`: all devices here are.
///
/// # Errors
/// [`Error::Naga`] if naga refuses the shader.
pub fn compile(pipeline: &Pipeline) -> Result<Vec<u32>, Error> {
    let Pipeline { shader, precision, constants } = pipeline;
    let Shader { entry, .. } = **shader;
    let source = shader.source(*precision);
    let naga = |reason: String| Error::Naga { pipeline: pipeline.to_string(), reason };
    let module = naga::front::wgsl::parse_str(&source).map_err(|error| naga(error.emit_to_string(&source)))?;
    let mut validator = Validator::new(ValidationFlags::all(), Capabilities::all());
    let info = validator.validate(&module).map_err(|error| naga(error.emit_to_string(&source)))?;
    let constants = constants.iter().map(|&(name, value)| (name.into(), f64::from(value))).collect();
    let overridden =
        naga::back::pipeline_constants::process_overrides(&module, &info, Some((Compute, entry)), &constants);
    let (module, info) = overridden.map_err(|error| naga(error.to_string()))?;
    let pipeline = spv::PipelineOptions { entry_point: entry.into(), shader_stage: Compute };
    spv::write_vec(&module, &info, &options(), Some(&pipeline)).map_err(|error| naga(error.to_string()))
}

fn options() -> spv::Options<'static> {
    spv::Options {
        // From `vulkan/adapter.rs`, `naga_options`.
        lang_version: (1, 6),
        flags: spv::WriterFlags::LABEL_VARYINGS | spv::WriterFlags::FORCE_POINT_SIZE,
        // Without a map, bindings keep the numbers of the source, which are those of the layout.
        fake_missing_bindings: true,
        // wgpu refuses a shader that needs more than the device has; the driver does here.
        capabilities: None,
        bounds_check_policies: BoundsCheckPolicies {
            index: BoundsCheckPolicy::Restrict,
            // The driver checks, by robustBufferAccess2.
            buffer: BoundsCheckPolicy::Unchecked,
            image_load: BoundsCheckPolicy::Unchecked,
            binding_array: BoundsCheckPolicy::Unchecked,
        },
        force_loop_bounding: true,
        emit_int_div_checks: true,
        use_storage_input_output_16: true,
        // From `vulkan/device.rs`, `compile_stage`: `cytoshade_gpu` turns the initialization off.
        zero_initialize_workgroup_memory: spv::ZeroInitializeWorkgroupMemoryMode::None,
        // Nothing else here concerns compute shaders.
        ..spv::Options::default()
    }
}

#[cfg(test)]
mod tests {
    use cytoshade_shaders::Precision;

    use super::*;
    use crate::pipelines;
    use crate::report::Traits;

    #[test]
    fn every_pipeline_compiles() {
        let device = Traits { subgroups: vec![32], matrices: vec![8, 16], ..Traits::default() };
        for pipeline in pipelines::all(&device).unwrap() {
            let words = compile(&pipeline).unwrap();
            assert_eq!(words[..2], [0x0723_0203, 0x0001_0600], "{pipeline}");
        }
    }

    #[test]
    fn constants_decide() {
        let pipeline = |value| Pipeline {
            shader: &cytoshade_shaders::CONV3X3_DIRECT,
            precision: Precision::F32,
            constants: vec![("SKIP", value)],
        };
        assert_ne!(compile(&pipeline(0)).unwrap(), compile(&pipeline(1)).unwrap());
        let unknown = Pipeline { constants: vec![("SKIPS", 1)], ..pipeline(0) };
        let error = compile(&unknown).unwrap_err().to_string();
        assert!(error.contains("SKIPS"), "{error}");
    }
}
