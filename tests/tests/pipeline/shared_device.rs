//! Segmenters on a device that a program owns.

use cytoshade::{Device, Error, ErrorKind, FaultInjection, Model, Params, Segmenter, wgpu};
use cytoshade_tests::gpu::NEEDS_ADAPTER;
use cytoshade_tests::synthetic::{CENTERS, domes};
use cytoshade_tests::{eval, trial};
use libtest_mimic::{Failed, Trial};
use pollster::block_on;

pub(crate) fn trials() -> Vec<Trial> {
    type Test = fn(Device) -> Result<(), Failed>;
    let tests: [(&str, Test); 3] = [
        ("two segmenters and the program's own work share a device", share),
        ("a device that lacks limits is an error that lists them", missing_limits),
        ("a device that computes nothing is an error", wrong_results),
    ];
    let device = eval::gpu_device();
    let missing = device.is_none().then_some(NEEDS_ADAPTER);
    let name = |name: &str| format!("shared_device::gpu::{name}");
    tests.map(|(of, test)| trial(name(of), missing, move || test(device.ok_or(NEEDS_ADAPTER)?))).into()
}

/// A device opened by a program.
fn open(device: Device, limits: wgpu::Limits) -> Result<(wgpu::Adapter, wgpu::Device, wgpu::Queue), Failed> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
    let software = device == Device::Software;
    let adapters = block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let suits = |adapter: &wgpu::Adapter| (adapter.get_info().device_type == wgpu::DeviceType::Cpu) == software;
    let adapter = adapters.into_iter().find(suits).ok_or("the adapter is not listed")?;
    let descriptor = wgpu::DeviceDescriptor { required_limits: limits, ..wgpu::DeviceDescriptor::default() };
    let (device, queue) = block_on(adapter.request_device(&descriptor))?;
    Ok((adapter, device, queue))
}

fn model() -> Result<Model, Failed> {
    Ok(Model::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/cytoshade-demo.safetensors"))?)
}

fn share(device: Device) -> Result<(), Failed> {
    let (adapter, device, queue) = open(device, wgpu::Limits::defaults())?;
    let segmenter =
        || Segmenter::builder(&model()?).wgpu(&adapter, device.clone(), queue.clone()).build().map_err(Failed::from);
    let (first, second) = (segmenter()?, segmenter()?);
    let expected = Segmenter::builder(&model()?).device(Device::Cpu).build()?;
    let expected = expected.segment(&domes(&CENTERS), &Params::new())?.cells();
    assert_eq!(expected, CENTERS.len());

    // Both at once, while the program copies buffers of its own on the same queue.
    std::thread::scope(|scope| {
        let count = |segmenter: &Segmenter| Ok(segmenter.segment(&domes(&CENTERS), &Params::new())?.cells());
        let runs = [&first, &second].map(|segmenter| scope.spawn(move || count(segmenter)));
        for round in 0..20u32 {
            assert_eq!(copied(&device, &queue, round)?, round);
        }
        for run in runs {
            let found: Result<usize, Error> = run.join().map_err(|_| "a segmenter panicked")?;
            assert_eq!(found?, expected);
        }
        Ok::<(), Failed>(())
    })?;

    // One after the other: dropping a segmenter leaves the device to the others.
    drop(first);
    assert_eq!(second.segment(&domes(&CENTERS), &Params::new())?.cells(), expected);
    drop(second);
    assert_eq!(copied(&device, &queue, 7)?, 7);
    Ok(())
}

/// Copies a value to the device and back.
fn copied(device: &wgpu::Device, queue: &wgpu::Queue, value: u32) -> Result<u32, Failed> {
    let buffer = |usage| {
        device.create_buffer(&wgpu::BufferDescriptor { label: None, size: 4, usage, mapped_at_creation: false })
    };
    let there = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC);
    let back = buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ);
    queue.write_buffer(&there, 0, &value.to_le_bytes());
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    encoder.copy_buffer_to_buffer(&there, 0, &back, 0, Some(4));
    let submission = queue.submit([encoder.finish()]);
    back.map_async(wgpu::MapMode::Read, .., |_| {});
    device.poll(wgpu::PollType::Wait { submission_index: Some(submission), timeout: None })?;
    let bytes = back.get_mapped_range(..)?;
    Ok(u32::from_le_bytes(bytes[..].try_into()?))
}

fn missing_limits(device: Device) -> Result<(), Failed> {
    let limits = wgpu::Limits {
        max_compute_workgroup_storage_size: 1024,
        max_storage_buffers_per_shader_stage: 4,
        ..wgpu::Limits::downlevel_defaults()
    };
    let (adapter, device, queue) = open(device, limits)?;
    let error = Segmenter::builder(&model()?).wgpu(&adapter, device, queue).build().err().ok_or("it was taken")?;
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    let message = error.to_string();
    for (limit, found) in [("maxComputeWorkgroupStorageSize", "1024"), ("maxStorageBuffersPerShaderStage", "4")] {
        assert!(message.contains(limit) && message.contains(found), "{message}");
    }
    Ok(())
}

fn wrong_results(device: Device) -> Result<(), Failed> {
    let (adapter, device, queue) = open(device, wgpu::Limits::defaults())?;
    let builder = Segmenter::builder(&model()?).wgpu(&adapter, device.clone(), queue.clone());
    let error = builder.inject_faults(FaultInjection::computes_nothing()).build().err().ok_or("it was taken")?;
    assert!(matches!(error, Error::WrongResults { .. }), "{error}");
    // The program's device stays open.
    assert_eq!(copied(&device, &queue, 7)?, 7);
    Ok(())
}
