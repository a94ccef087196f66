//! The network's runtime on a device: the pipeline cache, profiles, the measured choice of kernels, and faults: out of
//! memory, a hung device, a lost device.

use std::path::Path;
use std::sync::atomic::Ordering;

use cytoshade_core::{ConvId, Recorder};
use cytoshade_gpu::{Batch, Choice, DeviceOptions, Error, FaultInjection, Gpu, Network, Options, tune};
use cytoshade_tests::gpu;
use cytoshade_tests::random::Random;
use libtest_mimic::{Failed, Trial};
use pollster::block_on;

pub(crate) fn trials(gpu: &Option<Gpu>) -> Vec<Trial> {
    let lacks = |what| gpu.as_ref().and_then(|gpu| (!gpu.info().offers.contains(&what)).then_some(what));
    let on = |name: &str, missing, test: fn(&Gpu) -> Result<(), Failed>| {
        gpu::trial(gpu, format!("runtime::{name}"), missing, test)
    };
    vec![
        on("pipelines are cached", lacks("PIPELINE_CACHE"), pipelines_are_cached),
        on("odd pipeline caches are replaced", lacks("PIPELINE_CACHE"), odd_caches),
        on("nothing is cached by default", None, nothing_is_cached_by_default),
        on("a run is recorded", lacks("TIMESTAMP_QUERY"), a_run_is_recorded),
        on("memory that runs out halves the batch", None, memory_runs_out),
        on("too little memory for one tile is an error", None, no_memory_at_all),
        on("a hang ends in an error", None, a_hang),
        on("a lost device ends in an error", None, a_loss),
        on("tuned kernels compute the same", None, tuned),
    ]
}

fn open(gpu: &Gpu, device_options: &DeviceOptions) -> Result<Gpu, Error> {
    block_on(Gpu::open_with(Choice::Named(gpu.info().name.clone()), device_options))
}

fn caching(folder: &Path) -> DeviceOptions {
    let mut device_options = DeviceOptions::default();
    device_options.pipeline_cache = Some(folder.to_path_buf());
    device_options
}

fn with_faults(faults: &FaultInjection) -> DeviceOptions {
    let mut device_options = DeviceOptions::default();
    device_options.faults = faults.clone();
    device_options
}

const SIDE: usize = 16;

fn tiles(count: usize) -> Vec<f32> {
    Random(3).vector(count * 2 * SIDE * SIDE, -1.0, 1.0)
}

fn network(gpu: &Gpu) -> Result<Network, Error> {
    block_on(Network::new(gpu, &Random(5).cpnet(&[2, 5, 7], 3).network()))
}

fn run(gpu: &Gpu, count: usize) -> Result<Batch, Error> {
    block_on(network(gpu)?.run(&tiles(count), count, SIDE, SIDE))
}

/// The only file in a folder of cached pipelines.
fn cached(folder: &Path) -> Result<std::path::PathBuf, Failed> {
    let files: Vec<_> = std::fs::read_dir(folder)?.flatten().map(|file| file.path()).collect();
    match &files[..] {
        [file] if file.extension().is_some_and(|ending| ending == "pipelines") => Ok(file.clone()),
        files => Err(format!("{files:?}").into()),
    }
}

fn pipelines_are_cached(gpu: &Gpu) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path().join("new folder");
    let first = open(gpu, &caching(&folder))?;
    assert_eq!(first.found_pipelines(), Some(false));
    let expected = run(&first, 2)?;
    drop(first);
    let written = std::fs::read(cached(&folder)?)?;
    let second = open(gpu, &caching(&folder))?;
    assert_eq!(second.found_pipelines(), Some(true));
    assert_eq!(run(&second, 2)?, expected);
    assert!(std::fs::read(cached(&folder)?)?.len() >= written.len(), "the cache lost pipelines");
    Ok(())
}

fn odd_caches(gpu: &Gpu) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let expected = run(&open(gpu, &caching(folder.path()))?, 1)?;
    let file = cached(folder.path())?;
    let whole = std::fs::read(&file)?;
    let mut flipped = whole.clone();
    if let Some(last) = flipped.last_mut() {
        *last ^= 1;
    }
    let mut newer = whole.clone();
    newer[b"cytoshade pipelines ".len()] = b'2';
    let odd: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("truncated", whole[..whole.len() - 1].to_vec()),
        ("damaged", flipped),
        ("of another version", newer),
        ("foreign", b"something else".to_vec()),
        ("huge", [&whole[..], &vec![0; 1 << 26]].concat()),
    ];
    for (what, bytes) in odd {
        std::fs::write(&file, bytes)?;
        let fresh = open(gpu, &caching(folder.path()))?;
        assert_eq!(fresh.found_pipelines(), Some(false), "{what}");
        assert_eq!(run(&fresh, 1)?, expected, "{what}");
        drop(fresh);
        let again = open(gpu, &caching(folder.path()))?;
        assert_eq!(again.found_pipelines(), Some(true), "{what} was not replaced");
        assert!(std::fs::metadata(&file)?.len() < 1 << 26, "{what}");
    }
    Ok(())
}

