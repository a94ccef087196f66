//! The features and limits that the shaders require.

use crate::error::{AllMissing, Error, Missing};

/// Optional features that the shaders use; each kernel checks its own.
///
/// Timestamps are for [`crate::Network::profile`].
pub(super) const OPTIONAL: wgpu::Features = wgpu::Features::SHADER_F16
    .union(wgpu::Features::SUBGROUP)
    .union(wgpu::Features::SHADER_INT64)
    .union(wgpu::Features::TIMESTAMP_QUERY)
    .union(wgpu::Features::PIPELINE_CACHE)
    .union(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX);

/// The flags of an adapter and the limits of a device on it that are insufficient for the shaders.
///
/// WebGPU's default limits suffice. A smaller binding limit is no error: work is then split.
pub(super) fn missing(flags: wgpu::DownlevelFlags, limits: &wgpu::Limits) -> Vec<Missing> {
    let needed = wgpu::Limits::defaults();
    let mut missing = Vec::new();
    if !flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS) {
        missing.push(Missing::Feature { name: "COMPUTE_SHADERS" });
    }
    for (name, found, needed) in [
        (
            "maxStorageBuffersPerShaderStage",
            limits.max_storage_buffers_per_shader_stage,
            needed.max_storage_buffers_per_shader_stage,
        ),
        (
            "maxComputeInvocationsPerWorkgroup",
            limits.max_compute_invocations_per_workgroup,
            needed.max_compute_invocations_per_workgroup,
        ),
        ("maxComputeWorkgroupSizeX", limits.max_compute_workgroup_size_x, needed.max_compute_workgroup_size_x),
        (
            "maxComputeWorkgroupStorageSize",
            limits.max_compute_workgroup_storage_size,
            needed.max_compute_workgroup_storage_size,
        ),
    ] {
        if found < needed {
            missing.push(Missing::Limit { name, found: found.into(), needed: needed.into() });
        }
    }
    missing
}

/// The limits to request from an adapter.
///
/// They are WebGPU's defaults, with buffers as large as the adapter allows and no storage buffer larger than
/// `largest_binding` bytes.
///
/// # Errors
/// [`Error::TooWeak`].
pub(super) fn to_request(
    name: &str,
    flags: wgpu::DownlevelFlags,
    adapter: &wgpu::Limits,
    largest_binding: u64,
) -> Result<wgpu::Limits, Error> {
    let defaults = wgpu::Limits::defaults();
    let mut limits = defaults.clone().or_worse_values_from(adapter);
    check(name, flags, &limits)?;
    // The kernel on matrices needs more than the default.
    limits.max_compute_workgroup_storage_size = adapter.max_compute_workgroup_storage_size;
    limits.max_storage_buffer_binding_size = adapter.max_storage_buffer_binding_size;
    limits.max_buffer_size = adapter.max_buffer_size.min(largest_binding.max(defaults.max_buffer_size));
    Ok(restrict(limits, largest_binding))
}

/// Limits with no storage buffer larger than `largest_binding` bytes.
pub(super) fn restrict(mut limits: wgpu::Limits, largest_binding: u64) -> wgpu::Limits {
    // Bindings must be multiples of 4 bytes.
    limits.max_storage_buffer_binding_size = limits.max_storage_buffer_binding_size.min(largest_binding) & !3;
    limits
}

/// Fails if an adapter or device is insufficient for the shaders.
///
/// # Errors
/// [`Error::TooWeak`] with everything that is missing.
pub(super) fn check(name: &str, flags: wgpu::DownlevelFlags, limits: &wgpu::Limits) -> Result<(), Error> {
    let missing = missing(flags, limits);
    if missing.is_empty() { Ok(()) } else { Err(Error::TooWeak { adapter: name.into(), missing: AllMissing(missing) }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: wgpu::DownlevelFlags = wgpu::DownlevelFlags::all();

    #[test]
    fn buffers_are_as_large_as_the_adapter_and_the_caller_allow() {
        let mut adapter = wgpu::Limits::defaults();
        adapter.max_storage_buffer_binding_size = 1 << 31;
        adapter.max_buffer_size = 1 << 32;
        let granted = to_request("", FLAGS, &adapter, u64::MAX).unwrap();
        assert_eq!((granted.max_storage_buffer_binding_size, granted.max_buffer_size), (1 << 31, 1 << 32));
        let granted = to_request("", FLAGS, &adapter, (1 << 20) + 3).unwrap();
        assert_eq!(granted.max_storage_buffer_binding_size, 1 << 20);
    }

    #[test]
    fn the_error_lists_all_that_is_missing() {
        let mut adapter = wgpu::Limits::defaults();
        adapter.max_storage_buffers_per_shader_stage = 4;
        adapter.max_compute_workgroup_size_x = 128;
        let flags = FLAGS.difference(wgpu::DownlevelFlags::COMPUTE_SHADERS);
        let error = to_request("weak", flags, &adapter, u64::MAX).unwrap_err();
        assert_eq!(
            error.to_string(),
            "weak grants less than the shaders need: COMPUTE_SHADERS is missing, \
             maxStorageBuffersPerShaderStage is 4 (needed: 8), maxComputeWorkgroupSizeX is 128 (needed: 256); \
             use another adapter, or the CPU"
        );
        assert_eq!(check("", FLAGS, &wgpu::Limits::defaults()), Ok(()));
    }
}
