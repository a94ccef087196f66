//! Lists the adapters of this machine and chooses one.

use crate::error::Error;

/// The backends with good compute shaders.
///
/// OpenGL is excluded: it does not report which adapters are software, and every machine with OpenGL compute shaders
/// also has another backend.
const BACKENDS: wgpu::Backends = wgpu::Backends::VULKAN
    .union(wgpu::Backends::METAL)
    .union(wgpu::Backends::DX12)
    .union(wgpu::Backends::BROWSER_WEBGPU);

/// The kind of hardware behind an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdapterKind {
    /// A discrete GPU with its own memory.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU of a virtual machine.
    Virtual,
    /// A program on the processor: Mesa's llvmpipe, SwiftShader, WARP. Meant for tests.
    Software,
    /// Unknown, but not software. Browsers report no kind.
    Other,
}

impl AdapterKind {
    /// The kind's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            AdapterKind::Discrete => "discrete",
            AdapterKind::Integrated => "integrated",
            AdapterKind::Virtual => "virtual",
            AdapterKind::Software => "software",
            AdapterKind::Other => "other",
        }
    }

    fn from_wgpu(kind: wgpu::DeviceType) -> Self {
        match kind {
            wgpu::DeviceType::DiscreteGpu => AdapterKind::Discrete,
            wgpu::DeviceType::IntegratedGpu => AdapterKind::Integrated,
            wgpu::DeviceType::VirtualGpu => AdapterKind::Virtual,
            wgpu::DeviceType::Cpu => AdapterKind::Software,
            wgpu::DeviceType::Other => AdapterKind::Other,
        }
    }

    /// Whether shaders compile so slowly that only the network should run here, with few pipelines.
    ///
    /// A browser's software adapter (SwiftShader) takes up to seconds per shader.
    pub(crate) fn compiles_slowly(self, browser: bool) -> bool {
        browser && self == AdapterKind::Software
    }

    /// The order of preference; lower is better.
    fn rank(self) -> u8 {
        match self {
            AdapterKind::Discrete => 0,
            AdapterKind::Integrated => 1,
            AdapterKind::Virtual => 2,
            AdapterKind::Other => 3,
            AdapterKind::Software => 4,
        }
    }
}

impl std::fmt::Display for AdapterKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The limits of an adapter that affect the shaders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterLimits {
    /// Bytes of a buffer.
    pub buffer: u64,
    /// Bytes of a storage buffer binding.
    pub storage_binding: u64,
    /// Storage buffers per shader.
    pub storage_buffers: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Invocations per workgroup.
    pub invocations: u32,
}

/// An adapter that may run the shaders.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdapterInfo {
    /// Name of the hardware from the driver; `unnamed adapter` without one, as in a browser.
    pub name: String,
    /// The kind of hardware.
    pub kind: AdapterKind,
    /// The programming interface: `vulkan`, `metal`, `dx12` or `webgpu`.
    pub backend: String,
    /// Name and version of the driver; empty in a browser.
    pub driver: String,
    /// The adapter's optional features that the shaders use, under wgpu's names.
    pub offers: Vec<&'static str>,
    /// The adapter's limits.
    pub limits: AdapterLimits,
    /// Whether [`Choice::Hardware`] chooses this adapter.
    pub auto: bool,
}

/// Selects an adapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best adapter that is not software.
    #[default]
    Hardware,
    /// A software adapter.
    Software,
    /// The best adapter; software only if there is no other.
    Any,
    /// The best adapter whose name contains this text, ignoring case.
    Named(String),
}

impl Choice {
    /// The indices of the matching adapters, best first. Takes names and kinds, for tests without adapters.
    fn order(&self, adapters: &[(&str, AdapterKind)]) -> Vec<usize> {
        let suits = |&(name, kind): &(&str, AdapterKind)| match self {
            Choice::Hardware => kind != AdapterKind::Software,
            Choice::Software => kind == AdapterKind::Software,
            Choice::Any => true,
            Choice::Named(part) => name.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
        };
        // Not a sort: it would add code to the browser build, which has a single adapter.
        let of_rank = |rank| (0..adapters.len()).filter(move |&at| adapters[at].1.rank() == rank);
        (0..=AdapterKind::Software.rank()).flat_map(of_rank).filter(|&at| suits(&adapters[at])).collect()
    }

    fn name(&self) -> String {
        match self {
            Choice::Hardware => "GPU".into(),
            Choice::Software => "software adapter (such as Mesa's llvmpipe)".into(),
            Choice::Any => "adapter".into(),
            Choice::Named(part) => format!("adapter with {part:?} in its name"),
        }
    }
}

/// Lists every adapter that may run the shaders, at most one in a browser.
///
/// Marks the choice of [`Choice::Hardware`].
pub async fn adapters() -> Vec<AdapterInfo> {
    list(false).await.into_iter().map(|(_, info)| info).collect()
}

/// The adapters that match a choice, best first.
///
/// # Errors
/// [`Error::NoAdapter`].
pub(super) async fn candidates(choice: &Choice) -> Result<Vec<(wgpu::Adapter, AdapterInfo)>, Error> {
    let adapters = list(*choice == Choice::Software).await;
    let order = order(choice, &adapters);
    if order.is_empty() {
        let names: Vec<String> = adapters.iter().map(|(_, info)| format!("{} ({})", info.name, info.kind)).collect();
        let found = if names.is_empty() { "none".into() } else { names.join(", ") };
        return Err(Error::NoAdapter { wanted: choice.name(), found });
    }
    Ok(order.into_iter().map(|at| adapters[at].clone()).collect())
}

