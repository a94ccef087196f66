//! Which adapters there are, and opening one.

use cytoshade_core::Planes;
use cytoshade_gpu::{AdapterKind, Choice, Error, Gpu, Network, adapters, sinks};
use libtest_mimic::{Failed, Trial};
use pollster::block_on;

use crate::Test;
use crate::random::Random;

/// Tests that need no device.
pub(crate) fn without_device() -> Vec<Trial> {
    vec![
        Trial::test("the adapter that is taken by itself is no software", auto_is_hardware),
        Trial::test("a missing adapter is an error that lists what is there", missing_adapter),
    ]
}

pub(crate) fn tests() -> Vec<Test> {
    vec![
        Test::new("a closed device is an error and no panic", closed_device),
        Test::new("a device says what it is", |gpu| {
            let info = gpu.info();
            assert!(!info.name.is_empty() && !info.backend.is_empty());
            assert!(info.limits.storage_binding >= 128 << 20 && info.limits.storage_buffers >= 8);
            assert_ne!(info.backend, "gl");
            let listed = block_on(adapters());
            assert!(listed.contains(info), "{info:?} is not among {listed:?}");
            Ok(())
        }),
    ]
}

fn closed_device(gpu: &Gpu) -> Result<(), Failed> {
    let choice = Choice::Named(gpu.info().name.clone());
    let gpu = block_on(Gpu::open(choice))?;
    let weights = Random(30).network(&[2, 4, 8], 3);
    let network = block_on(Network::new(&gpu, &weights))?;
    block_on(network.run(&[0.0; 128], 1, 8, 8))?;
    gpu.clone().close();
    let flows = Planes::zeros(2, 8, 8);
    for error in [
        // Once with buffers that are there, once with none.
        block_on(network.run(&[0.0; 128], 1, 8, 8)).err(),
        block_on(network.run(&[0.0; 128], 1, 8, 8)).err(),
        block_on(Network::new(&gpu, &weights)).err(),
        block_on(sinks(&gpu, &flows, &[1.0; 64], 0.0, 200, true)).err(),
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
