//! What a network runs on, and how: the same options for every command that runs one.

use std::sync::atomic::Ordering;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use cytoshade::{Builder, ConvKernel, Device, FaultInjection, Isa, PrecisionChoice, cache_folder};

/// What a network runs on, and how.
#[derive(Debug, Args)]
pub(crate) struct BackendArgs {
    /// What to run on
    #[arg(long, value_enum, default_value_t)]
    pub(crate) device: DeviceArg,
    /// Kernel of the 3x3 convolutions on a GPU; without it, the one that suits the device best
    #[arg(long, value_name = "NAME", value_parser = kernel_parser())]
    kernel: Option<ConvKernel>,
    /// What a GPU stores the network's activations in; f16 takes half the memory, and is for GPUs that offer SHADER_F16
    #[arg(long, value_enum, default_value_t)]
    precision: PrecisionArg,
    /// Choose the GPU's kernels of the 3x3 convolutions by a short measurement, layer by layer, and remember the choice
    #[arg(long, conflicts_with = "kernel")]
    tune: bool,
    /// Keep nothing for the next run: what a GPU's driver made of the shaders is otherwise kept in the user's cache
    /// folder, or in the folder that CYTOSHADE_CACHE names
    #[arg(long)]
    no_cache: bool,
    /// The CPU network's instruction set, for tests
    #[arg(long, hide = true)]
    cpu_isa: Option<Isa>,
    /// What shall go wrong on a GPU, for tests
    #[arg(long, hide = true, value_name = "memory=BYTES|hang|lose")]
    inject_fault: Option<FaultArg>,
}

impl BackendArgs {
    /// What the arguments say about a segmenter or a restorer.
    pub(crate) fn apply<T>(&self, builder: Builder<T>) -> Builder<T> {
        let builder = builder.device(self.device.into()).precision(self.precision).tune(self.tune);
        let builder = self.kernel.into_iter().fold(builder, Builder::kernel);
        let builder = cache_folder().filter(|_| !self.no_cache).into_iter().fold(builder, Builder::cache);
        let builder = self
            .inject_fault
            .iter()
            .cloned()
            .fold(builder, |builder, inject_fault| builder.inject_faults(inject_fault.0));
        self.cpu_isa.into_iter().fold(builder, Builder::cpu_isa)
    }
}

/// What shall go wrong on a GPU.
#[derive(Clone, Debug)]
struct FaultArg(FaultInjection);

impl std::str::FromStr for FaultArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut faults = FaultInjection::default();
        match text.split_once('=') {
            Some(("memory", bytes)) => faults.memory = Some(bytes.parse().map_err(|_| "no number of bytes")?),
            None if text == "hang" => faults.hang.store(true, Ordering::Relaxed),
            None if text == "lose" => faults.lose.store(true, Ordering::Relaxed),
            _ => return Err("neither memory=BYTES, hang nor lose"),
        }
        Ok(Self(faults))
    }
}

/// Takes the kernels' names, and lists them in the help.
fn kernel_parser() -> impl TypedValueParser<Value = ConvKernel> {
    PossibleValuesParser::new(ConvKernel::ALL.map(ConvKernel::name)).try_map(|name| name.parse::<ConvKernel>())
}

/// What a GPU stores the network's activations in.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// 4 bytes a value
    #[default]
    F32,
    /// 2 bytes a value; sums are still in f32
    F16,
    /// f16 where the GPU can and a trial finds the same cells as in f32, else f32; remembered for each model and GPU
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

/// What to run on.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum DeviceArg {
    /// A GPU where there is one that works, else the CPU
    #[default]
    Auto,
    /// A GPU, or an error
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
