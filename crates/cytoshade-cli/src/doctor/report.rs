//! The report on a machine.

use std::path::Path;
use std::time::Duration;

use cytoshade::{
    AdapterInfo, CheckOutcome, DeviceInfo, Isa, ModelDirs, ModelFile, Published, SelfTest, SelfTestCheck, adapters,
    cache_folder,
};
use cytoshade_formats::machine_memory;
use serde::Serialize;

use super::advice::advice;
use super::places::PathRedactor;
use crate::hash;

/// The report. It has no private names unless they are asked for.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: &'static str,
    system: String,
    pub(super) memory_bytes: Option<u64>,
    pub(super) threads: usize,
    /// The instruction sets of the CPU, the fastest first.
    pub(super) instruction_sets: Vec<String>,
    pub(super) adapters: Vec<Adapter>,
    pub(super) model_folders: Vec<ModelFolder>,
    cache: Option<Cache>,
    pub(super) tests: Vec<Test>,
    pub(super) advice: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Adapter {
    pub(super) name: String,
    pub(super) kind: &'static str,
    backend: String,
    driver: String,
    pub(super) features: Vec<&'static str>,
    buffer_bytes: u64,
    binding_bytes: u64,
    storage_buffers: u32,
    workgroup_memory_bytes: u32,
    invocations: u32,
    /// True if `--device auto` selects it.
    pub(super) auto: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct ModelFolder {
    path: String,
    exists: bool,
    pub(super) models: Vec<Model>,
}

#[derive(Debug, Serialize)]
pub(super) struct Model {
    pub(super) name: String,
    bytes: u64,
    sha256: Option<String>,
    /// Whether the file is the published model of its name; `None` for other files, and if no hash is known.
    pub(super) is_published: Option<bool>,
}

#[derive(Debug, Serialize)]
struct Cache {
    path: String,
    files: usize,
    bytes: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Test {
    pub(super) device: String,
    pub(super) checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    /// `agrees`, `differs`, `failed` or `skipped`.
    pub(super) outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    milliseconds: f64,
}

impl Report {
    pub(super) fn new(places: &PathRedactor, tests: Vec<SelfTest>) -> Self {
        let mut report = Self {
            version: env!("CARGO_PKG_VERSION"),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            memory_bytes: machine_memory(),
            threads: rayon::current_num_threads(),
            instruction_sets: Isa::available().iter().map(ToString::to_string).collect(),
            adapters: adapters().into_iter().map(Adapter::from).collect(),
            model_folders: model_folders(places),
            cache: cache_folder().map(|path| Cache::new(places, &path)),
            tests: tests.into_iter().map(|test| Test::new(places, test)).collect(),
            advice: Vec::new(),
        };
        report.advice = advice(&report);
        report
    }

    /// True if no check differs or failed.
    pub(super) fn has_passed(&self) -> bool {
        self.tests.iter().flat_map(|test| &test.checks).all(Check::is_passed)
    }

    pub(super) fn text(&self) -> String {
        let mut lines = vec![format!("cytoshade {} on {}", self.version, self.system)];
        let memory = self.memory_bytes.map(|bytes| format!(", {} MiB of memory", bytes >> 20)).unwrap_or_default();
        lines.push(format!("CPU: {}, {} threads{memory}", self.instruction_sets.join(", "), self.threads));
        lines.extend(self.adapters.iter().flat_map(Adapter::lines));
        for folder in &self.model_folders {
            lines.push(format!("models in {}{}", folder.path, if folder.exists { "" } else { ": no such folder" }));
            lines.extend(folder.models.iter().map(Model::line));
        }
        if let Some(Cache { path, files, bytes }) = &self.cache {
            lines.push(format!("cache {path}: {files} files, {} KiB", bytes >> 10));
        }
        for test in &self.tests {
            lines.push(format!("self-test of {}", test.device));
            lines.extend(test.checks.iter().map(Check::line));
        }
        lines.push("advice".into());
        lines.extend(self.advice.iter().map(|sentence| format!("  {sentence}")));
        lines.join("\n")
    }
}

impl From<AdapterInfo> for Adapter {
    fn from(AdapterInfo { name, kind, backend, driver, offers, limits, auto, .. }: AdapterInfo) -> Self {
        Self {
            name,
            kind: kind.name(),
            backend,
            driver,
            features: offers,
            buffer_bytes: limits.buffer,
            binding_bytes: limits.storage_binding,
            storage_buffers: limits.storage_buffers,
            workgroup_memory_bytes: limits.workgroup_memory,
            invocations: limits.invocations,
            auto,
        }
    }
}

impl Adapter {
    fn lines(&self) -> [String; 3] {
        let Self { name, kind, backend, driver, features, .. } = self;
        let features = if features.is_empty() { "none".into() } else { features.join(", ") };
        [
            format!("adapter {name}: {kind}, {backend}, driver {driver}"),
            format!("  optional features: {features}"),
            format!(
                "  buffers up to {} MiB, bindings up to {} MiB, {} storage buffers, {} KiB workgroup memory, {} \
                 invocations per workgroup",
                self.buffer_bytes >> 20,
                self.binding_bytes >> 20,
                self.storage_buffers,
                self.workgroup_memory_bytes >> 10,
                self.invocations
            ),
        ]
    }
}

fn model_folders(places: &PathRedactor) -> Vec<ModelFolder> {
    let folders = ModelDirs::from_env();
    let files = folders.list();
    let known = [
        (&folders.own, "CYTOSHADE_MODELS", "cytoshade/models"),
        (&folders.cellpose, "CELLPOSE_LOCAL_MODELS_PATH", ".cellpose/models"),
    ];
    let folder = |(path, variable, own): (&Option<std::path::PathBuf>, &str, &str)| {
        let path = path.as_ref()?;
        let models = files.iter().filter(|file| file.folder == *path).map(|file| Model::new(places, file)).collect();
        Some(ModelFolder { path: places.folder(path, variable, own), exists: path.is_dir(), models })
    };
    known.into_iter().filter_map(folder).collect()
}

impl Model {
    fn new(places: &PathRedactor, file: &ModelFile) -> Self {
        let sha256 = hash::of_files([file.path.as_path()]).ok();
        let expected = file.published.and_then(|published| published.sha256);
        Self {
            name: file.published.map_or_else(|| places.own_name(&file.name), |published| published.name.into()),
            bytes: file.bytes,
            is_published: expected.and_then(|expected| Some(sha256? == expected)),
            sha256: sha256.map(|hash| hash.to_string()),
        }
    }

    fn line(&self) -> String {
        let published = self.sha256.as_ref().and_then(|hash| Published::with_hash(hash.parse().ok()?));
        let remark = match (self.is_published, published) {
            (_, Some(published)) => format!(", the published {}", published.name),
            (Some(false), None) => ", not the published model of this name".into(),
            _ => String::new(),
        };
        let hash = self.sha256.as_deref().unwrap_or("unreadable");
        format!("  {} ({} bytes, SHA-256 {hash}{remark})", self.name, self.bytes)
    }
}

impl Cache {
    fn new(places: &PathRedactor, path: &Path) -> Self {
        let files = std::fs::read_dir(path).into_iter().flatten().flatten();
        let sizes: Vec<u64> = files.filter_map(|file| Some(file.metadata().ok()?.len())).collect();
        let path = places.folder(path, "CYTOSHADE_CACHE", "cytoshade/gpu");
        Self { path, files: sizes.len(), bytes: sizes.iter().sum() }
    }
}

impl Test {
    fn new(places: &PathRedactor, SelfTest { device, checks, .. }: SelfTest) -> Self {
        let device = match device {
            DeviceInfo::Gpu(adapter) => adapter.name,
            cpu => cpu.to_string(),
        };
        Self { device, checks: checks.into_iter().map(|check| Check::new(places, check)).collect() }
    }
}

impl Check {
    fn new(places: &PathRedactor, SelfTestCheck { name, outcome, time, .. }: SelfTestCheck) -> Self {
        let milliseconds = |time: Duration| time.as_micros() as f64 / 1000.0;
        let (outcome, numbers, reason) = match outcome {
            CheckOutcome::Agrees { error, allowed } => ("agrees", Some((error, allowed)), None),
            CheckOutcome::Differs { error, allowed } => ("differs", Some((error, allowed)), None),
            CheckOutcome::Skipped(reason) => ("skipped", None, Some(reason)),
            CheckOutcome::Failed(error) => ("failed", None, Some(places.error(&error))),
            _ => ("unknown", None, None),
        };
        let (error, allowed) = (numbers.map(|(error, _)| error), numbers.map(|(_, allowed)| allowed));
        Self { name, outcome, error, allowed, reason, milliseconds: milliseconds(time) }
    }

    pub(super) fn is_passed(&self) -> bool {
        matches!(self.outcome, "agrees" | "skipped")
    }

    fn line(&self) -> String {
        let Self { name, outcome, error, allowed, reason, milliseconds } = self;
        let numbers = error.zip(*allowed).map(|(error, allowed)| format!(", error {error:.1e} of {allowed:.1e}"));
        let detail = reason.as_ref().map(|reason| format!(": {reason}")).or(numbers).unwrap_or_default();
        format!("  {name:<24} {outcome}{detail} ({milliseconds:.0} ms)")
    }
}

#[cfg(test)]
impl Report {
    /// A report on a machine with one adapter and one check.
    pub(super) fn example(adapter: Option<AdapterInfo>, outcome: CheckOutcome) -> Self {
        let places = PathRedactor::from_env(false);
        let mut report = Self::new(&places, Vec::new());
        report.adapters = adapter.into_iter().map(Adapter::from).collect();
        report.model_folders.iter_mut().for_each(|folder| folder.models.clear());
        let check = Check {
            name: "network gemm f32".into(),
            outcome: match outcome {
                CheckOutcome::Agrees { .. } => "agrees",
                _ => "differs",
            },
            error: None,
            allowed: None,
            reason: None,
            milliseconds: 0.0,
        };
        report.tests = vec![Test { device: "a GPU".into(), checks: vec![check] }];
        report
    }
}
