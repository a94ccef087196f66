//! Stage `network`.

use cytoshade_gpu::{Batch, Choice, Error, Gpu, Network, memory};
use libtest_mimic::Failed;
use pollster::block_on;

use crate::Test;
use crate::agree::{both_ways, l2_within};
use crate::fixtures::{Case, cases, floats};
use crate::random::Random;
use crate::reference::cpnet;

/// Relative L2 error that is allowed: the parity measure of the project for f32.
const LIMIT: f64 = 2e-6;

pub(crate) fn tests() -> Vec<Test> {
    let mut tests = vec![
        Test::new("network: random networks", random_networks),
        Test::new("network: wrong weights are seen", wrong_weights_are_seen),
        Test::new("network: sizes in turn share the buffers", sizes_in_turn),
        Test::new("network: threads share a network", threads_share_a_network),
        Test::new("network: small limits split the batch and refuse what does not fit", small_limits),
        Test::new("network: silly tiles are refused", silly_tiles),
        Test::new("network: a blank style is zero", blank_style),
    ];
    for case in cases("network") {
        let missing = !case.complete();
        tests.push(
            Test::new(format!("network: fixture {}", case.name()), move |gpu| fixture(gpu, &case)).missing(missing),
        );
    }
    tests
}

/// What the network should give, and what its layout is.
struct Expected {
    outputs: Vec<f64>,
    styles: Vec<f64>,
}

impl Expected {
    fn of(network: &cytoshade_core::Network, tiles: &[f32], height: usize, width: usize) -> Self {
        let mut expected = Self { outputs: Vec::new(), styles: Vec::new() };
        for tile in tiles.chunks(network.shape().inputs() * height * width) {
            let (output, style) = cpnet(network, tile, height, width);
            expected.outputs.extend(output);
            expected.styles.extend(style);
        }
        expected
    }

    fn compare(&self, batch: &Batch) -> Result<(), String> {
        l2_within("outputs", &batch.outputs, &self.outputs, LIMIT)?;
        l2_within("styles", &batch.styles, &self.styles, LIMIT)
    }

    fn compare_both_ways(&self, batch: &Batch, width: usize) -> Result<(), Failed> {
        both_ways(
            batch,
            |batch| self.compare(batch),
            &[
                ("all outputs off by 4e-6", &|b: &mut Batch| b.outputs.iter_mut().for_each(|v| *v *= 1.0 + 4e-6)),
                ("one output off", &|b| b.outputs[0] += 0.1),
                ("outputs moved by a row", &|b| b.outputs.rotate_left(width)),
                ("all styles off by 4e-6", &|b| b.styles.iter_mut().for_each(|v| *v *= 1.0 + 4e-6)),
                ("one style off", &|b| b.styles[0] += 1e-3),
                ("NaN", &|b| b.outputs[3] = f32::NAN),
                ("a missing value", &|b| b.outputs.truncate(b.outputs.len() - 1)),
            ],
        )
    }
}

fn random_networks(gpu: &Gpu) -> Result<(), Failed> {
    // Channel counts that are and are not multiples of 4, one level and more, sides that are and are not multiples of
    // the shaders' blocks, one tile and several.
    let shapes: [(&[usize], usize, usize, usize, usize); 8] = [
        (&[1, 4], 1, 1, 8, 8),
        (&[2, 5], 3, 3, 9, 7),
        (&[1, 1, 2], 2, 2, 2, 2),
        (&[2, 5, 7], 3, 1, 10, 26),
        (&[3, 8, 6, 9], 4, 3, 12, 20),
        (&[2, 4, 8, 16, 32], 3, 1, 24, 40),
        (&[2, 13, 3, 18, 7], 3, 2, 32, 16),
        (&[5, 20, 4, 33], 7, 1, 36, 44),
    ];
    let mut random = Random(1);
    for (nbase, nout, count, height, width) in shapes {
        let weights = random.network(nbase, nout);
        let tiles = random.vector(count * nbase[0] * height * width, -1.0, 2.0);
        let batch = run(gpu, &weights, &tiles, count, height, width)?;
        let at =
            |failed: Failed| format!("{nbase:?}, {count} x {height} x {width}: {}", failed.message().unwrap_or(""));
        Expected::of(&weights, &tiles, height, width).compare_both_ways(&batch, width).map_err(at)?;
    }
    Ok(())
}

fn run(
    gpu: &Gpu,
    weights: &cytoshade_core::Network,
    tiles: &[f32],
    count: usize,
    height: usize,
    width: usize,
) -> Result<Batch, Error> {
    block_on(async { Network::new(gpu, weights).await?.run(tiles, count, height, width).await })
}

/// The network's own twin: two networks that differ in one number must differ by more than the limit.
fn wrong_weights_are_seen(gpu: &Gpu) -> Result<(), Failed> {
    let (right, wrong) = (Random(7).network(&[2, 6, 9], 3), Random(8).network(&[2, 6, 9], 3));
    let tiles = Random(9).vector(2 * 12 * 20, 0.0, 1.0);
    let batch = run(gpu, &right, &tiles, 1, 12, 20)?;
    Expected::of(&right, &tiles, 12, 20).compare(&batch)?;
    if Expected::of(&wrong, &tiles, 12, 20).compare(&batch).is_ok() {
        return Err("another network's output is not seen".into());
    }
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let weights =
        cytoshade_model::load(&std::fs::read(case.input("model"))?, &cytoshade_model::LoadOptions::default())?;
    let (sides, tiles) = floats(&case.input("x"));
    let [count, _, height, width] = sides[..] else { return Err("the tiles have not four sides".into()) };
    let batch = run(gpu, &weights, &tiles, count, height, width)?;
    let wide = |name: &str| match case.expected(name) {
        Some(path) => floats(&path).1.into_iter().map(f64::from).collect(),
        None => Vec::new(),
    };
    Expected { outputs: wide("y"), styles: wide("style") }.compare_both_ways(&batch, width)
}

