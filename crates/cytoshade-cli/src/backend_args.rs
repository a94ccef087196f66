//! The device of a network and its settings: options shared by all commands that run a network.

use std::sync::atomic::Ordering;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use cytoshade::{Builder, ConvKernel, Device, Error, FaultInjection, Isa, PrecisionChoice, cache_folder};

use crate::report::warn;

/// The device of a network and its settings.
#[derive(Debug, Args)]
pub(crate) struct BackendArgs {
    /// Device that runs the network
    #[arg(long, value_enum, default_value_t)]
    pub(crate) device: DeviceArg,
    /// Kernel of the 3x3 convolutions on a GPU; default: chosen for the device
    #[arg(long, value_name = "NAME", value_parser = kernel_parser())]
    kernel: Option<ConvKernel>,
    /// Format of the activations on a GPU; f16 halves the memory and requires SHADER_F16
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionArg,
    /// Measure the GPU's kernels for each 3x3 convolution, use the fastest and cache the choice
    #[arg(long, conflicts_with = "kernel")]
    tune: bool,
    /// Do not cache compiled shaders and kernel choices. The cache is in the folder CYTOSHADE_CACHE, by default in the
    /// user's cache folder
    #[arg(long)]
    no_cache: bool,
    /// Instruction set of the CPU network, for tests
    #[arg(long, hide = true)]
    cpu_isa: Option<Isa>,
    /// Fault to inject on a GPU, for tests
    #[arg(long, hide = true, value_name = FaultArg::VALUES)]
    inject_fault: Option<FaultArg>,
}

impl BackendArgs {
    /// The value of `--precision`, which decides about the labels.
    pub(crate) fn precision_name(&self) -> Option<String> {
        self.precision.to_possible_value().map(|value| value.get_name().to_owned())
    }

    /// Configures the builder of a segmenter or a restorer.
    pub(crate) fn apply<T>(&self, builder: Builder<T>) -> Builder<T> {
        let builder = builder.device(self.device.into()).precision(self.precision).tune(self.tune);
        let builder = self.kernel.into_iter().fold(builder, Builder::kernel);
        let builder = cache_folder().filter(|_| !self.no_cache).into_iter().fold(builder, Builder::cache);
        let builder = self.inject_fault.iter().fold(builder, |builder, fault| fault.apply(builder));
        self.cpu_isa.into_iter().fold(builder, Builder::cpu_isa)
    }
}

/// Prints the GPUs that were passed over, since they compute wrong results.
pub(crate) fn warn_refused(refused: &[Error]) {
    refused.iter().for_each(warn);
}

/// A fault to inject on a GPU.
#[derive(Clone, Debug)]
pub(crate) struct FaultArg(FaultInjection);

impl FaultArg {
    pub(crate) const VALUES: &str = "memory=BYTES|hang|lose|nothing|wrong";

    /// Configures the builder of a segmenter or a restorer.
    pub(crate) fn apply<T>(&self, builder: Builder<T>) -> Builder<T> {
        builder.inject_faults(self.0.clone())
    }
}

impl std::str::FromStr for FaultArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut faults = FaultInjection::default();
        match text.split_once('=') {
            Some(("memory", bytes)) => faults.memory = Some(bytes.parse().map_err(|_| "expected memory=BYTES")?),
            None if text == "hang" => faults.hang.store(true, Ordering::Relaxed),
            None if text == "lose" => faults.lose.store(true, Ordering::Relaxed),
            None if text == "nothing" => faults = FaultInjection::computes_nothing(),
            None if text == "wrong" => faults = FaultInjection::computes_wrongly(),
            _ => return Err("expected memory=BYTES, hang, lose, nothing or wrong"),
        }
        Ok(Self(faults))
    }
}

/// Parses the name of a kernel. The help lists the names.
fn kernel_parser() -> impl TypedValueParser<Value = ConvKernel> {
    PossibleValuesParser::new(ConvKernel::ALL.map(ConvKernel::name)).try_map(|name| name.parse::<ConvKernel>())
}

/// The format of the activations on a GPU.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// 4 bytes per value
    #[default]
    F32,
    /// 2 bytes per value; sums are in f32
    F16,
    /// f16 if the GPU supports it and a trial finds the same cells as f32, else f32; cached for each model and GPU
    Auto,
}

impl From<PrecisionArg> for PrecisionChoice {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => PrecisionChoice::F32,
            PrecisionArg::F16 => PrecisionChoice::F16,
            PrecisionArg::Auto => PrecisionChoice::Auto,
        }
    }
}

/// The device that runs the network.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum DeviceArg {
    /// A GPU if a working one is found, else the CPU
    #[default]
    Auto,
    /// A GPU; fails if none is found
    Gpu,
    /// The CPU
    Cpu,
    /// A software adapter, for tests
    Software,
}

impl From<DeviceArg> for Device {
    fn from(device: DeviceArg) -> Self {
        match device {
            DeviceArg::Auto => Device::Auto,
            DeviceArg::Gpu => Device::Gpu,
            DeviceArg::Cpu => Device::Cpu,
            DeviceArg::Software => Device::Software,
        }
    }
}
