//! Stage `network` against the reference: its fixtures, and its formulas written down once more in f64.

mod reference;

use std::path::{Path, PathBuf};

use cytoshade_core::{BatchNorm, Conv, ConvShape, Linear, Network as Weights, Shape};
use cytoshade_cpu::Error;
use cytoshade_cpu::network::{Batch, Isa, Network};
use libtest_mimic::{Arguments, Failed, Trial};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use reference::{CPnet, StateDict};

/// Relative L2 error that is allowed: the parity measure of the project for f32.
const LIMIT: f64 = 2e-6;

fn main() {
    let mut trials = vec![
        Trial::test("silly tiles are refused", silly_tiles_are_refused),
        Trial::test("the portable path is always there", the_portable_path_is_always_there),
        Trial::test("a run can be stopped and goes on afterwards", a_run_can_be_stopped),
        Trial::test("a blank style is zero", a_blank_style_is_zero),
        Trial::test("NaN is not hidden", nan_is_not_hidden),
    ];
    for isa in [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Portable] {
        let on = |name: &str, test: fn(Isa) -> Result<(), Failed>| {
            let missing = !Isa::available().contains(&isa);
            Trial::test(format!("{isa:?}: {name}"), move || test(isa)).with_ignored_flag(missing)
        };
        trials.push(on("random networks", random_networks));
        trials.push(on("every width of a row", every_width_of_a_row));
        trials.push(on("the number of threads changes nothing", threads_change_nothing));
        for case in cases() {
            let missing = !Isa::available().contains(&isa) || !case.model.exists();
            let name = format!("{isa:?}: fixture {}", case.name);
            trials.push(Trial::test(name, move || case.check(isa)).with_ignored_flag(missing));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

/// Holds both the outputs and the style vectors of a batch to the limit.
fn compare(found: &Batch, outputs: &[f64], styles: &[f64]) -> Result<(), String> {
    for (what, found, expected) in [("outputs", &found.outputs, outputs), ("styles", &found.styles, styles)] {
        if found.len() != expected.len() {
            return Err(format!("{} values of {what}, expected {}", found.len(), expected.len()));
        }
        let square = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>();
        let error = square(&mut found.iter().zip(expected).map(|(&a, b)| f64::from(a) - b));
        let error = (error / square(&mut expected.iter().copied())).sqrt();
        if error.is_nan() || error > LIMIT {
            return Err(format!("relative L2 error of the {what}: {error:.2e}, allowed {LIMIT:.0e}"));
        }
    }
    Ok(())
}

/// The comparison must hold, and must not hold for an output that is slightly wrong in any of these ways.
fn compare_both_ways(found: &Batch, outputs: &[f64], styles: &[f64]) -> Result<(), Failed> {
    compare(found, outputs, styles)?;
    let largest = found.outputs.iter().fold(0.0f32, |m, value| m.max(value.abs()));
    type Perturb<'a> = &'a dyn Fn(&mut Batch);
    let perturbations: [(&str, Perturb<'_>); 5] = [
        ("one output", &|batch| batch.outputs[0] += largest / 100.0),
        ("all outputs", &|batch| batch.outputs.iter_mut().for_each(|value| *value *= 1.0 + 1e-5)),
        ("one style", &|batch| batch.styles[0] += 1e-3),
        ("a NaN", &|batch| batch.outputs[0] = f32::NAN),
        ("a missing value", &|batch| batch.styles.truncate(batch.styles.len() - 1)),
    ];
    for (what, perturb) in perturbations {
        let mut perturbed = found.clone();
        perturb(&mut perturbed);
        if compare(&perturbed, outputs, styles).is_ok() {
            return Err(format!("the comparison does not see {what} changed").into());
        }
    }
    Ok(())
}

fn run(network: &Network, tiles: &[f32], n: usize, height: usize, width: usize) -> Batch {
    network.run(tiles, n, height, width, &mut |_| Ok(())).unwrap()
}

fn on(weights: &Weights, isa: Isa) -> Network {
    let network = Network::with_isa(weights, isa).unwrap();
    assert_eq!(network.isa(), isa);
    network
}

// ---- Fixtures of the reference ----

/// A case of `tests/fixtures/network` (its README says what is where).
struct Case {
    name: String,
    model: PathBuf,
    tiles: PathBuf,
    outputs: PathBuf,
    styles: PathBuf,
    shape: Shape,
}

fn cases() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/network");
    let text = std::fs::read_to_string(folder.join("cases.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    let cases = json["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    let of = |case: &serde_json::Value| {
        // A file of the test data that is not there has a path that does not exist.
        let data = std::env::var_os("CYTOSHADE_TEST_DATA").map(PathBuf::from).unwrap_or_default();
        let path = |value: &serde_json::Value| match value.as_str().unwrap().strip_prefix("$CYTOSHADE_TEST_DATA/") {
            Some(file) => data.join(file),
            None => folder.join(value.as_str().unwrap()),
        };
        let number = |value: &serde_json::Value| value.as_u64().unwrap() as usize;
        let nbase = case["params"]["nbase"].as_array().unwrap().iter().map(number).collect();
        Case {
            name: case["name"].as_str().unwrap().into(),
            model: path(&case["inputs"]["model"]),
            tiles: path(&case["inputs"]["x"]),
            outputs: path(&case["expected"]["y"]),
            styles: path(&case["expected"]["style"]),
            shape: Shape::new(nbase, number(&case["params"]["nout"])).unwrap(),
        }
    };
    cases.iter().map(of).collect()
}

impl Case {
    fn check(&self, isa: Isa) -> Result<(), Failed> {
        let weights = cytoshade_model::load(&std::fs::read(&self.model)?, &cytoshade_model::LoadOptions::default())?;
        assert_eq!(weights.shape(), &self.shape);
        let (sides, tiles) = npy(&self.tiles)?;
        let [n, _, height, width] = sides[..] else { return Err("the tiles have not four sides".into()) };
        let found = run(&on(&weights, isa), &tiles, n, height, width);
        let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
        let expected = (wide(npy(&self.outputs)?.1), wide(npy(&self.styles)?.1));
        compare_both_ways(&found, &expected.0, &expected.1)
    }
}

fn npy(path: &Path) -> Result<(Vec<usize>, Vec<f32>), Failed> {
    let file = npyz::NpyFile::new(std::io::BufReader::new(std::fs::File::open(path)?))?;
    let sides = file.shape().iter().map(|&side| side as usize).collect();
    Ok((sides, file.into_vec()?))
}

// ---- Random networks ----

/// A stream of numbers that is the same everywhere.
struct Random(u64);

impl Random {
    fn values(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        let mut next = || {
            // Knuth's multiplier; the high bits are the good ones.
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1 << 24) as f32
        };
        (0..count).map(|_| low + (high - low) * next()).collect()
    }
}

/// Random weights under their published names, of a size that keeps activations near 1.
fn random_state_dict(shape: &Shape, random: &mut Random) -> StateDict {
    let mut weights = StateDict::new();
    for conv in shape.convs() {
        let ConvShape { batch_norm, name, inputs, outputs, kernel, .. } = conv;
        let bound = (3.0 / (inputs * kernel * kernel) as f32).sqrt();
        weights.insert(format!("{batch_norm}.weight"), random.values(inputs, 0.5, 1.5));
        weights.insert(format!("{batch_norm}.bias"), random.values(inputs, -0.5, 0.5));
        weights.insert(format!("{batch_norm}.running_mean"), random.values(inputs, -0.5, 0.5));
        weights.insert(format!("{batch_norm}.running_var"), random.values(inputs, 0.5, 2.0));
        weights.insert(format!("{name}.weight"), random.values(outputs * inputs * kernel * kernel, -bound, bound));
        weights.insert(format!("{name}.bias"), random.values(outputs, -0.5, 0.5));
    }
    for linear in shape.linears() {
        let count = linear.inputs * linear.outputs;
        weights.insert(format!("{}.weight", linear.name), random.values(count, -1.0, 1.0));
        weights.insert(format!("{}.bias", linear.name), random.values(linear.outputs, -0.5, 0.5));
    }
    weights
}

/// The network with these weights.
fn network(shape: &Shape, dict: &StateDict) -> Weights {
    let get = |name: &str, what: &str| dict[&format!("{name}.{what}")].clone();
    let conv = |conv: &ConvShape| {
        let norm = BatchNorm {
            weight: get(&conv.batch_norm, "weight"),
            bias: get(&conv.batch_norm, "bias"),
            mean: get(&conv.batch_norm, "running_mean"),
            var: get(&conv.batch_norm, "running_var"),
        };
        Conv::new(conv, &norm, get(&conv.name, "weight"), get(&conv.name, "bias")).unwrap()
    };
    let linears = shape.linears();
    let linears = linears.iter().map(|l| Linear::new(l, get(&l.name, "weight"), get(&l.name, "bias")).unwrap());
    Weights::new(shape.clone(), shape.convs().iter().map(conv).collect(), linears.collect(), 30.0, 30.0).unwrap()
}

/// Runs a random network on random tiles, and compares with the reference's formulas.
fn check(isa: Isa, shape: &Shape, n: usize, height: usize, width: usize, seed: u64) -> Result<(), Failed> {
    let mut random = Random(seed);
    let dict = random_state_dict(shape, &mut random);
    let tiles = random.values(n * shape.inputs() * height * width, -1.0, 3.0);
    let found = run(&on(&network(shape, &dict), isa), &tiles, n, height, width);
    let reference = CPnet { nbase: shape.nbase(), nout: shape.nout(), weights: &dict };
    let (mut outputs, mut styles) = (Vec::new(), Vec::new());
    for tile in tiles.chunks_exact(shape.inputs() * height * width) {
        let (output, style) = reference.forward(tile, height, width);
        outputs.extend(output);
        styles.extend(style);
    }
    compare_both_ways(&found, &outputs, &styles)
}

prop_compose! {
    /// (nbase, nout, n, height, width, seed)
    fn any_network()(
        nbase in (1usize..4, prop::collection::vec(1usize..40, 1..5)),
        nout in 1usize..20,
        n in prop::sample::select(vec![1usize, 3]),
        sides in (1usize..4, 1usize..5),
        seed: u64,
    ) -> (Shape, usize, usize, usize, u64) {
        let (inputs, mut levels) = nbase;
        levels.insert(0, inputs);
        let shape = Shape::new(levels, nout).unwrap();
        let multiple = shape.tile_multiple();
        (shape, n, sides.0 * multiple, sides.1 * multiple, seed)
    }
}

fn random_networks(isa: Isa) -> Result<(), Failed> {
    let config = Config { cases: 24, rng_seed: RngSeed::Fixed(3), failure_persistence: None, ..Config::default() };
    let result = TestRunner::new(config).run(&any_network(), |(shape, n, height, width, seed)| {
        check(isa, &shape, n, height, width, seed)
            .map_err(|e| TestCaseError::fail(e.message().unwrap_or("").to_owned()))
    });
    result.map_err(|e| e.to_string().into())
}

/// The kernels take pixels in runs of many lengths, and bands of many heights; each must be right.
fn every_width_of_a_row(isa: Isa) -> Result<(), Failed> {
    for (width, height) in (1..=45).zip((1..=23).cycle()) {
        let shape = Shape::new(vec![1, 3 + width % 3 * 16], 3).unwrap();
        check(isa, &shape, 1, height, width, width as u64)
            .map_err(|e| format!("{height} x {width}: {}", e.message().unwrap_or("failed")))?;
    }
    Ok(())
}

fn threads_change_nothing(isa: Isa) -> Result<(), Failed> {
    let shape = Shape::new(vec![2, 8, 24, 33], 3)?;
    let mut random = Random(11);
    let weights = network(&shape, &random_state_dict(&shape, &mut random));
    let tiles = random.values(2 * 2 * 48 * 36, -1.0, 3.0);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&on(&weights, isa), &tiles, 2, 48, 36))
    };
    let one = with(1);
    for threads in [2, 3, 16] {
        if with(threads) != one {
            return Err(format!("1 and {threads} threads differ").into());
        }
    }
    let mut other = one.clone();
    other.outputs[7] = f32::from_bits(other.outputs[7].to_bits() ^ 1);
    if other == one { Err("the comparison does not see one bit changed".into()) } else { Ok(()) }
}

// ---- Edges ----

fn small() -> Weights {
    let shape = Shape::new(vec![2, 4, 8], 3).unwrap();
    network(&shape, &random_state_dict(&shape, &mut Random(5)))
}

fn silly_tiles_are_refused() -> Result<(), Failed> {
    let network = Network::new(&small());
    let go = |values: usize, n, height, width| network.run(&vec![0.0; values], n, height, width, &mut |_| Ok(()));
    assert!(go(2 * 4 * 6, 1, 4, 6).is_ok());
    assert_eq!(go(0, 0, 4, 6)?, Batch { outputs: vec![], styles: vec![] });
    for (values, n, height, width) in [
        (47, 1, 4, 6),
        (48, 2, 4, 6),
        (2 * 3 * 6, 1, 3, 6),
        (2 * 4 * 5, 1, 4, 5),
        (0, 1, 0, 6),
        (0, 0, 0, 0),
        (0, 2, usize::MAX, 4),
        (0, 0, usize::MAX - 1, 4),
    ] {
        let result = go(values, n, height, width);
        assert!(matches!(result, Err(Error::Tiles { multiple: 2, .. })), "{n} of {height} x {width}: {result:?}");
    }
    Ok(())
}

fn the_portable_path_is_always_there() -> Result<(), Failed> {
    assert_eq!(Isa::available().last(), Some(&Isa::Portable));
    assert_eq!(Isa::available()[0], Isa::best());
    assert_eq!(Network::new(&small()).isa(), Isa::best());
    Ok(())
}

fn a_run_can_be_stopped() -> Result<(), Failed> {
    let network = Network::new(&small());
    let tiles = Random(1).values(3 * 2 * 8 * 8, 0.0, 1.0);
    let mut seen = vec![];
    let stopped = network.run(&tiles, 3, 8, 8, &mut |done| {
        seen.push(done);
        if done == 2 { Err(cytoshade_core::Error::Cancelled) } else { Ok(()) }
    });
    assert_eq!(stopped, Err(Error::Core(cytoshade_core::Error::Cancelled)));
    assert_eq!(seen, [1, 2]);
    // What a stopped run, or one with tiles of another size, left behind must not show.
    run(&network, &tiles, 6, 4, 8);
    assert_eq!(run(&network, &tiles, 3, 8, 8), run(&Network::new(&small()), &tiles, 3, 8, 8));
    Ok(())
}

fn a_blank_style_is_zero() -> Result<(), Failed> {
    let shape = Shape::new(vec![2, 4, 8], 3)?;
    let mut dict = random_state_dict(&shape, &mut Random(5));
    // Every convolution of the way down gives 0.
    for (name, values) in &mut dict {
        if name.starts_with("downsample") && !name.contains("running") {
            values.fill(0.0);
        }
    }
    let batch = run(&Network::new(&network(&shape, &dict)), &[1.0; 2 * 4 * 4], 1, 4, 4);
    assert_eq!(batch.styles, [0.0; 8]);
    assert!(batch.outputs.iter().all(|value| value.is_finite()));
    Ok(())
}

fn nan_is_not_hidden() -> Result<(), Failed> {
    for isa in Isa::available() {
        let mut tile = [0.5; 2 * 8 * 8];
        tile[20] = f32::NAN;
        let batch = run(&on(&small(), isa), &tile, 1, 8, 8);
        assert!(batch.outputs.iter().all(|value| value.is_nan()), "{isa:?}");
        assert!(batch.styles.iter().all(|value| value.is_nan()), "{isa:?}");
    }
    Ok(())
}
