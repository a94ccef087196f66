//! Stage `network` on the GPU, with every kernel of the adapter, against the reference's fixtures and its formulas.

use cytoshade_gpu::{
    Batch, Capabilities, Choice, ConvKernel, DeviceOverride, Error, Gpu, Network, Options, Precision, Unsupported,
    memory,
};
use cytoshade_tests::agree::{ExpectedBatch, NETWORK_F16};
use cytoshade_tests::devices::{open_overridden, open_with_capabilities};
use cytoshade_tests::fixtures::{Case, cases};
use cytoshade_tests::matrices;
use cytoshade_tests::random::Random;
use cytoshade_tests::reference::CPnet;
use cytoshade_tests::suite::GpuGroup;
use libtest_mimic::Failed;
use pollster::block_on;

pub(crate) fn add(group: &mut GpuGroup<'_>) {
    group.test("the default kernel", default_kernel);
    group.test("an unsuitable kernel says why", unsuitable_kernel);
    group.test("wrong weights are seen", wrong_weights_are_seen);
    group.test("sizes in turn share the buffers", sizes_in_turn);
    group.test("threads share a network", threads_share_a_network);
    group.test("small limits split the batch and refuse what does not fit", small_limits);
    group.test("large tiles run as a kernel that has room for them", large_tiles);
    group.test("tiles of invalid sizes are refused", invalid_tiles);
    group.test("the style of a blank map is zero", blank_style);
    group.test("NaN in a tile is an error that names the first layer", nan);
    group.test("only values beyond what the precision holds are not finite", beyond_precision);
    group.test("dispatches and bytes are as documented", dispatches_and_bytes);
    group.fixtures("network", "cases.json", &["y"], fixture);
    add_f16(group);
    add_kernels(group);
    add_matrices_of_16(group);
    add_few_registers(group);
}

fn add_f16(group: &mut GpuGroup<'_>) {
    let options = Options { precision: Precision::F16, ..Options::default() };
    let lacks = group.adapter().and_then(|gpu| lacks(gpu, options));
    for case in cases("network", "cases.json") {
        let name = format!("fixture {} in f16", case.name());
        group.test_with(name, lacks.or(case.missing()), move |gpu| fixture_f16(gpu, &case));
    }
}

fn add_kernels(group: &mut GpuGroup<'_>) {
    for kernel in ConvKernel::ALL {
        for precision in [Precision::F32, Precision::F16] {
            if (kernel, precision) == (ConvKernel::Matrix, Precision::F32) {
                continue;
            }
            let options = Options { kernel: Some(kernel), precision };
            let lacks = group.adapter().and_then(|gpu| lacks(gpu, options));
            let of = format!("{kernel} {}", precision.name());
            group.test_with(format!("random networks, {of}"), lacks, move |gpu| random_networks(gpu, options));
            let name = format!("outputs that are not finite name their layer, {of}");
            group.test_with(name, lacks, move |gpu| not_finite(gpu, options));
        }
    }
}

fn add_matrices_of_16(group: &mut GpuGroup<'_>) {
    for (subgroup, device_override) in matrices::DEVICE_OVERRIDES {
        let lacks = group.adapter().and_then(|gpu| match gpu.capabilities() {
            Capabilities { f16: false, .. } => Some("SHADER_F16"),
            // Mesa 22 takes minutes to compile it.
            Capabilities { software: true, matrices, .. } if matrices.is_empty() => Some("a newer driver"),
            _ => None,
        });
        let name = format!("matrices of 16 x 16 value by value, subgroups of {subgroup}");
        group.test_with(name, lacks, move |gpu| matrices_of_16(gpu, device_override));
    }
    let lacks = group.adapter().and_then(|gpu| gpu.capabilities().matrices.is_empty().then_some("subgroup matrices"));
    group.test_with("the subgroup size of matrices is measured", lacks, measured_subgroup);
}

/// Opens the adapter as if its driver had a choice of subgroup sizes.
fn measured_subgroup(gpu: &Gpu) -> Result<(), Failed> {
    let again = open_with_capabilities(gpu, |capabilities| {
        capabilities.subgroups = capabilities.subgroups.map(|(smallest, largest)| (smallest, 2 * largest));
        capabilities.matrix_subgroup = None;
    })?;
    assert!(gpu.capabilities().matrix_subgroup.is_some());
    assert_eq!(again.capabilities().matrix_subgroup, gpu.capabilities().matrix_subgroup);
    Ok(())
}

