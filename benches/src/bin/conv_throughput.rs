//! Measures the 3x3 convolutions of the published network on a GPU, layer by layer.
//!
//! Prints a Markdown table that compares every kernel of the family with a plain tiled one and with the device's own
//! ceilings. Like `gpu_throughput` it needs only a Vulkan loader, so that it can be copied to a machine with a GPU.
//!
//!     cargo build --release -p cytoshade-benches --bin conv_throughput
//!     conv_throughput [--software] [--tiles N] [--rounds N] [--precision f32|f16]
//!
//! Every kernel's outputs are compared with the CPU's before it is timed. Then all alternate, and the shortest time of
//! each layer counts, by the device's own clock.

use cytoshade_benches::arguments::Arguments;
use cytoshade_benches::ceilings::Ceilings;
use cytoshade_benches::plain::{Plain, convolution_3x3};
use cytoshade_benches::{FULL_WIDTH, network, tiles};
use cytoshade_core::{Convolution, Network as Weights, StepCost};
use cytoshade_cpu::network::Network as CpuNetwork;
use cytoshade_gpu::{Choice, ConvKernel, Gpu, Layer, Network, Options, Precision, tune};
use pollster::block_on;

type Failure = Box<dyn std::error::Error>;

/// Side of a tile.
const SIDE: usize = 224;

/// A kernel to measure.
enum Subject<'a> {
    Plain(Box<Plain<'a>>),
    Family(ConvKernel, Box<Network>),
}

impl Subject<'_> {
    fn name(&self) -> &'static str {
        match self {
            Subject::Plain(_) => "plain tiled",
            Subject::Family(kernel, _) => kernel.name(),
        }
    }

    /// Seconds of each 3x3 convolution.
    fn seconds(&self, bench: &Bench<'_>) -> Result<Vec<f64>, Failure> {
        match self {
            Subject::Plain(plain) => Ok(plain.seconds()),
            Subject::Family(_, network) => {
                let times = block_on(network.profile(&bench.input, bench.tiles, SIDE, SIDE))?;
                // Packing comes before the steps.
                let steps = network.plan().operations().iter().zip(times.into_iter().skip(1));
                Ok(steps.filter(|(step, _)| convolution_3x3(step).is_some()).map(|(_, time)| time.seconds).collect())
            }
        }
    }
}

/// The inputs of all kernels, and the expected outputs.
struct Bench<'a> {
    gpu: &'a Gpu,
    weights: &'a Weights,
    tiles: usize,
    input: Vec<f32>,
    expected: Vec<f32>,
}

impl<'a> Bench<'a> {
    fn new(gpu: &'a Gpu, weights: &'a Weights, count: usize) -> Self {
        let input = tiles(weights, count, SIDE, SIDE);
        let expected = CpuNetwork::new(weights).run(&input, count, SIDE, SIDE, &mut |_| Ok(()));
        let expected = expected.expect("the CPU runs the published width").outputs;
        Self { gpu, weights, tiles: count, input, expected }
    }

    /// The kernels that run on the device, each checked.
    fn subjects(&self, precision: Precision) -> Result<Vec<Subject<'a>>, Failure> {
        let plain = Plain::new(self.gpu, self.weights, precision, self.tiles, SIDE);
        check("plain tiled", precision, plain.error())?;
        let mut subjects = vec![Subject::Plain(Box::new(plain))];
        for kernel in ConvKernel::ALL {
            let options = Options { kernel: Some(kernel), precision };
            match block_on(Network::with(self.gpu, self.weights, options)) {
                Ok(network) => {
                    let found = block_on(network.run(&self.input, self.tiles, SIDE, SIDE))?.outputs;
                    check(kernel.name(), precision, tune::distance(&found, &self.expected))?;
                    subjects.push(Subject::Family(kernel, Box::new(network)));
                }
                Err(error) => println!("{kernel} {}: {error}", precision.name()),
            }
        }
        Ok(subjects)
    }
}

/// Fails if a kernel's outputs differ from the expected ones.
fn check(name: &str, precision: Precision, error: f64) -> Result<(), Failure> {
    println!("{name} {}: relative L2 error {error:.1e}", precision.name());
    if error <= tune::allowed(precision) {
        Ok(())
    } else {
        Err(format!("the outputs of {name} differ from those of the CPU").into())
    }
}

/// The layers of one shape, with the average cost of one of them.
struct Shape {
    name: String,
    /// Indices of the 3x3 convolutions of this shape.
    members: Vec<usize>,
    operations: f64,
    /// Operations of the products of Winograd.
    filtered: f64,
    bytes: f64,
    default: ConvKernel,
}

/// The shapes of a network's 3x3 convolutions.
fn shapes(bench: &Bench<'_>, precision: Precision) -> Vec<Shape> {
    let plan = bench.weights.plan();
    let counts = [bench.tiles, SIDE, SIDE];
    let costs = StepCost::all(plan, |_| "", counts, precision.bytes(), 4);
    let steps = plan.operations().iter().zip(costs.into_iter().skip(1));
    let steps = steps.filter_map(|(step, cost)| Some((convolution_3x3(step)?, cost)));
    let mut shapes: Vec<Shape> = Vec::new();
    for (at, (&Convolution { source, shortcut, target, .. }, cost)) in steps.enumerate() {
        let block = shortcut.map_or(0, |shortcut| plan[shortcut.source].channels());
        let name = cost.name.trim();
        if let Some(shape) = shapes.iter_mut().find(|shape| shape.name == name) {
            let count = shape.members.len() as f64;
            shape.bytes = (shape.bytes * count + cost.bytes as f64) / (count + 1.0);
            shape.members.push(at);
            continue;
        }
        let (inputs, outputs) = (plan[source].channels(), plan[target].channels());
        let (height, width) = plan[target].size(SIDE, SIDE);
        let patches = bench.tiles * height.div_ceil(4) * width.div_ceil(4);
        shapes.push(Shape {
            name: name.into(),
            members: vec![at],
            operations: cost.operations as f64,
            filtered: (2 * 36 * patches * (inputs + block) * outputs) as f64,
            bytes: cost.bytes as f64,
            default: ConvKernel::choose(
                bench.gpu.capabilities(),
                &Layer { inputs, outputs, shortcut: block, precision },
            )
            .0,
        });
    }
    shapes
}

