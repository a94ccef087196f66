//! Which adapters there are, and opening one.

use cytoshade_gpu::{AdapterKind, Choice, Error, Gpu, adapters};
use libtest_mimic::{Failed, Trial};

use crate::Test;

/// Tests that need no device.
pub(crate) fn without_device() -> Vec<Trial> {
    vec![
        Trial::test("the adapter that is taken by itself is no software", auto_is_hardware),
        Trial::test("a missing adapter is an error that lists what is there", missing_adapter),
    ]
}

pub(crate) fn tests() -> Vec<Test> {
    vec![Test::new("a device says what it is", |gpu| {
        let info = gpu.info();
        assert!(!info.name.is_empty() && !info.backend.is_empty());
        assert!(info.limits.storage_binding >= 128 << 20 && info.limits.storage_buffers >= 8);
        assert_ne!(info.backend, "gl");
        let listed = pollster::block_on(adapters());
        assert!(listed.contains(info), "{info:?} is not among {listed:?}");
        Ok(())
    })]
}

fn auto_is_hardware() -> Result<(), Failed> {
    let adapters = pollster::block_on(adapters());
    let auto: Vec<_> = adapters.iter().filter(|info| info.auto).collect();
    assert!(auto.iter().all(|info| info.kind != AdapterKind::Software));
    let hardware = adapters.iter().any(|info| info.kind != AdapterKind::Software);
    assert_eq!(auto.len(), usize::from(hardware));
    match pollster::block_on(Gpu::open(Choice::Hardware)) {
        Ok(gpu) => assert!(hardware && gpu.info().kind != AdapterKind::Software),
        Err(error) => assert!(!hardware, "{error}"),
    }
    Ok(())
}

fn missing_adapter() -> Result<(), Failed> {
    let name = "an adapter that nobody makes";
    let error = pollster::block_on(Gpu::open(Choice::Named(name.into()))).err().ok_or("it opened")?;
    assert!(matches!(error, Error::NoAdapter { .. }), "{error}");
    for info in pollster::block_on(adapters()) {
        assert!(error.to_string().contains(&info.name), "{error}");
    }
    Ok(())
}