fn nothing_is_cached_by_default(gpu: &Gpu) -> Result<(), Failed> {
    assert_eq!(open(gpu, &DeviceOptions::default())?.found_pipelines(), None);
    Ok(())
}

fn a_run_is_recorded(gpu: &Gpu) -> Result<(), Failed> {
    let network = network(gpu)?;
    let recorder = Recorder::new();
    let plain = block_on(network.run(&tiles(3), 3, SIDE, SIDE))?;
    assert!(recorder.take().batches.is_empty());
    for _ in 0..2 {
        assert_eq!(block_on(network.run_recorded(&tiles(3), 3, SIDE, SIDE, Some(&recorder)))?, plain);
    }
    let recorded = recorder.take();
    assert_eq!(recorded.missing, None);
    assert_eq!(recorded.batches.len(), 2);
    for batch in &recorded.batches {
        assert_eq!(
            (batch.tiles, batch.steps.len(), batch.nanoseconds.len()),
            (3, network.dispatches(), network.dispatches())
        );
        // Steps do not overlap, by one clock.
        let times: Vec<u64> = batch.nanoseconds.iter().flatten().copied().collect();
        assert!(times.is_sorted() && times[0] < times[times.len() - 1], "{times:?}");
    }
    assert!(recorded.batches[0].nanoseconds < recorded.batches[1].nanoseconds);
    let layers = recorded.layers();
    assert!(layers.iter().any(|layer| layer.name.contains("5->5 at 16 x 16") && layer.operations > 0));
    assert!(layers.iter().all(|layer| layer.bytes > 0 || layer.name == "style_projections"), "{layers:?}");
    Ok(())
}

fn memory_runs_out(gpu: &Gpu) -> Result<(), Failed> {
    let expected = run(gpu, 8)?;
    // Room for the buffers of `tiles` tiles; the largest of one has 8 padded channels.
    for room in [1, 2, 3] {
        let faults = FaultInjection { memory: Some(room * 8 * (SIDE * SIDE) as u64 * 4), ..FaultInjection::default() };
        assert_eq!(run(&open(gpu, &with_faults(&faults))?, 8)?, expected, "room for {room}");
    }
    Ok(())
}

fn no_memory_at_all(gpu: &Gpu) -> Result<(), Failed> {
    let faults = FaultInjection { memory: Some((SIDE * SIDE) as u64 * 4), ..FaultInjection::default() };
    let found = run(&open(gpu, &with_faults(&faults))?, 8);
    assert!(matches!(found, Err(Error::OutOfMemory { .. })), "{found:?}");
    Ok(())
}

fn a_hang(gpu: &Gpu) -> Result<(), Failed> {
    let faults = FaultInjection::default();
    let gpu = open(gpu, &with_faults(&faults))?;
    let network = network(&gpu)?;
    // Long enough to be unfinished when the host checks.
    let (count, side) = (4, 256);
    let tiles = Random(3).vector(count * 2 * side * side, -1.0, 1.0);
    block_on(network.run(&tiles, count, side, side))?;
    assert!(!gpu.is_lost());
    faults.hang.store(true, Ordering::Relaxed);
    let found = block_on(network.run(&tiles, count, side, side));
    assert!(matches!(found, Err(Error::Hung { .. })), "{found:?}");
    assert!(gpu.is_lost());
    // A second call does not wait.
    let found = block_on(network.run(&tiles, count, side, side));
    assert!(matches!(found, Err(Error::Lost { .. })), "{found:?}");
    Ok(())
}

fn a_loss(gpu: &Gpu) -> Result<(), Failed> {
    let faults = FaultInjection::default();
    let lost = open(gpu, &with_faults(&faults))?;
    let network = network(&lost)?;
    faults.lose.store(true, Ordering::Relaxed);
    let found = block_on(network.run(&tiles(1), 1, SIDE, SIDE));
    assert!(matches!(found, Err(Error::Lost { .. })), "{found:?}");
    assert!(lost.is_lost() && !gpu.is_lost());
    run(gpu, 1)?;
    Ok(())
}

fn tuned(gpu: &Gpu) -> Result<(), Failed> {
    let net = Random(5).cpnet(&[2, 16, 16], 3);
    let weights = net.network();
    let options = Options::default();
    let kernel_choices = block_on(tune::tune(gpu, &weights, options.precision))?;
    let convs = weights.weights().convs();
    let three: Vec<ConvId> = (0..convs.len()).filter(|&conv| convs[conv].kernel() == 3).map(ConvId::new).collect();
    assert_eq!(kernel_choices.keys().copied().collect::<Vec<_>>(), three, "each 3x3 convolution has a kernel");
    let network = block_on(Network::with_kernel_choices(gpu, &weights, options, &kernel_choices))?;
    let mut kernels: Vec<_> = kernel_choices.values().copied().collect();
    kernels.dedup();
    assert!(network.kernels().iter().all(|kernel| kernels.contains(kernel)));
    let tiles = tiles(2);
    let found = block_on(network.run(&tiles, 2, SIDE, SIDE))?;
    net.batch(&tiles, SIDE, SIDE).compare_within(1e-5, &found.outputs, &found.styles)?;
    Ok(())
}
