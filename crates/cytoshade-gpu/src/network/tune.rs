//! Measures which kernel is fastest for each convolution of a network on a device.

use std::collections::BTreeMap;

use cytoshade_core::{ConvId, Convolution, Network as Weights, Operation, Span};
use cytoshade_shaders::Precision;

use super::{Network, Options};
use crate::device::Gpu;
use crate::error::Error;
use crate::operators::conv3x3::ConvKernel;

/// The kernel of each 3x3 convolution.
pub type KernelChoices = BTreeMap<ConvId, ConvKernel>;

/// Minimum speedup over the default for another kernel: less could be chance.
const GAIN: f64 = 1.05;

/// The time limit of a measurement's repetitions in seconds.
const LONG: f64 = 0.5;

/// Maximum number of repetitions; the fastest counts.
const REPEATS: usize = 5;

/// The measurements of a network with given kernels.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The kernel of each convolution, and its time in seconds.
    pub convs: BTreeMap<ConvId, (ConvKernel, f64)>,
    /// The relative L2 error of the outputs against those of the default kernels.
    pub error: f64,
}

/// Chooses the fastest kernel of each convolution, or the default if no other is clearly faster.
///
/// `measured` begins with the default kernels. A kernel whose error exceeds `allowed` is never chosen.
pub fn choose(measured: &[Measured], allowed: f64) -> KernelChoices {
    let Some((default, others)) = measured.split_first() else { return KernelChoices::new() };
    let fastest = |(&conv, &(kernel, seconds)): (&ConvId, &(ConvKernel, f64))| {
        let others = others.iter().filter(|other| other.error <= allowed).filter_map(|other| other.convs.get(&conv));
        let best = others.copied().min_by(|a, b| a.1.total_cmp(&b.1)).filter(|best| best.1 * GAIN < seconds);
        (conv, best.map_or(kernel, |(kernel, _)| kernel))
    };
    default.convs.iter().map(fastest).collect()
}

/// The allowed error of one kernel against another.
///
/// Twice the allowed error of each kernel, Winograd included, against the exact result.
pub fn allowed(precision: Precision) -> f64 {
    match precision {
        Precision::F32 => 2e-5,
        Precision::F16 => 2e-3,
    }
}

/// Measures every kernel that applies, on tiles of noise, and chooses the kernel of each convolution.
///
/// This takes seconds, mostly for pipelines that are not used afterwards.
///
/// # Errors
/// Errors of the device with the default kernels; another kernel that fails is skipped.
pub async fn tune(gpu: &Gpu, weights: &Weights, precision: Precision) -> Result<KernelChoices, Error> {
    let options = Options { kernel: None, precision };
    let tiles = Tiles::new(gpu, weights);
    let (default, expected) = tiles.measure(gpu, weights, options, &KernelChoices::new(), None).await?;
    let mut measured = vec![default];
    for kernel in ConvKernel::ALL {
        let kernel_choices: KernelChoices = measured[0].convs.keys().map(|&conv| (conv, kernel)).collect();
        // Layers that a kernel declines run with the default: measuring only those adds no information.
        if let Ok((found, _)) = tiles.measure(gpu, weights, options, &kernel_choices, Some(&expected)).await
            && found.convs.iter().any(|(conv, (kernel, _))| measured[0].convs.get(conv).is_some_and(|d| d.0 != *kernel))
        {
            measured.push(found);
        }
    }
    Ok(choose(&measured, allowed(precision)))
}

/// The tiles for measurements.
struct Tiles {
    values: Vec<f32>,
    count: usize,
    side: usize,
}

