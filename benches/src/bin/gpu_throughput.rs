//! Measures the network on a GPU, kernel by kernel.
//!
//! It needs only a Vulkan loader, neither a model file nor the repository, so that it can be copied to a machine with a
//! GPU.
//!
//!     cargo build --release -p cytoshade-benches --bin gpu_throughput
//!     gpu_throughput [--software] [--tiles N] [--rounds N] [--kernel NAME] [--precision f32|f16] [--steps]
//!
//! `benches/pytorch_throughput.py` measures PyTorch on the same machine.

use std::time::Instant;

use cytoshade_benches::arguments::Arguments;
use cytoshade_benches::ceilings::Ceilings;
use cytoshade_benches::{FULL_WIDTH, network, tiles};
use cytoshade_gpu::{Choice, Gpu, Network, Options, StepTime};
use pollster::block_on;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments = Arguments::read()?;
    let choice = if arguments.software { Choice::Software } else { Choice::Hardware };
    let gpu = block_on(Gpu::open(choice))?;
    let info = gpu.info();
    println!("{} ({}, {}; driver {})", info.name, info.kind, info.backend, info.driver);
    println!("capabilities: {:?}", gpu.capabilities());
    let ceilings = Ceilings::measure(&gpu);
    println!("ceilings: {ceilings}");

    let weights = network(&FULL_WIDTH);
    let input = tiles(&weights, arguments.tiles, 224, 224);
    let operations = weights.plan().float_operations(224, 224) as f64;
    println!("one tile of 224 x 224: {:.2} GFLOP; batches of {} tiles", operations / 1e9, arguments.tiles);
    for &precision in &arguments.precisions {
        for &kernel in &arguments.kernels {
            let options = Options { kernel: Some(kernel), precision };
            let label = format!("{kernel} {}", precision.name());
            let begin = Instant::now();
            let network = match block_on(Network::with(&gpu, &weights, options)) {
                Ok(network) => network,
                Err(error) => {
                    println!("{label}: {error}");
                    continue;
                }
            };
            let built = begin.elapsed().as_secs_f64();
            let run = || block_on(network.run(&input, arguments.tiles, 224, 224));
            run()?;
            let mut times = Vec::new();
            for _ in 0..arguments.rounds {
                let begin = Instant::now();
                run()?;
                times.push(begin.elapsed().as_secs_f64());
            }
            times.sort_by(f64::total_cmp);
            let wall = times[times.len() / 2] / arguments.tiles as f64;
            let steps = fastest(&network, &input, &arguments)?;
            let device = steps.iter().map(|step| step.seconds).sum::<f64>() / arguments.tiles as f64;
            println!(
                "{label}: {:.3} ms a tile with transfers, {:.3} ms on the device = {:.1} tiles/s, {:.1} GFLOP/s, {:.0} % \
                 of the f32 ceiling; built in {built:.2} s",
                wall * 1e3,
                device * 1e3,
                1.0 / device,
                operations / device / 1e9,
                100.0 * operations / device / ceilings.operations
            );
            if arguments.steps {
                print_steps(&steps, &ceilings);
            }
        }
    }
    Ok(())
}

/// Each step's fastest time.
fn fastest(network: &Network, input: &[f32], arguments: &Arguments) -> Result<Vec<StepTime>, cytoshade_gpu::Error> {
    let profile = || block_on(network.profile(input, arguments.tiles, 224, 224));
    let mut steps = profile()?;
    for _ in 1..arguments.rounds.min(5) {
        for (step, again) in steps.iter_mut().zip(profile()?) {
            step.seconds = step.seconds.min(again.seconds);
        }
    }
    Ok(steps)
}

fn print_steps(steps: &[StepTime], ceilings: &Ceilings) {
    for step in steps {
        println!(
            "    {:9.4} ms {:8.1} GFLOP/s ({:3.0} %) {:7.1} GB/s ({:3.0} %)  {}",
            step.seconds * 1e3,
            step.operations as f64 / step.seconds / 1e9,
            100.0 * step.operations as f64 / step.seconds / ceilings.operations,
            step.bytes as f64 / step.seconds / 1e9,
            100.0 * step.bytes as f64 / step.seconds / ceilings.bytes,
            step.name
        );
    }
}
