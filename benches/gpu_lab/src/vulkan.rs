//! Opens the first Vulkan device as wgpu does, compiles pipelines, and returns the compiler's statistics and text.

#![allow(unsafe_code)] // Vulkan is a C interface.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, c_char};

use ash::vk;

use crate::error::Error;
use crate::report::{Executable, Traits};

/// An open device. It lives as long as the process.
#[allow(missing_debug_implementations)] // Its parts have none.
pub struct Device {
    /// Vulkan's library stays loaded.
    _entry: ash::Entry,
    device: ash::Device,
    executables: ash::khr::pipeline_executable_properties::Device,
    traits: Traits,
}

impl Device {
    /// Opens the first device of the driver that the environment names.
    ///
    /// # Errors
    /// [`Error::Vulkan`] and [`Error::NoDevice`].
    pub fn open() -> Result<Self, Error> {
        // SAFETY: this is Vulkan's own library, which stays loaded as long as the device.
        let entry = unsafe { ash::Entry::load() }.map_err(|_| Error::NoDevice)?;
        // Drivers have workarounds for programs, by these names.
        let application = vk::ApplicationInfo::default()
            .application_name(c"wgpu")
            .engine_name(c"wgpu-hal")
            .api_version(vk::API_VERSION_1_3);
        let create = vk::InstanceCreateInfo::default().application_info(&application);
        // SAFETY: all pointers of the description are of values above.
        let instance = unsafe { entry.create_instance(&create, None) }.map_err(vulkan("vkCreateInstance"))?;
        // SAFETY: the instance is alive; it is never destroyed.
        let found = unsafe { instance.enumerate_physical_devices() }.map_err(vulkan("vkEnumeratePhysicalDevices"))?;
        let physical = *found.first().ok_or(Error::NoDevice)?;
        let traits = traits(&entry, &instance, physical)?;
        let device = create_device(&instance, physical)?;
        let executables = ash::khr::pipeline_executable_properties::Device::new(&instance, &device);
        Ok(Self { _entry: entry, device, executables, traits })
    }

    /// The traits of the device.
    pub fn traits(&self) -> &Traits {
        &self.traits
    }

    /// Compiles a compute shader with a uniform buffer and `storage` storage buffers.
    ///
    /// # Errors
    /// [`Error::Vulkan`] if the driver refuses.
    pub fn compile(&self, words: &[u32], entry: &str, storage: u32) -> Result<Vec<Executable>, Error> {
        let create = vk::ShaderModuleCreateInfo::default().code(words);
        // SAFETY: naga wrote the SPIR-V for this interface, from a validated module.
        let module =
            unsafe { self.device.create_shader_module(&create, None) }.map_err(vulkan("vkCreateShaderModule"))?;
        let name = CString::new(entry).map_err(|_| Error::Entry { name: entry.into() })?;
        let stage = vk::PipelineShaderStageCreateInfo::default()
            .stage(vk::ShaderStageFlags::COMPUTE)
            .module(module)
            .name(&name)
            // From wgpu-hal's `vulkan/device.rs`, `compile_stage`, on a device with subgroups.
            .flags(vk::PipelineShaderStageCreateFlags::ALLOW_VARYING_SUBGROUP_SIZE);
        let capture = vk::PipelineCreateFlags::CAPTURE_STATISTICS_KHR
            | vk::PipelineCreateFlags::CAPTURE_INTERNAL_REPRESENTATIONS_KHR;
        let create = vk::ComputePipelineCreateInfo::default().flags(capture).stage(stage).layout(self.layout(storage)?);
        // SAFETY: module, layout and name are alive, and the layout has every binding of the shader.
        let made = unsafe { self.device.create_compute_pipelines(vk::PipelineCache::null(), &[create], None) };
        let pipelines = made.map_err(|(_, code)| Error::Vulkan { call: "vkCreateComputePipelines", code })?;
        let mut executables = Vec::new();
        for &pipeline in &pipelines {
            executables.extend(self.executables(pipeline)?);
        }
        Ok(executables)
    }