/// Buffers outlive a run: what an earlier one left there must not matter.
fn sizes_in_turn(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(3);
    let weights = random.network(&[2, 5, 7], 3);
    let network = block_on(Network::new(gpu, &weights))?;
    for (count, height, width) in [(1, 8, 12), (3, 8, 12), (2, 8, 12), (1, 16, 6), (4, 6, 16), (1, 8, 12)] {
        let tiles = random.vector(count * 2 * height * width, -1.0, 1.0);
        let batch = block_on(network.run(&tiles, count, height, width))?;
        Expected::of(&weights, &tiles, height, width).compare(&batch)?;
    }
    assert_eq!(block_on(network.run(&[], 0, 8, 12))?, Batch::default());
    Ok(())
}

fn threads_share_a_network(gpu: &Gpu) -> Result<(), Failed> {
    let weights = Random(4).network(&[2, 5, 7], 3);
    let network = block_on(Network::new(gpu, &weights))?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|seed| {
                let (network, weights) = (&network, &weights);
                scope.spawn(move || {
                    // Two sizes, so that buffers are also replaced while others use them.
                    let (height, width) = if seed % 2 == 0 { (8, 12) } else { (12, 8) };
                    for round in 0..4 {
                        let tiles = Random(100 * seed + round).vector(2 * 2 * height * width, -1.0, 1.0);
                        let batch = block_on(network.run(&tiles, 2, height, width)).map_err(|e| e.to_string())?;
                        Expected::of(weights, &tiles, height, width).compare(&batch)?;
                    }
                    Ok(())
                })
            })
            .collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked".to_owned())?)
    })
    .map_err(|e: String| e.into())
}

fn small_limits(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(5);
    let weights = random.network(&[2, 5, 7], 3);
    // The largest tensor of a tile has 8 padded channels: 8 * 16 * 24 * 4 bytes are room for one, and twice that for two.
    let one = 8 * 16 * 24 * 4;
    let tiles = random.vector(5 * 2 * 16 * 24, -1.0, 1.0);
    let expected = Expected::of(&weights, &tiles, 16, 24);
    for (bytes, most) in [(one, 1), (2 * one, 2), (4 * one + 8, 4)] {
        let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), bytes))?;
        let network = block_on(Network::new(&small, &weights))?;
        assert_eq!(network.max_batch(16, 24), most);
        expected.compare(&block_on(network.run(&tiles, 5, 16, 24))?)?;
        let error = block_on(network.run(&[0.0; 2 * 64 * 64], 1, 64, 64)).err().ok_or("it fitted")?;
        assert!(matches!(error, Error::Limit { limit: "maxStorageBufferBindingSize", .. }), "{error}");
        assert_eq!(network.max_batch(64, 64), 0);
    }
    Ok(())
}

fn silly_tiles(gpu: &Gpu) -> Result<(), Failed> {
    let network = block_on(Network::new(gpu, &Random(6).network(&[2, 4, 4], 3)))?;
    for (height, width) in [(0, 8), (8, 0), (7, 8), (8, 9)] {
        let error = block_on(network.run(&vec![0.0; 2 * height * width], 1, height, width)).err().ok_or("it ran")?;
        assert_eq!(error, Error::TileSize { height, width, multiple: 2 });
    }
    for (found, count) in [(127, 1), (129, 1), (128, 2), (0, usize::MAX)] {
        let error = block_on(network.run(&vec![0.0; found], count, 8, 8)).err().ok_or("it ran")?;
        assert_eq!(error, Error::Length { what: "tiles", found, expected: 128_usize.saturating_mul(count) });
    }
    // The network is none the worse for it.
    assert_eq!(block_on(network.run(&[0.0; 128], 1, 8, 8))?.outputs.len(), 3 * 64);
    assert!(memory(network.plan(), 1, 8, 8) > 0 && network.dispatches() > 20);
    Ok(())
}

/// Every convolution of the way down gives zero: no norm to divide by.
fn blank_style(gpu: &Gpu) -> Result<(), Failed> {
    use cytoshade_core::{BatchNorm, Conv, Network as Weights};
    let weights = Random(10).network(&[2, 4, 8], 3);
    let shape = weights.shape().clone();
    let mut convs = weights.convs().to_vec();
    for (conv, layer) in convs.iter_mut().zip(shape.convs()).take(5 * shape.levels()) {
        let zeros = |count: usize| vec![0.0; count];
        let norm = BatchNorm {
            weight: zeros(layer.inputs),
            bias: zeros(layer.inputs),
            mean: zeros(layer.inputs),
            var: zeros(layer.inputs),
        };
        *conv = Conv::new(&layer, &norm, zeros(conv.weight().len()), zeros(layer.outputs))?;
    }
    let weights = Weights::new(shape, convs, weights.linears().to_vec(), 30.0, 30.0)?;
    let batch = run(gpu, &weights, &[1.0; 2 * 4 * 4], 1, 4, 4)?;
    assert_eq!(batch.styles, [0.0; 8]);
    assert!(batch.outputs.iter().all(|value| value.is_finite()));
    Ok(())
}
