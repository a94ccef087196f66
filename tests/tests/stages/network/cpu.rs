//! Stage `network` on the CPU, on every instruction set of the machine, against the reference's fixtures and its formulas.

use cytoshade_core::Network as Weights;
use cytoshade_core::arch::unet::UNet;
use cytoshade_cpu::Error;
use cytoshade_cpu::network::{Batch, Isa, Network};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::random::Random;
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

pub(crate) fn add(group: &mut Group<'_>) {
    group.test("tiles of invalid sizes are refused", invalid_tiles);
    group.test("the portable path is always available", portable_is_available);
    group.test("a run can be stopped and the next one is right", stopped_run);
    group.test("the style of a blank map is zero", blank_style);
    group.test("NaN is not hidden", nan_is_not_hidden);
    for isa in Isa::ALL {
        let missing = (!Isa::available().contains(&isa)).then_some("other instructions");
        let mut on = |name: &str, missing, test: fn(Isa) -> Result<(), Failed>| {
            group.test_with(format!("{isa:?}: {name}"), missing, move || test(isa));
        };
        on("random networks", missing, random_networks);
        on("every width of a row", missing, every_width_of_a_row);
        let no_threads = cfg!(target_family = "wasm").then_some("threads");
        on("the number of threads changes nothing", missing.or(no_threads), threads_change_nothing);
        for case in cases("network", "cases.json") {
            let name = format!("{isa:?}: fixture {}", case.name());
            group.test_with(name, missing.or(case.missing()), move || fixture(isa, &case));
        }
    }
}

fn run(network: &Network, tiles: &[f32], n: usize, height: usize, width: usize) -> Batch {
    network.run(tiles, n, height, width, &mut |_| Ok(())).unwrap()
}

fn on(weights: &Weights, isa: Isa) -> Network {
    let network = Network::with_isa(weights, isa).unwrap();
    assert_eq!(network.isa(), isa);
    network
}

fn fixture(isa: Isa, case: &Case) -> Result<(), Failed> {
    let case = case.network()?;
    let found = run(&on(&case.network, isa), &case.tiles, case.count, case.height, case.width);
    case.expected.compare_with_twin(&found.outputs, &found.styles, case.width)
}

/// Runs a random network on random tiles, and compares with the reference's formulas.
fn check(isa: Isa, shape: &UNet, n: usize, height: usize, width: usize, seed: u64) -> Result<(), Failed> {
    let mut random = Random(seed);
    let net = random.cpnet(shape.nbase(), shape.nout());
    let tiles = random.vector(n * shape.nbase()[0] * height * width, -1.0, 3.0);
    let found = run(&on(&net.network(), isa), &tiles, n, height, width);
    net.batch(&tiles, height, width).compare_with_twin(&found.outputs, &found.styles, width)
}

prop_compose! {
    /// (nbase, nout, n, height, width, seed)
    fn any_network()(
        nbase in (1usize..4, prop::collection::vec(1usize..40, 1..5)),
        nout in 1usize..20,
        n in prop::sample::select(vec![1usize, 3]),
        sides in (1usize..4, 1usize..5),
        seed: u64,
    ) -> (UNet, usize, usize, usize, u64) {
        let (inputs, mut levels) = nbase;
        levels.insert(0, inputs);
        let shape = UNet::new(levels, nout).unwrap();
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

/// Kernels process runs of pixels of every length, and bands of every height.
fn every_width_of_a_row(isa: Isa) -> Result<(), Failed> {
    for (width, height) in (1..=45).zip((1..=23).cycle()) {
        let shape = UNet::new(vec![1, 3 + width % 3 * 16], 3).unwrap();
        check(isa, &shape, 1, height, width, width as u64)
            .map_err(|e| format!("{height} x {width}: {}", e.message().unwrap_or("failed")))?;
    }
    Ok(())
}

fn threads_change_nothing(isa: Isa) -> Result<(), Failed> {
    let mut random = Random(11);
    let weights = random.cpnet(&[2, 8, 24, 33], 3).network();
    let tiles = random.vector(2 * 2 * 48 * 36, -1.0, 3.0);
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

fn small() -> Weights {
    Random(5).cpnet(&[2, 4, 8], 3).network()
}

fn invalid_tiles() -> Result<(), Failed> {
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

fn portable_is_available() -> Result<(), Failed> {
    assert_eq!(Isa::available().last(), Some(&Isa::Portable));
    assert_eq!(Isa::available()[0], Isa::best());
    assert_eq!(Network::new(&small()).isa(), Isa::best());
    Ok(())
}

fn stopped_run() -> Result<(), Failed> {
    let network = Network::new(&small());
    let tiles = Random(1).vector(3 * 2 * 8 * 8, 0.0, 1.0);
    let mut seen = vec![];
    let stopped = network.run(&tiles, 3, 8, 8, &mut |done| {
        seen.push(done);
        if done == 2 { Err(cytoshade_core::Error::Cancelled) } else { Ok(()) }
    });
    assert_eq!(stopped, Err(Error::Core(cytoshade_core::Error::Cancelled)));
    assert_eq!(seen, [1, 2]);
    // Values left behind by a stopped run, or by tiles of another size, must not matter.
    run(&network, &tiles, 6, 4, 8);
    assert_eq!(run(&network, &tiles, 3, 8, 8), run(&Network::new(&small()), &tiles, 3, 8, 8));
    Ok(())
}

fn blank_style() -> Result<(), Failed> {
    let weights = Random(5).cpnet_without_style(&[2, 4, 8], 3).network();
    let batch = run(&Network::new(&weights), &[1.0; 2 * 4 * 4], 1, 4, 4);
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