    /// Binding 0 is a uniform buffer, the others are storage buffers, as in `cytoshade_gpu`'s `pipeline/kernel.rs`.
    fn layout(&self, storage: u32) -> Result<vk::PipelineLayout, Error> {
        let binding = |binding: u32| {
            let buffer = match binding {
                0 => vk::DescriptorType::UNIFORM_BUFFER,
                _ => vk::DescriptorType::STORAGE_BUFFER,
            };
            vk::DescriptorSetLayoutBinding::default()
                .binding(binding)
                .descriptor_count(1)
                .descriptor_type(buffer)
                .stage_flags(vk::ShaderStageFlags::COMPUTE)
        };
        let bindings: Vec<_> = (0..=storage).map(binding).collect();
        let create = vk::DescriptorSetLayoutCreateInfo::default().bindings(&bindings);
        // SAFETY: the bindings outlive the call.
        let set = unsafe { self.device.create_descriptor_set_layout(&create, None) }
            .map_err(vulkan("vkCreateDescriptorSetLayout"))?;
        let sets = [set];
        let create = vk::PipelineLayoutCreateInfo::default().set_layouts(&sets);
        // SAFETY: the layout of the set is alive; it is never destroyed.
        unsafe { self.device.create_pipeline_layout(&create, None) }.map_err(vulkan("vkCreatePipelineLayout"))
    }

    fn executables(&self, pipeline: vk::Pipeline) -> Result<Vec<Executable>, Error> {
        let info = vk::PipelineInfoKHR::default().pipeline(pipeline);
        // SAFETY: the extension is enabled, and the pipeline is alive.
        let found = unsafe { self.executables.get_pipeline_executable_properties(&info) }
            .map_err(vulkan("vkGetPipelineExecutablePropertiesKHR"))?;
        let executable = |(at, properties): (u32, &vk::PipelineExecutablePropertiesKHR<'_>)| {
            let info = vk::PipelineExecutableInfoKHR::default().pipeline(pipeline).executable_index(at);
            Ok(Executable {
                name: text(&properties.name),
                subgroup: properties.subgroup_size,
                statistics: self.statistics(&info)?,
                assembly: self.assembly(&info)?,
            })
        };
        (0..).zip(&found).map(executable).collect()
    }

    fn statistics(&self, info: &vk::PipelineExecutableInfoKHR<'_>) -> Result<BTreeMap<String, f64>, Error> {
        // SAFETY: the pipeline of `info` is alive, captured statistics, and has the executable.
        let found = unsafe { self.executables.get_pipeline_executable_statistics(info) }
            .map_err(vulkan("vkGetPipelineExecutableStatisticsKHR"))?;
        let value = |statistic: &vk::PipelineExecutableStatisticKHR<'_>| {
            // SAFETY: the driver wrote the member of the union that the format states.
            let value = unsafe {
                match statistic.format {
                    vk::PipelineExecutableStatisticFormatKHR::BOOL32 => f64::from(statistic.value.b32),
                    vk::PipelineExecutableStatisticFormatKHR::INT64 => statistic.value.i64 as f64,
                    vk::PipelineExecutableStatisticFormatKHR::FLOAT64 => statistic.value.f64,
                    _ => statistic.value.u64 as f64,
                }
            };
            (text(&statistic.name), value)
        };
        Ok(found.iter().map(value).collect())
    }

    /// The instructions as text. ash has only the plain call: first for the number and sizes, then for the texts.
    fn assembly(&self, info: &vk::PipelineExecutableInfoKHR<'_>) -> Result<String, Error> {
        let call = "vkGetPipelineExecutableInternalRepresentationsKHR";
        let get = self.executables.fp().get_pipeline_executable_internal_representations_khr;
        let handle = self.device.handle();
        let mut count = 0;
        // SAFETY: without an array the driver writes only the number.
        unsafe { get(handle, info, &mut count, std::ptr::null_mut()) }.result().map_err(vulkan(call))?;
        let mut found = vec![vk::PipelineExecutableInternalRepresentationKHR::default(); count as usize];
        // SAFETY: the array has `count` elements; without memory for the data the driver writes only their sizes.
        unsafe { get(handle, info, &mut count, found.as_mut_ptr()) }.result().map_err(vulkan(call))?;
        let mut texts: Vec<Vec<u8>> = found.iter().map(|one| vec![0; one.data_size]).collect();
        for (one, text) in found.iter_mut().zip(&mut texts) {
            one.p_data = text.as_mut_ptr().cast();
        }
        // SAFETY: as before, and each element has memory of the size that the driver stated.
        unsafe { get(handle, info, &mut count, found.as_mut_ptr()) }.result().map_err(vulkan(call))?;
        // NVK's "NAK assembly", ANV's "GEN Assembly", RADV's "Assembly"; the others are intermediate forms.
        let assembly = found.iter().zip(&texts).find(|(one, _)| text(&one.name).to_lowercase().ends_with("assembly"));
        let end = |text: &[u8]| text.iter().position(|&byte| byte == 0).unwrap_or(text.len());
        Ok(assembly.map_or_else(String::new, |(_, text)| String::from_utf8_lossy(&text[..end(text)]).into_owned()))
    }
}