/// Every adapter, with the choice of [`Choice::Hardware`] marked.
async fn list(fallback: bool) -> Vec<(wgpu::Adapter, AdapterInfo)> {
    let mut adapters = Vec::new();
    for adapter in enumerate(fallback).await {
        let info = info(&adapter);
        adapters.push((adapter, info));
    }
    if let Some(&auto) = order(&Choice::Hardware, &adapters).first() {
        adapters[auto].1.auto = true;
    }
    adapters
}

fn order(choice: &Choice, adapters: &[(wgpu::Adapter, AdapterInfo)]) -> Vec<usize> {
    let kinds: Vec<_> = adapters.iter().map(|(_, info)| (info.name.as_str(), info.kind)).collect();
    choice.order(&kinds)
}

/// `fallback` requests a browser's software adapter.
async fn enumerate(fallback: bool) -> Vec<wgpu::Adapter> {
    // A browser has no environment variables.
    let mut descriptor = if cfg!(target_arch = "wasm32") {
        wgpu::InstanceDescriptor::new_without_display_handle()
    } else {
        wgpu::InstanceDescriptor::new_without_display_handle_from_env()
    };
    descriptor.backends = BACKENDS;
    let instance = wgpu::Instance::new(descriptor);
    if cfg!(target_arch = "wasm32") {
        // A browser returns one adapter, and a software adapter only on request.
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            force_fallback_adapter: fallback,
            ..wgpu::RequestAdapterOptions::default()
        };
        return instance.request_adapter(&options).await.into_iter().collect();
    }
    instance.enumerate_adapters(BACKENDS).await
}

/// The description of an adapter, not marked as the choice of [`Choice::Hardware`].
pub(super) fn info(adapter: &wgpu::Adapter) -> AdapterInfo {
    let found = adapter.get_info();
    let limits = adapter.limits();
    let features = adapter.features();
    let offers = [
        ("SHADER_F16", wgpu::Features::SHADER_F16),
        ("SHADER_INT64", wgpu::Features::SHADER_INT64),
        ("SUBGROUP", wgpu::Features::SUBGROUP),
        ("TIMESTAMP_QUERY", wgpu::Features::TIMESTAMP_QUERY),
        ("PIPELINE_CACHE", wgpu::Features::PIPELINE_CACHE),
        ("EXPERIMENTAL_COOPERATIVE_MATRIX", wgpu::Features::EXPERIMENTAL_COOPERATIVE_MATRIX),
    ];
    AdapterInfo {
        name: if found.name.is_empty() { "unnamed adapter".into() } else { found.name },
        kind: AdapterKind::from_wgpu(found.device_type),
        backend: found.backend.to_string(),
        driver: format!("{} {}", found.driver, found.driver_info).trim().into(),
        offers: offers.into_iter().filter(|&(_, feature)| features.contains(feature)).map(|(name, _)| name).collect(),
        limits: AdapterLimits {
            buffer: limits.max_buffer_size,
            storage_binding: limits.max_storage_buffer_binding_size,
            storage_buffers: limits.max_storage_buffers_per_shader_stage,
            workgroup_memory: limits.max_compute_workgroup_storage_size,
            invocations: limits.max_compute_invocations_per_workgroup,
        },
        auto: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: [(&str, AdapterKind); 4] = [
        ("llvmpipe", AdapterKind::Software),
        ("Iris", AdapterKind::Integrated),
        ("GeForce", AdapterKind::Discrete),
        ("SwiftShader", AdapterKind::Software),
    ];

    #[test]
    fn hardware_excludes_software_and_the_best_comes_first() {
        assert_eq!(Choice::Hardware.order(&MACHINE), [2, 1]);
        assert_eq!(Choice::Hardware.order(&MACHINE[..1]), [] as [usize; 0]);
        assert_eq!(Choice::Hardware.order(&[("", AdapterKind::Other)]), [0], "a browser's adapter counts as hardware");
    }

    #[test]
    fn software_is_taken_on_request_and_last_by_any() {
        assert_eq!(Choice::Software.order(&MACHINE), [0, 3]);
        assert_eq!(Choice::Software.order(&MACHINE[1..3]), [] as [usize; 0]);
        assert_eq!(Choice::Any.order(&MACHINE), [2, 1, 0, 3]);
    }

    #[test]
    fn only_a_browsers_software_adapter_compiles_slowly() {
        for kind in [AdapterKind::Discrete, AdapterKind::Integrated, AdapterKind::Virtual, AdapterKind::Other] {
            assert!(!kind.compiles_slowly(true) && !kind.compiles_slowly(false), "{kind}");
        }
        assert!(AdapterKind::Software.compiles_slowly(true));
        assert!(!AdapterKind::Software.compiles_slowly(false), "llvmpipe takes milliseconds");
    }

    #[test]
    fn a_name_is_found_in_any_case() {
        assert_eq!(Choice::Named("PIPE".into()).order(&MACHINE), [0]);
        assert_eq!(Choice::Named("radeon".into()).order(&MACHINE), [] as [usize; 0]);
    }
}
