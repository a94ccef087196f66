//! Which adapters there are, and which one to take.

use crate::Error;

/// The backends that run compute shaders well. OpenGL is left out: its software adapters hide behind other kinds, and
/// wherever it has compute shaders one of the others is there too.
const BACKENDS: wgpu::Backends = wgpu::Backends::VULKAN
    .union(wgpu::Backends::METAL)
    .union(wgpu::Backends::DX12)
    .union(wgpu::Backends::BROWSER_WEBGPU);

/// What an adapter is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AdapterKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the processor's memory.
    Integrated,
    /// A GPU lent to a virtual machine.
    Virtual,
    /// A program on the processor: Mesa's llvmpipe, SwiftShader, WARP. For tests.
    Software,
    /// Unknown, as browsers do not tell; not known to be software.
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

    /// Whether shaders take so long to compile that what they do is better left to the CPU, and done by few of them where
    /// it is not. A browser's software adapter (SwiftShader) takes up to seconds for one.
    pub(crate) fn compiles_slowly(self, browser: bool) -> bool {
        browser && self == AdapterKind::Software
    }

    /// Lower is better.
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

/// The limits of an adapter that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdapterLimits {
    /// Bytes of a buffer.
    pub buffer: u64,
    /// Bytes of a buffer that a shader sees at once.
    pub storage_binding: u64,
    /// Storage buffers that a shader sees at once.
    pub storage_buffers: u32,
    /// Bytes of workgroup memory.
    pub workgroup_memory: u32,
    /// Invocations of a workgroup.
    pub invocations: u32,
}

/// An adapter that could run the shaders.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AdapterInfo {
    /// Name of the hardware, as the driver gives it; `unnamed adapter` where it gives none, as in a browser.
    pub name: String,
    /// What it is made of.
    pub kind: AdapterKind,
    /// The programming interface: `vulkan`, `metal`, `dx12` or `webgpu`.
    pub backend: String,
    /// Name and version of the driver; empty in a browser.
    pub driver: String,
    /// Optional features that it has, under wgpu's names, of those that the shaders use or will use.
    pub offers: Vec<&'static str>,
    /// Its limits.
    pub limits: AdapterLimits,
    /// Whether [`Choice::Hardware`] takes this one.
    pub auto: bool,
}

/// Which adapter to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best that is not software.
    #[default]
    Hardware,
    /// A software adapter.
    Software,
    /// The best there is, software last.
    Any,
    /// The first whose name contains this, in any case.
    Named(String),
}

impl Choice {
    /// The adapters that suit, best first. Takes plain capabilities so that it can be tested without any adapter.
    fn order(&self, adapters: &[(&str, AdapterKind)]) -> Vec<usize> {
        let suits = |&(name, kind): &(&str, AdapterKind)| match self {
            Choice::Hardware => kind != AdapterKind::Software,
            Choice::Software => kind == AdapterKind::Software,
            Choice::Any => true,
            Choice::Named(part) => name.to_ascii_lowercase().contains(&part.to_ascii_lowercase()),
        };
        // Not sorted: a browser would load a sort for its one adapter.
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

/// Every adapter that could run the shaders, the one that [`Choice::Hardware`] takes marked. A browser shows one at
/// most.
pub async fn adapters() -> Vec<AdapterInfo> {
    let adapters = enumerate(false).await;
    let mut infos: Vec<AdapterInfo> = adapters.iter().map(info).collect();
    if let Some(&auto) = order(&Choice::Hardware, &infos).first() {
        infos[auto].auto = true;
    }
    infos
}

/// The adapters that suit a choice, best first, and what they are.
pub(crate) async fn candidates(choice: &Choice) -> Result<Vec<(wgpu::Adapter, AdapterInfo)>, Error> {
    let adapters = enumerate(*choice == Choice::Software).await;
    let mut infos: Vec<AdapterInfo> = adapters.iter().map(info).collect();
    if let Some(&auto) = order(&Choice::Hardware, &infos).first() {
        infos[auto].auto = true;
    }
    let order = order(choice, &infos);
    if order.is_empty() {
        let names: Vec<String> = infos.iter().map(|info| format!("{} ({})", info.name, info.kind)).collect();
        let found = if names.is_empty() { "none at all".into() } else { names.join(", ") };
        return Err(Error::NoAdapter { wanted: choice.name(), found });
    }
    Ok(order.into_iter().map(|at| (adapters[at].clone(), infos[at].clone())).collect())
}

fn order(choice: &Choice, infos: &[AdapterInfo]) -> Vec<usize> {
    let capabilities: Vec<(&str, AdapterKind)> = infos.iter().map(|info| (info.name.as_str(), info.kind)).collect();
    choice.order(&capabilities)
}

async fn enumerate(fallback: bool) -> Vec<wgpu::Adapter> {
    // A browser has no environment to read.
    let mut descriptor = if cfg!(target_arch = "wasm32") {
        wgpu::InstanceDescriptor::new_without_display_handle()
    } else {
        wgpu::InstanceDescriptor::new_without_display_handle_from_env()
    };
    descriptor.backends = BACKENDS;
    let instance = wgpu::Instance::new(descriptor);
    if cfg!(target_arch = "wasm32") {
        // A browser gives one adapter, and a software one only to those who ask for it.
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            force_fallback_adapter: fallback,
            ..wgpu::RequestAdapterOptions::default()
        };
        return instance.request_adapter(&options).await.into_iter().collect();
    }
    instance.enumerate_adapters(BACKENDS).await
}

fn info(adapter: &wgpu::Adapter) -> AdapterInfo {
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
        // Browsers keep it to themselves.
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
    fn hardware_is_never_software_and_the_best_comes_first() {
        assert_eq!(Choice::Hardware.order(&MACHINE), [2, 1]);
        assert_eq!(Choice::Hardware.order(&MACHINE[..1]), [] as [usize; 0]);
        assert_eq!(Choice::Hardware.order(&[("", AdapterKind::Other)]), [0], "a browser's adapter counts as hardware");
    }

    #[test]
    fn software_is_what_was_asked_for_and_any_takes_it_last() {
        assert_eq!(Choice::Software.order(&MACHINE), [0, 3]);
        assert_eq!(Choice::Software.order(&MACHINE[1..3]), [] as [usize; 0]);
        assert_eq!(Choice::Any.order(&MACHINE), [2, 1, 0, 3]);
    }

    #[test]
    fn a_browsers_software_adapter_alone_compiles_slowly() {
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
