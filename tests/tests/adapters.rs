//! Which adapters there are, and opening one.

use cytoshade_core::Planes;
use cytoshade_gpu::{AdapterKind, Choice, Error, Gpu, GpuPlanes, Network, adapters, follow_flows};
use cytoshade_tests::random::Random;
use cytoshade_tests::{gpu, trial};
use libtest_mimic::{Arguments, Failed};
use pollster::block_on;

fn main() {
    let gpu = gpu::open();
    let trials = vec![
        trial("the adapter that is taken by itself is no software", None, auto_is_hardware),
        trial("a missing adapter is an error that lists what is there", None, missing_adapter),
        gpu::trial(&gpu, "a closed device is an error and no panic", None, closed_device),
        gpu::trial(&gpu, "a device says what it is", None, device_info),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn device_info(gpu: &Gpu) -> Result<(), Failed> {
    let info = gpu.info();
    assert!(!info.name.is_empty() && !info.backend.is_empty());
    assert!(info.limits.storage_binding >= 128 << 20 && info.limits.storage_buffers >= 8);
    assert_ne!(info.backend, "gl");
    let listed = block_on(adapters());
    assert!(listed.contains(info), "{info:?} is not among {listed:?}");
    Ok(())
}

fn closed_device(gpu: &Gpu) -> Result<(), Failed> {
    let choice = Choice::Named(gpu.info().name.clone());
    let gpu = block_on(Gpu::open(choice))?;
    let weights = Random(30).cpnet(&[2, 4, 8], 3).network();
    let network = block_on(Network::new(&gpu, &weights))?;
    block_on(network.run(&[0.0; 128], 1, 8, 8))?;
    let planes = block_on(GpuPlanes::upload(&gpu, &Planes::zeros(3, 8, 8)))?;
    gpu.clone().close();
    for error in [
        // Once with buffers that are there, once with none.
        block_on(network.run(&[0.0; 128], 1, 8, 8)).err(),
        block_on(network.run(&[0.0; 128], 1, 8, 8)).err(),
        block_on(Network::new(&gpu, &weights)).err(),
        block_on(follow_flows(&gpu, &planes, 0.0, 200, true)).err(),
        block_on(GpuPlanes::upload(&gpu, &Planes::zeros(3, 8, 8))).err(),
    ] {
        assert!(matches!(error, Some(Error::Lost { .. })), "{error:?}");
    }
    Ok(())
}

fn auto_is_hardware() -> Result<(), Failed> {
    let adapters = block_on(adapters());
    let auto: Vec<_> = adapters.iter().filter(|info| info.auto).collect();
    assert!(auto.iter().all(|info| info.kind != AdapterKind::Software));
    let hardware = adapters.iter().any(|info| info.kind != AdapterKind::Software);
    assert_eq!(auto.len(), usize::from(hardware));
    match block_on(Gpu::open(Choice::Hardware)) {
        Ok(gpu) => assert!(hardware && gpu.info().kind != AdapterKind::Software),
        Err(error) => assert!(!hardware, "{error}"),
    }
    Ok(())
}

fn missing_adapter() -> Result<(), Failed> {
    let name = "an adapter that nobody makes";
    let error = block_on(Gpu::open(Choice::Named(name.into()))).err().ok_or("it opened")?;
    assert!(matches!(error, Error::NoAdapter { .. }), "{error}");
    for info in block_on(adapters()) {
        assert!(error.to_string().contains(&info.name), "{error}");
    }
    Ok(())
}