/// The traits of a device that decide its pipelines, as `cytoshade_gpu`'s `device/capabilities.rs` reads them.
fn traits(entry: &ash::Entry, instance: &ash::Instance, physical: vk::PhysicalDevice) -> Result<Traits, Error> {
    let mut driver = vk::PhysicalDeviceDriverProperties::default();
    let mut subgroup = vk::PhysicalDeviceSubgroupSizeControlProperties::default();
    let mut properties = vk::PhysicalDeviceProperties2::default().push_next(&mut driver).push_next(&mut subgroup);
    // SAFETY: the device is of this instance, and the chain has structures of Vulkan 1.3.
    unsafe { instance.get_physical_device_properties2(physical, &mut properties) };
    let name = text(&properties.properties.device_name);
    let (smallest, largest) = (subgroup.min_subgroup_size, subgroup.max_subgroup_size);
    let subgroups = (0..8).map(|power| 1 << power).filter(|size| (smallest..=largest).contains(size)).collect();
    let driver = format!("{} {}", text(&driver.driver_name), text(&driver.driver_info));
    Ok(Traits { name, driver, subgroups, matrices: matrices(entry, instance, physical)? })
}

/// The sides of the square matrices that multiply f16 into f32.
fn matrices(entry: &ash::Entry, instance: &ash::Instance, physical: vk::PhysicalDevice) -> Result<Vec<u32>, Error> {
    if !has(instance, physical, ash::khr::cooperative_matrix::NAME)? {
        return Ok(Vec::new());
    }
    let functions = ash::khr::cooperative_matrix::Instance::new(entry, instance);
    // SAFETY: the device has the extension.
    let found = unsafe { functions.get_physical_device_cooperative_matrix_properties(physical) }
        .map_err(vulkan("vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"))?;
    let (f16, f32) = (vk::ComponentTypeKHR::FLOAT16, vk::ComponentTypeKHR::FLOAT32);
    let suits = |p: &&vk::CooperativeMatrixPropertiesKHR<'_>| {
        (p.m_size, p.n_size) == (p.k_size, p.k_size)
            && [p.a_type, p.b_type, p.c_type, p.result_type] == [f16, f16, f32, f32]
            && p.scope == vk::ScopeKHR::SUBGROUP
    };
    let mut sides: Vec<u32> = found.iter().filter(suits).map(|p| p.k_size).collect();
    sides.sort_unstable();
    sides.dedup();
    Ok(sides)
}

fn has(instance: &ash::Instance, physical: vk::PhysicalDevice, extension: &CStr) -> Result<bool, Error> {
    // SAFETY: the device is of this instance.
    let found = unsafe { instance.enumerate_device_extension_properties(physical) }
        .map_err(vulkan("vkEnumerateDeviceExtensionProperties"))?;
    Ok(found.iter().any(|one| one.extension_name_as_c_str() == Ok(extension)))
}