impl Tiles {
    fn new(gpu: &Gpu, weights: &Weights) -> Self {
        // Hardware needs many tiles to be busy; software is slow enough with part of one.
        let (count, side) = if gpu.capabilities().software { (1, 112) } else { (8, 224) };
        let side = usize::next_multiple_of(side, weights.description().tile.multiple);
        let mut state = 1u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 24) as f32
        };
        let values = count * weights.description().inputs * side * side;
        Self { values: (0..values).map(|_| noise()).collect(), count, side }
    }

    /// Measures a network and the error of its outputs against `expected`. Also returns the outputs.
    async fn measure(
        &self,
        gpu: &Gpu,
        weights: &Weights,
        options: Options,
        kernel_choices: &KernelChoices,
        expected: Option<&[f32]>,
    ) -> Result<(Measured, Vec<f32>), Error> {
        let network = Network::with_kernel_choices(gpu, weights, options, kernel_choices).await?;
        let Self { values, count, side } = self;
        let outputs = network.run(values, *count, *side, *side).await?.outputs;
        let error = expected.map_or(0.0, |expected| distance(&outputs, expected));
        let mut convs = BTreeMap::new();
        let mut spent = 0.0;
        for _ in 0..REPEATS {
            let seconds = self.times(&network).await?;
            spent += seconds.iter().sum::<f64>();
            for (operation, seconds) in network.plan().operations().iter().zip(seconds) {
                if let Operation::Convolution(Convolution { weights: conv, .. }) = operation
                    && let Some(kernel) = network.kernel_of(*conv)
                {
                    let least = convs.entry(*conv).or_insert((kernel, seconds));
                    least.1 = least.1.min(seconds);
                }
            }
            if spent > LONG {
                break;
            }
        }
        Ok((Measured { convs, error }, outputs))
    }

    /// The seconds of each step of the plan.
    ///
    /// Without timestamps, each step gets an equal share of the total, so that the total decides.
    async fn times(&self, network: &Network) -> Result<Vec<f64>, Error> {
        let Self { values, count, side } = self;
        match network.profile(values, *count, *side, *side).await {
            // Packing comes before the steps.
            Ok(steps) => Ok(steps.into_iter().skip(1).map(|step| step.seconds).collect()),
            Err(Error::NoTimestamps { .. }) => {
                let whole = Span::begin("tune");
                network.run(values, *count, *side, *side).await?;
                let steps = network.plan().operations().len();
                Ok(vec![whole.end().time.as_secs_f64() / steps as f64; steps])
            }
            Err(error) => Err(error),
        }
    }
}

/// The relative L2 error; infinite if a value is not finite.
pub fn distance(found: &[f32], expected: &[f32]) -> f64 {
    let square = |value: f32| f64::from(value).powi(2);
    let difference: f64 = found.iter().zip(expected).map(|(&a, &b)| square(a - b)).sum();
    let norm: f64 = expected.iter().map(|&b| square(b)).sum();
    let error = (difference / norm.max(f64::MIN_POSITIVE)).sqrt();
    if error.is_finite() && found.len() == expected.len() { error } else { f64::INFINITY }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConvKernel::{Broadcast, Direct, Gemm};

    fn measured(error: f64, convs: [(ConvKernel, f64); 2]) -> Measured {
        Measured { error, convs: BTreeMap::from([(ConvId::new(3), convs[0]), (ConvId::new(5), convs[1])]) }
    }

    fn choices(third: ConvKernel, fifth: ConvKernel) -> KernelChoices {
        KernelChoices::from([(ConvId::new(3), third), (ConvId::new(5), fifth)])
    }

    #[test]
    fn each_convolution_gets_its_fastest_kernel() {
        let default = measured(0.0, [(Gemm, 1.0), (Gemm, 1.0)]);
        let all = [
            default,
            measured(1e-6, [(Direct, 2.0), (Direct, 0.8)]),
            measured(0.0, [(Broadcast, 0.9), (Broadcast, 0.7)]),
        ];
        assert_eq!(choose(&all, 1e-5), choices(Broadcast, Broadcast));
        assert_eq!(choose(&all[..2], 1e-5), choices(Gemm, Direct));
        assert_eq!(choose(&all[..1], 1e-5), choices(Gemm, Gemm));
        assert_eq!(choose(&[], 1e-5), KernelChoices::new());
    }

    #[test]
    fn a_kernel_that_is_hardly_faster_or_wrong_is_not_taken() {
        let default = measured(0.0, [(Gemm, 1.0), (Gemm, 1.0)]);
        let kept = choices(Gemm, Gemm);
        let with = |other| choose(&[default.clone(), other], 1e-5);
        assert_eq!(with(measured(0.0, [(Direct, 0.96), (Direct, 1.0)])), kept, "chance");
        assert_eq!(with(measured(1e-4, [(Direct, 0.1), (Direct, 0.1)])), kept, "wrong");
        for error in [f64::NAN, f64::INFINITY] {
            assert_eq!(with(measured(error, [(Direct, 0.1), (Direct, 0.1)])), kept);
        }
        assert_eq!(with(measured(0.0, [(Direct, f64::NAN), (Direct, 0.5)])), choices(Gemm, Direct));
    }

    #[test]
    fn outputs_that_are_not_finite_are_infinitely_wrong() {
        assert_eq!(distance(&[1.0, 2.0], &[1.0, 2.0]), 0.0);
        assert!((distance(&[1.0, 2.2], &[1.0, 2.0]) - 0.2 / 5f64.sqrt()).abs() < 1e-6);
        assert_eq!(distance(&[f32::NAN, 2.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(distance(&[1.0], &[1.0, 2.0]), f64::INFINITY);
    }
}