/// The convolution for GPUs with few registers, which software adapters do not choose.
fn add_few_registers(group: &mut GpuGroup<'_>) {
    for precision in [Precision::F32, Precision::F16] {
        let options = Options { kernel: Some(ConvKernel::Gemm), precision };
        let lacks = group.adapter().and_then(|gpu| lacks(gpu, options));
        let name = format!("random networks, gemm {} with few registers", precision.name());
        group.test_with(name, lacks, move |gpu| random_networks(&few_registers(gpu)?, options));
    }
}

/// The adapter with the subgroups of Intel's GPUs.
fn few_registers(gpu: &Gpu) -> Result<Gpu, Failed> {
    Ok(open_with_capabilities(gpu, |capabilities| {
        capabilities.software = false;
        capabilities.subgroups = Some((8, 32));
    })?)
}

fn compare(expected: &ExpectedBatch, found: &Batch) -> Result<(), String> {
    expected.compare(&found.outputs, &found.styles)
}

/// The missing capability for running a network with these options, if any.
fn lacks(gpu: &Gpu, options: Options) -> Option<&'static str> {
    let layer = cytoshade_gpu::Layer { inputs: 32, outputs: 32, shortcut: 32, precision: options.precision };
    if options.precision == Precision::F16 && !gpu.capabilities().f16 {
        return Some("SHADER_F16");
    }
    match options.kernel?.applies(gpu.capabilities(), &layer) {
        Ok(_) => None,
        Err(Unsupported::NoSubgroups) => Some("subgroups"),
        Err(Unsupported::SmallSubgroups { .. }) => Some("larger subgroups"),
        Err(Unsupported::OnlyF16) => Some("f16"),
        Err(Unsupported::NoMatrices) => Some("subgroup matrices"),
        Err(_) => Some("what the kernel needs"),
    }
}

fn default_kernel(gpu: &Gpu) -> Result<(), Failed> {
    random_networks(gpu, Options::default())
}

/// Every kernel either runs on the device or fails with the reason.
fn unsuitable_kernel(gpu: &Gpu) -> Result<(), Failed> {
    let network = Random(1).cpnet(&[2, 4, 4], 3).network();
    for kernel in ConvKernel::ALL {
        let options = Options { kernel: Some(kernel), ..Options::default() };
        let found = block_on(Network::with(gpu, &network, options));
        match (lacks(gpu, options), found) {
            (None, Ok(found)) => assert_eq!(found.kernels(), [kernel]),
            (Some(_), Err(Error::Unsuitable { kernel: name, .. })) => assert_eq!(name, kernel.name()),
            (lacks, found) => return Err(format!("{kernel} lacks {lacks:?}, and gave {found:?}").into()),
        }
    }
    Ok(())
}