/// Opens a device with the features that wgpu enables and that concern compute shaders.
///
/// From wgpu-hal's `vulkan/adapter.rs`, `PhysicalDeviceFeatures::from_extensions_and_requested_features`.
fn create_device(instance: &ash::Instance, physical: vk::PhysicalDevice) -> Result<ash::Device, Error> {
    let info = ash::khr::pipeline_executable_properties::NAME;
    let optional = [ash::ext::robustness2::NAME, ash::khr::cooperative_matrix::NAME];
    let mut names = vec![info];
    for name in optional {
        if has(instance, physical, name)? {
            names.push(name);
        }
    }
    let (mut executable, mut robustness, mut matrix) = <(
        vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR<'_>,
        vk::PhysicalDeviceRobustness2FeaturesEXT<'_>,
        vk::PhysicalDeviceCooperativeMatrixFeaturesKHR<'_>,
    )>::default();
    let (mut of_1_1, mut of_1_2, mut of_1_3) = <(
        vk::PhysicalDeviceVulkan11Features<'_>,
        vk::PhysicalDeviceVulkan12Features<'_>,
        vk::PhysicalDeviceVulkan13Features<'_>,
    )>::default();
    let mut found = vk::PhysicalDeviceFeatures2::default()
        .push_next(&mut executable)
        .push_next(&mut robustness)
        .push_next(&mut matrix)
        .push_next(&mut of_1_1)
        .push_next(&mut of_1_2)
        .push_next(&mut of_1_3);
    // SAFETY: the device is of this instance; a driver skips structures of extensions that it lacks.
    unsafe { instance.get_physical_device_features2(physical, &mut found) };
    let core = vk::PhysicalDeviceFeatures::default()
        .robust_buffer_access(found.features.robust_buffer_access != 0)
        .shader_int64(found.features.shader_int64 != 0);
    if executable.pipeline_executable_info == 0 {
        return Err(Error::NoStatistics);
    }

    let mut executable =
        vk::PhysicalDevicePipelineExecutablePropertiesFeaturesKHR::default().pipeline_executable_info(true);
    let mut robustness = vk::PhysicalDeviceRobustness2FeaturesEXT::default()
        .robust_buffer_access2(robustness.robust_buffer_access2 != 0)
        .robust_image_access2(robustness.robust_image_access2 != 0);
    let mut matrix =
        vk::PhysicalDeviceCooperativeMatrixFeaturesKHR::default().cooperative_matrix(matrix.cooperative_matrix != 0);
    let mut of_1_1 = vk::PhysicalDeviceVulkan11Features::default()
        .storage_buffer16_bit_access(of_1_1.storage_buffer16_bit_access != 0)
        .uniform_and_storage_buffer16_bit_access(of_1_1.uniform_and_storage_buffer16_bit_access != 0);
    let mut of_1_2 = vk::PhysicalDeviceVulkan12Features::default()
        .shader_float16(of_1_2.shader_float16 != 0)
        .vulkan_memory_model(of_1_2.vulkan_memory_model != 0)
        .timeline_semaphore(of_1_2.timeline_semaphore != 0);
    let mut of_1_3 = vk::PhysicalDeviceVulkan13Features::default()
        .subgroup_size_control(of_1_3.subgroup_size_control != 0)
        .compute_full_subgroups(of_1_3.compute_full_subgroups != 0)
        .robust_image_access(of_1_3.robust_image_access != 0)
        .shader_zero_initialize_workgroup_memory(of_1_3.shader_zero_initialize_workgroup_memory != 0)
        .shader_integer_dot_product(of_1_3.shader_integer_dot_product != 0)
        .maintenance4(of_1_3.maintenance4 != 0);
    let pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let queues = [vk::DeviceQueueCreateInfo::default().queue_priorities(&[1.0])];
    let mut create = vk::DeviceCreateInfo::default()
        .queue_create_infos(&queues)
        .enabled_extension_names(&pointers)
        .enabled_features(&core)
        .push_next(&mut executable)
        .push_next(&mut of_1_1)
        .push_next(&mut of_1_2)
        .push_next(&mut of_1_3);
    if names.contains(&ash::ext::robustness2::NAME) {
        create = create.push_next(&mut robustness);
    }
    if names.contains(&ash::khr::cooperative_matrix::NAME) {
        create = create.push_next(&mut matrix);
    }
    // SAFETY: the chain has only features that the device reported, of extensions that are enabled.
    unsafe { instance.create_device(physical, &create, None) }.map_err(vulkan("vkCreateDevice"))
}

fn vulkan(call: &'static str) -> impl Fn(vk::Result) -> Error {
    move |code| Error::Vulkan { call, code }
}

/// The text in a fixed array, up to its first zero.
fn text(raw: &[c_char]) -> String {
    let bytes: Vec<u8> = raw.iter().map(|&byte| byte as u8).take_while(|&byte| byte != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
