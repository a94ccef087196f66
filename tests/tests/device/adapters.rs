//! The list of adapters, and opening one.

use cytoshade_core::Planes;
use cytoshade_gpu::{AdapterKind, Choice, Error, Gpu, GpuPlanes, Network, adapters, follow_flows};
use cytoshade_tests::random::Random;
use cytoshade_tests::{gpu, trial};
use libtest_mimic::{Failed, Trial};
use pollster::block_on;

pub(crate) fn trials(gpu: &Option<Gpu>) -> Vec<Trial> {
    vec![
        trial("adapters::the default adapter is hardware", None, auto_is_hardware),
        trial("adapters::a missing adapter is an error that lists the others", None, missing_adapter),
        gpu::trial(gpu, "adapters::a closed device is an error and no panic", None, closed_device),
        gpu::trial(gpu, "adapters::a device describes itself", None, device_info),
    ]
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
        // Once with buffers of the earlier run, once without.
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
    let name = "an adapter of no vendor";
    let error = block_on(Gpu::open(Choice::Named(name.into()))).err().ok_or("it opened")?;
    assert!(matches!(error, Error::NoAdapter { .. }), "{error}");
    for info in block_on(adapters()) {
        assert!(error.to_string().contains(&info.name), "{error}");
    }
    Ok(())
}
