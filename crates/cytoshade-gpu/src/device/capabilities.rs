//! The capabilities of a device as plain numbers, to test the choice of kernels without a GPU.

use super::adapter::{AdapterInfo, AdapterKind};

/// The capabilities of a device that decide which kernels run on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether the device is a software adapter.
    pub software: bool,
    /// Whether shaders can store f16.
    pub f16: bool,
    /// Whether shaders have 64-bit integers.
    pub int64: bool,
    /// Minimum and maximum subgroup size; `None` without subgroup operations.
    pub subgroups: Option<(u32, u32)>,
    /// The sides of the subgroup matrices that multiply f16 into f32.
    pub matrices: Vec<u32>,
    /// The size of the subgroups in shaders on matrices; `None` without matrices, or if the driver's choice is unknown.
    pub matrix_subgroup: Option<u32>,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Bytes of the largest storage buffer binding.
    pub binding: u64,
}

impl Capabilities {
    /// Whether convolutions read and write values of f32 in pairs, as 64-bit integers.
    ///
    /// A CPU gathers the values of a subgroup one by one, and 64 bits take as long as 32.
    pub fn pairs(&self) -> bool {
        self.software && self.int64
    }

    /// Whether an invocation has so few registers that kernels should sum fewer values, as on Intel's and Arm's GPUs.
    ///
    /// Those GPUs have subgroups of 16 or fewer. A driver that reports no range has the widest one. False in browsers.
    pub(crate) fn has_few_registers(&self) -> bool {
        cfg!(not(target_arch = "wasm32")) && !self.software && matches!(self.subgroups, Some((..=16, ..=32)))
    }

    /// The capabilities of a device opened with these features and limits.
    pub(super) fn new(
        adapter: &wgpu::Adapter,
        info: &AdapterInfo,
        features: wgpu::Features,
        limits: &wgpu::Limits,
    ) -> Self {
        let found = adapter.get_info();
        let has = |feature| features.contains(feature);
        let matrices = if has(wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX) {
            matrices(&adapter.cooperative_matrix_properties())
        } else {
            Vec::new()
        };
        // wgpu reports the widest range for Metal; all of Apple's GPUs with matrices have subgroups of 32.
        let subgroup = if found.backend == wgpu::Backend::Metal && !matrices.is_empty() {
            (32, 32)
        } else {
            (found.subgroup_min_size, found.subgroup_max_size)
        };
        let matrix_subgroup = (!matrices.is_empty() && subgroup.0 == subgroup.1).then_some(subgroup.0);
        Self {
            software: info.kind == AdapterKind::Software,
            f16: has(wgpu::Features::SHADER_F16),
            int64: has(wgpu::Features::SHADER_INT64),
            subgroups: has(wgpu::Features::SUBGROUP).then_some(subgroup),
            matrices,
            matrix_subgroup,
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            binding: limits.max_storage_buffer_binding_size.min(limits.max_buffer_size),
        }
    }
}

/// The sides of the square matrices that multiply f16 into f32.
fn matrices(found: &[wgpu::CooperativeMatrixProperties]) -> Vec<u32> {
    use wgpu::CooperativeScalarType::{F16, F32};
    let suits = |p: &&wgpu::CooperativeMatrixProperties| {
        (p.m_size, p.n_size) == (p.k_size, p.k_size) && (p.ab_type, p.cr_type) == (F16, F32)
    };
    found.iter().filter(suits).map(|p| p.k_size).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_in_pairs_on_software_adapters_with_64_bit_integers() {
        let llvmpipe = Capabilities { software: true, int64: true, ..Capabilities::default() };
        assert!(llvmpipe.pairs());
        assert!(!Capabilities { int64: false, ..llvmpipe.clone() }.pairs());
        assert!(!Capabilities { software: false, ..llvmpipe }.pairs());
    }

    #[test]
    fn gpus_with_small_subgroups_have_few_registers() {
        for (name, subgroups, few) in [
            ("Arc", Some((8, 32)), true),
            ("Battlemage", Some((16, 32)), true),
            ("Mali", Some((16, 16)), true),
            ("Ada", Some((32, 32)), false),
            ("RDNA", Some((32, 64)), false),
            ("unknown range", Some((4, 128)), false),
            ("browser", None, false),
        ] {
            let capabilities = Capabilities { subgroups, ..Capabilities::default() };
            assert_eq!(capabilities.has_few_registers(), few, "{name}");
        }
        let llvmpipe = Capabilities { software: true, subgroups: Some((8, 8)), ..Capabilities::default() };
        assert!(!llvmpipe.has_few_registers());
    }
}