/// One line of the table: a kernel on the layers of a shape.
struct Figure {
    name: &'static str,
    kernel: Option<ConvKernel>,
    seconds: f64,
}

fn main() -> Result<(), Failure> {
    let Arguments { software, tiles, rounds, precisions, .. } = Arguments::read()?;
    let gpu = block_on(Gpu::open(if software { Choice::Software } else { Choice::Hardware }))?;
    let info = gpu.info();
    println!("{} ({}, {}; driver {})", info.name, info.kind, info.backend, info.driver);
    println!("capabilities: {:?}; batches of {tiles} tiles of {SIDE} x {SIDE}; {rounds} rounds", gpu.capabilities());
    let weights = network(&FULL_WIDTH);
    let bench = Bench::new(&gpu, &weights, tiles);
    for precision in precisions {
        if precision == Precision::F16 && !gpu.capabilities().f16 {
            println!("f16: not supported by the device");
            continue;
        }
        let subjects = bench.subjects(precision)?;
        let mut ceilings = Ceilings::measure(&gpu);
        let mut least: Vec<Vec<f64>> = Vec::new();
        for _ in 0..rounds {
            for (at, subject) in subjects.iter().enumerate() {
                let seconds = subject.seconds(&bench)?;
                match least.get_mut(at) {
                    None => least.push(seconds),
                    Some(least) => least.iter_mut().zip(seconds).for_each(|(least, again)| *least = least.min(again)),
                }
            }
            ceilings = ceilings.max(Ceilings::measure(&gpu));
        }
        print(precision, &shapes(&bench, precision), &subjects, &least, &ceilings);
    }
    Ok(())
}

fn print(precision: Precision, shapes: &[Shape], subjects: &[Subject<'_>], least: &[Vec<f64>], ceilings: &Ceilings) {
    println!("\n## {}\n\nCeilings: {ceilings}.\n", precision.name());
    println!("| layer | GFLOP | MB | kernel | ms | GFLOP/s | of products | GB/s | share | x plain | x best |");
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let (mut worst_plain, mut worst_best) = (f64::INFINITY, f64::INFINITY);
    for shape in shapes {
        let mean =
            |least: &Vec<f64>| shape.members.iter().map(|&at| least[at]).sum::<f64>() / shape.members.len() as f64;
        let figures: Vec<Figure> = subjects
            .iter()
            .zip(least)
            .map(|(subject, least)| Figure {
                name: subject.name(),
                kernel: match subject {
                    Subject::Plain(_) => None,
                    Subject::Family(kernel, _) => Some(*kernel),
                },
                seconds: mean(least),
            })
            .collect();
        let plain = figures[0].seconds;
        let best = figures.iter().map(|figure| figure.seconds).fold(f64::INFINITY, f64::min);
        for (at, figure) in figures.iter().enumerate() {
            let default = figure.kernel == Some(shape.default);
            if default {
                worst_plain = worst_plain.min(plain / figure.seconds);
                worst_best = worst_best.min(best / figure.seconds);
            }
            // Only the first line of a shape names it.
            let head = match at {
                0 => format!(
                    "{} x {} | {:.3} | {:.2}",
                    shape.members.len(),
                    shape.name,
                    shape.operations / 1e9,
                    shape.bytes / 1e6
                ),
                _ => " | | ".into(),
            };
            println!("| {head} | {} |", line(shape, figure, default, ceilings, plain, best));
        }
    }
    for (subject, least) in subjects.iter().zip(least) {
        println!("\nAll layers, {}: {:.2} ms.", subject.name(), least.iter().sum::<f64>() * 1e3);
    }
    println!("\nThe default (*) is at least {worst_plain:.2} x plain tiled and {worst_best:.2} x the best.");
}

fn line(shape: &Shape, figure: &Figure, default: bool, ceilings: &Ceilings, plain: f64, best: f64) -> String {
    let Figure { name, kernel, seconds } = figure;
    let products = if *kernel == Some(ConvKernel::Winograd) { shape.filtered } else { shape.operations };
    let ceiling = match kernel {
        Some(ConvKernel::Matrix) => ceilings.matrices.unwrap_or(ceilings.operations),
        _ => ceilings.operations,
    };
    let share = (products / seconds / ceiling).max(shape.bytes / seconds / ceilings.bytes);
    format!(
        "{name}{} | {:.3} | {:.1} | {:.1} | {:.2} | {:.0} % | {:.2} | {:.2}",
        if default { " *" } else { "" },
        seconds * 1e3,
        shape.operations / seconds / 1e9,
        products / seconds / 1e9,
        shape.bytes / seconds / 1e9,
        100.0 * share,
        plain / seconds,
        best / seconds,
    )
}
