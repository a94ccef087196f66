//! Measures the CPU network's convolutions, level by level.
//!
//! Unlike criterion it also runs under WebAssembly (`cargo xtask wasm --bench`), on one thread as in a browser's
//! worker.
//!
//! Each level is measured as a network of that level alone: eight 3x3 convolutions, two 1x1 shortcuts, and little else.
//! Operations are counted as for direct convolutions, though Winograd needs only a quarter of the products.

use std::time::{Duration, Instant};

use cytoshade_benches::{FULL_WIDTH, network, tiles};
use cytoshade_cpu::network::{Isa, Network};

/// The minimum time for a level.
const LONG_ENOUGH: Duration = Duration::from_secs(2);

/// The fastest run on a tile, in nominal GFLOP/s.
fn throughput(isa: Isa, nbase: &[usize], side: usize) -> Option<f64> {
    let weights = network(nbase);
    let tile = tiles(&weights, 1, side, side);
    let ours = Network::with_isa(&weights, isa)?;
    let mut fastest = Duration::MAX;
    let start = Instant::now();
    while start.elapsed() < LONG_ENOUGH {
        let run = Instant::now();
        ours.run(&tile, 1, side, side, &mut |_| Ok(())).ok()?;
        fastest = fastest.min(run.elapsed());
    }
    Some(weights.plan().float_operations(side, side) as f64 / fastest.as_secs_f64() / 1e9)
}

fn main() {
    let levels = [(32, 224), (64, 112), (128, 56), (256, 28)];
    let [inputs, ..] = FULL_WIDTH;
    println!("threads: {}; nominal GFLOP/s, the fastest run of each", cytoshade_cpu::threads());
    println!(
        "| | published network, {inputs} x 224 x 224 | {} |",
        levels.map(|(channels, side)| format!("{channels} x {side} x {side}")).join(" | ")
    );
    println!("|{}", "---|".repeat(levels.len() + 2));
    for isa in Isa::available() {
        let figures = [throughput(isa, &FULL_WIDTH, 224)]
            .into_iter()
            .chain(levels.map(|(channels, side)| throughput(isa, &[channels, channels], side)))
            .map(|figure| figure.map_or("failed".into(), |figure| format!("{figure:.1}")));
        println!("| {isa} | {} |", figures.collect::<Vec<_>>().join(" | "));
    }
}