/// Layout, outputs, tiles, height and width.
type Shape = (&'static [usize], usize, usize, usize, usize);

fn random_networks(gpu: &Gpu, options: Options) -> Result<(), Failed> {
    // Channel counts and sides that are and are not multiples of 4 and of the shaders' blocks, one and more levels, one and more
    // tiles.
    networks_of(
        gpu,
        options,
        &[
            (&[1, 4], 1, 1, 8, 8),
            (&[2, 5], 3, 3, 9, 7),
            (&[1, 1, 2], 2, 2, 2, 2),
            (&[2, 5, 7], 3, 1, 10, 26),
            (&[3, 8, 6, 9], 4, 3, 12, 20),
            (&[2, 4, 8, 16, 32], 3, 1, 24, 40),
            (&[2, 13, 3, 18, 7], 3, 2, 32, 16),
            (&[5, 20, 4, 33], 7, 1, 36, 44),
        ],
    )
}

/// Compares random networks with the reference's formulas.
fn networks_of(gpu: &Gpu, options: Options, shapes: &[Shape]) -> Result<(), Failed> {
    let mut random = Random(1);
    for &(nbase, nout, count, height, width) in shapes {
        let net = random.cpnet(nbase, nout);
        let tiles = random.vector(count * nbase[0] * height * width, -1.0, 2.0);
        let batch = run_with(gpu, &net.network(), options, &tiles, count, height, width)?;
        let at =
            |failed: Failed| format!("{nbase:?}, {count} x {height} x {width}: {}", failed.message().unwrap_or(""));
        let expected = net.batch(&tiles, height, width);
        if options.precision == Precision::F16 {
            // With few channels, rounding errors do not average out.
            expected.compare_with_twin_within(4.0 * NETWORK_F16, &batch.outputs, &batch.styles, width).map_err(at)?;
        } else {
            expected.compare_with_twin(&batch.outputs, &batch.styles, width).map_err(at)?;
        }
    }
    Ok(())
}

/// No available driver has matrices of this size: the shader runs with scalar code instead.
fn matrices_of_16(gpu: &Gpu, device_override: DeviceOverride) -> Result<(), Failed> {
    let gpu = open_overridden(gpu, device_override)?;
    let options = Options { kernel: Some(ConvKernel::Matrix), precision: Precision::F16 };
    // Both splits of a workgroup, channel counts below, between and above those of a matrix, and edges.
    networks_of(&gpu, options, &[(&[2, 18, 33], 3, 1, 6, 18), (&[1, 3], 1, 2, 17, 3)])
}

fn run_with(
    gpu: &Gpu,
    weights: &cytoshade_core::Network,
    options: Options,
    tiles: &[f32],
    count: usize,
    height: usize,
    width: usize,
) -> Result<Batch, Error> {
    block_on(async { Network::with(gpu, weights, options).await?.run(tiles, count, height, width).await })
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

/// The comparison fails on the outputs of another network.
fn wrong_weights_are_seen(gpu: &Gpu) -> Result<(), Failed> {
    let (right, wrong) = (Random(7).cpnet(&[2, 6, 9], 3), Random(8).cpnet(&[2, 6, 9], 3));
    let tiles = Random(9).vector(2 * 12 * 20, 0.0, 1.0);
    let batch = run(gpu, &right.network(), &tiles, 1, 12, 20)?;
    compare(&right.batch(&tiles, 12, 20), &batch)?;
    if compare(&wrong.batch(&tiles, 12, 20), &batch).is_ok() {
        return Err("another network's output is not seen".into());
    }
    Ok(())
}

fn fixture(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let case = case.network()?;
    let batch = run(gpu, &case.network, &case.tiles, case.count, case.height, case.width)?;
    case.expected.compare_with_twin(&batch.outputs, &batch.styles, case.width)
}

fn fixture_f16(gpu: &Gpu, case: &Case) -> Result<(), Failed> {
    let case = case.network()?;
    // The kernel on matrices is never the default of a software adapter.
    for kernel in [None, Some(ConvKernel::Matrix)] {
        let options = Options { precision: Precision::F16, kernel };
        if lacks(gpu, options).is_none() {
            let batch = run_with(gpu, &case.network, options, &case.tiles, case.count, case.height, case.width)?;
            case.expected.compare_with_twin_within(NETWORK_F16, &batch.outputs, &batch.styles, case.width)?;
        }
    }
    Ok(())
}

/// Buffers outlive a run; values of an earlier run must not matter.
fn sizes_in_turn(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(3);
    let net = random.cpnet(&[2, 5, 7], 3);
    let network = block_on(Network::new(gpu, &net.network()))?;
    for (count, height, width) in [(1, 8, 12), (3, 8, 12), (2, 8, 12), (1, 16, 6), (4, 6, 16), (1, 8, 12)] {
        let tiles = random.vector(count * 2 * height * width, -1.0, 1.0);
        let batch = block_on(network.run(&tiles, count, height, width))?;
        compare(&net.batch(&tiles, height, width), &batch)?;
    }
    assert_eq!(block_on(network.run(&[], 0, 8, 12))?, Batch::default());
    Ok(())
}

fn threads_share_a_network(gpu: &Gpu) -> Result<(), Failed> {
    let net = Random(4).cpnet(&[2, 5, 7], 3);
    let network = block_on(Network::new(gpu, &net.network()))?;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|seed| {
                let (network, net) = (&network, &net);
                scope.spawn(move || {
                    // Two sizes, so that buffers are also replaced while others use them.
                    let (height, width) = if seed % 2 == 0 { (8, 12) } else { (12, 8) };
                    for round in 0..4 {
                        let tiles = Random(100 * seed + round).vector(2 * 2 * height * width, -1.0, 1.0);
                        let batch = block_on(network.run(&tiles, 2, height, width)).map_err(|e| e.to_string())?;
                        compare(&net.batch(&tiles, height, width), &batch)?;
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
    let net = random.cpnet(&[2, 5, 7], 3);
    // The largest tensor of a tile has 8 padded channels: 8 * 16 * 24 * 4 bytes are room for one, and twice that for two.
    let one = 8 * 16 * 24 * 4;
    let tiles = random.vector(5 * 2 * 16 * 24, -1.0, 1.0);
    let expected = net.batch(&tiles, 16, 24);
    for (bytes, most) in [(one, 1), (2 * one, 2), (4 * one + 8, 4)] {
        let small = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), bytes))?;
        let network = block_on(Network::new(&small, &net.network()))?;
        assert_eq!(network.max_batch(16, 24), most);
        compare(&expected, &block_on(network.run(&tiles, 5, 16, 24))?)?;
        let error = block_on(network.run(&[0.0; 2 * 64 * 64], 1, 64, 64)).err().ok_or("it fitted")?;
        assert!(matches!(error, Error::Limit { limit: "maxStorageBufferBindingSize", .. }), "{error}");
        assert_eq!(network.max_batch(64, 64), 0);
    }
    Ok(())
}

/// Tiles for which Winograd's buffers exceed a binding, beside tiles for which they do not.
fn large_tiles(gpu: &Gpu) -> Result<(), Failed> {
    let mut random = Random(12);
    let net = random.cpnet(&[1, 32, 64], 3);
    let weights = net.network();
    let (small, large) = ((16, 16), (48, 80));
    // Room for the intermediates and the weights: 36 points of 64 + 64 inputs and 64 outputs.
    let room = 36 * 128 * 64 * 4;
    let gpu = block_on(Gpu::open_limited(Choice::Named(gpu.info().name.clone()), room))?;
    let network = block_on(Network::new(&gpu, &weights))?;
    let by_winograd = network.kernels().contains(&ConvKernel::Winograd);
    let tiles = |random: &mut Random, (height, width)| random.vector(height * width, -1.0, 2.0);
    let (few, many) = (tiles(&mut random, small), tiles(&mut random, large));
    let refused = block_on(network.run(&many, 1, large.0, large.1));
    assert_eq!(matches!(refused, Err(Error::Limit { .. })), by_winograd, "{refused:?}");
    assert!(network.max_batch(large.0, large.1) > 0, "no batch size for large tiles");
    for _ in 0..2 {
        block_on(network.prepare(&weights, large.0, large.1))?;
        compare(&net.batch(&many, large.0, large.1), &block_on(network.run(&many, 1, large.0, large.1))?)?;
        compare(&net.batch(&few, small.0, small.1), &block_on(network.run(&few, 1, small.0, small.1))?)?;
    }
    // A requested kernel is not replaced.
    let options = Options { kernel: Some(ConvKernel::Winograd), ..Options::default() };
    if let Ok(asked) = block_on(Network::with(&gpu, &weights, options)) {
        block_on(asked.prepare(&weights, large.0, large.1))?;
        assert_eq!(asked.max_batch(large.0, large.1), 0);
    }
    Ok(())
}

fn invalid_tiles(gpu: &Gpu) -> Result<(), Failed> {
    let network = block_on(Network::new(gpu, &Random(6).cpnet(&[2, 4, 4], 3).network()))?;
    for (height, width) in [(0, 8), (8, 0), (7, 8), (8, 9)] {
        let error = block_on(network.run(&vec![0.0; 2 * height * width], 1, height, width)).err().ok_or("it ran")?;
        assert_eq!(error, Error::TileSize { height, width, multiple: 2 });
    }
    for (found, count) in [(127, 1), (129, 1), (128, 2), (0, usize::MAX)] {
        let error = block_on(network.run(&vec![0.0; found], count, 8, 8)).err().ok_or("it ran")?;
        assert_eq!(error, Error::Length { what: "tiles", found, expected: 128_usize.saturating_mul(count) });
    }
    // The network still works.
    assert_eq!(block_on(network.run(&[0.0; 128], 1, 8, 8))?.outputs.len(), 3 * 64);
    assert!(memory(network.plan(), Precision::F32, 1, 8, 8) > 0 && network.dispatches() > 20);
    Ok(())
}

fn dispatches_and_bytes(gpu: &Gpu) -> Result<(), Failed> {
    let weights = Random(11).cpnet(&[2, 4, 4, 4, 4], 3).network();
    let with = |kernel| block_on(Network::with(gpu, &weights, Options { kernel: Some(kernel), ..Options::default() }));
    let plain = with(ConvKernel::Direct)?;
    assert_eq!(plain.dispatches(), 40);
    assert_eq!(plain.memory(3, 32, 16), memory(plain.plan(), Precision::F32, 3, 32, 16));
    // One dispatch more for each of 8 convolutions of 4 levels, and one for each of the 2 that have a `proj`.
    let winograd = with(ConvKernel::Winograd)?;
    assert_eq!(winograd.dispatches(), 40 + 4 * (8 + 2));
    // 3 tiles of 8 x 4 patches in whole blocks, at 36 points: the 4 channels of the source and of the block, 32 sums.
    let layer = cytoshade_gpu::Layer { inputs: 4, outputs: 4, shortcut: 4, precision: Precision::F32 };
    let lanes = ConvKernel::Winograd.applies(gpu.capabilities(), &layer)?.columns as u64;
    let points = 36 * (3 * 8 * 4_u64).next_multiple_of(4 * lanes);
    assert_eq!(winograd.memory(3, 32, 16) - plain.memory(3, 32, 16), points * (4 + 4 + 32) * 4);
    Ok(())
}

fn blank_style(gpu: &Gpu) -> Result<(), Failed> {
    let weights = Random(10).cpnet_without_style(&[2, 4, 8], 3).network();
    let batch = run(gpu, &weights, &[1.0; 2 * 4 * 4], 1, 4, 4)?;
    assert_eq!(batch.styles, [0.0; 8]);
    assert!(batch.outputs.iter().all(|value| value.is_finite()));
    Ok(())
}

/// Layers of the networks below, each with a network in which its results are the first beyond the range of f32.
pub(super) fn overflowing() -> impl Iterator<Item = (&'static str, CPnet)> {
    let layers = ["downsample.down.res_down_0.conv.conv_0.2", "upsample.up.res_up_1.conv.conv_2.conv.2", "output.2"];
    layers.into_iter().map(|layer| {
        let mut net = Random(5).cpnet(&[2, 8, 12], 3);
        net.set_magnitude(layer, f32::MAX);
        (layer, net)
    })
}

/// The name of the layer in an error; `None` if the network ran.
fn layer_of_error(gpu: &Gpu, net: &CPnet, options: Options) -> Result<Option<String>, Error> {
    let tiles: Vec<f32> = Random(3).vector(3 * 2 * 32 * 32, 0.5, 1.0);
    match run_with(gpu, &net.network(), options, &tiles, 3, 32, 32) {
        Ok(_) => Ok(None),
        Err(Error::NotFinite { layer }) => Ok(Some(layer)),
        Err(error) => Err(error),
    }
}

fn not_finite(gpu: &Gpu, options: Options) -> Result<(), Failed> {
    assert_eq!(layer_of_error(gpu, &Random(5).cpnet(&[2, 8, 12], 3), options)?, None);
    for (layer, net) in overflowing() {
        assert_eq!(layer_of_error(gpu, &net, options)?.as_deref(), Some(layer));
    }
    Ok(())
}

fn nan(gpu: &Gpu) -> Result<(), Failed> {
    let mut tile = [0.5; 2 * 8 * 8];
    tile[20] = f32::NAN;
    let found = run(gpu, &Random(5).cpnet(&[2, 4, 8], 3).network(), &tile, 1, 8, 8);
    assert_eq!(found, Err(Error::NotFinite { layer: "downsample.down.res_down_0.conv.conv_0.2".into() }));
    Ok(())
}

/// Sums of f16 weights that exceed f16, but not f32.
fn beyond_precision(gpu: &Gpu) -> Result<(), Failed> {
    let layer = "upsample.up.res_up_1.conv.conv_2.conv.2";
    let mut net = Random(5).cpnet(&[2, 8, 12], 3);
    net.set_magnitude(layer, 6e4);
    assert_eq!(layer_of_error(gpu, &net, Options::default())?, None);
    let f16 = Options { precision: Precision::F16, ..Options::default() };
    if lacks(gpu, f16).is_none() {
        assert_eq!(layer_of_error(gpu, &net, f16)?.as_deref(), Some(layer));
    }
    Ok(())
}
