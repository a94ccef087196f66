//! A device that a program owns: several [`Gpu`]s and the program's own work share it, its handlers remain the
//! program's, and its loss is detected.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cytoshade_core::Planes;
use cytoshade_gpu::{
    Batch, DeviceOptions, DeviceOverride, Error, FaultInjection, Gpu, GpuPlanes, Missing, Network, follow_flows, wgpu,
};
use cytoshade_tests::gpu;
use cytoshade_tests::random::Random;
use libtest_mimic::{Failed, Trial};
use pollster::block_on;

const SIDE: usize = 16;
const TILES: usize = 3;

pub(crate) fn trials(gpu: &Option<Gpu>) -> Vec<Trial> {
    vec![
        gpu::trial(gpu, "shared::two share a device with the program's own work", None, two_share_a_device),
        gpu::trial(gpu, "shared::optional features of a device are used", None, features_are_used),
        gpu::trial(gpu, "shared::a device that lacks limits is an error that lists them", None, missing_limits),
        gpu::trial(gpu, "shared::errors reach the caller and not the program's handler", None, errors_stay_inside),
        gpu::trial(gpu, "shared::a lost device is noticed", None, loss_is_noticed),
        gpu::trial(gpu, "shared::closing leaves the device open", None, closing_leaves_it_open),
    ]
}

/// A program with a device of its own, and counters of the calls of its handlers.
struct Program {
    adapter: wgpu::Adapter,
    device: wgpu::Device,
    queue: wgpu::Queue,
    errors: Arc<AtomicUsize>,
    losses: Arc<AtomicUsize>,
}

impl Program {
    /// Opens the adapter of `gpu` as a program would.
    fn open(gpu: &Gpu, features: wgpu::Features, limits: wgpu::Limits) -> Result<Self, Failed> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle_from_env());
        let adapters = block_on(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
        let same = |adapter: &wgpu::Adapter| {
            let found = adapter.get_info();
            (found.name.as_str(), found.backend.to_string()) == (gpu.info().name.as_str(), gpu.info().backend.clone())
        };
        let adapter = adapters.into_iter().find(same).ok_or("the adapter is not listed")?;
        let descriptor = wgpu::DeviceDescriptor {
            required_features: features & adapter.features(),
            required_limits: limits,
            ..wgpu::DeviceDescriptor::default()
        };
        let (device, queue) = block_on(adapter.request_device(&descriptor))?;
        let (errors, losses) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&errors);
        device.on_uncaptured_error(Arc::new(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let count = Arc::clone(&losses);
        device.set_device_lost_callback(move |_, _| {
            count.fetch_add(1, Ordering::SeqCst);
        });
        Ok(Self { adapter, device, queue, errors, losses })
    }

    /// With WebGPU's defaults.
    fn plain(gpu: &Gpu) -> Result<Self, Failed> {
        Self::open(gpu, wgpu::Features::empty(), wgpu::Limits::defaults())
    }

    fn share(&self, faults: FaultInjection) -> Result<Gpu, Error> {
        let mut options = DeviceOptions::default();
        options.faults = faults;
        block_on(Gpu::from_parts(&self.adapter, self.device.clone(), self.queue.clone(), &options))
    }

    /// The program's own work: doubles some values in a compute pass.
    fn double(&self, values: &[f32]) -> Result<Vec<f32>, Failed> {
        let Self { device, queue, .. } = self;
        let bytes = size_of_val(values) as u64;
        let buffer = |usage| {
            device.create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false })
        };
        let (storage, copies) = (wgpu::BufferUsages::STORAGE, wgpu::BufferUsages::COPY_DST);
        let data = buffer(storage | copies | wgpu::BufferUsages::COPY_SRC);
        let back = buffer(copies | wgpu::BufferUsages::MAP_READ);
        queue.write_buffer(&data, 0, &values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>());
        let source = "@group(0) @binding(0) var<storage, read_write> data: array<f32>;
            @compute @workgroup_size(64) fn double(@builtin(global_invocation_id) id: vec3u) {
                if id.x < arrayLength(&data) { data[id.x] *= 2.0; }
            }";
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: None,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: None,
            layout: None,
            module: &module,
            entry_point: None,
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry { binding: 0, resource: data.as_entire_binding() }],
        });
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        pass.set_pipeline(&pipeline);
        pass.set_bind_group(0, &group, &[]);
        pass.dispatch_workgroups(values.len().div_ceil(64) as u32, 1, 1);
        drop(pass);
        encoder.copy_buffer_to_buffer(&data, 0, &back, 0, Some(bytes));
        queue.submit([encoder.finish()]);
        back.map_async(wgpu::MapMode::Read, .., |_| {});
        device.poll(wgpu::PollType::wait_indefinitely())?;
        let view = back.get_mapped_range(..)?;
        Ok(view.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect())
    }

    fn handler_calls(&self) -> (usize, usize) {
        (self.errors.load(Ordering::SeqCst), self.losses.load(Ordering::SeqCst))
    }
}

fn network(gpu: &Gpu, seed: u64) -> Result<Network, Error> {
    block_on(Network::new(gpu, &Random(seed).cpnet(&[2, 5, 7], 3).network()))
}

fn run(network: &Network) -> Result<Batch, Error> {
    let tiles = Random(3).vector(TILES * 2 * SIDE * SIDE, -1.0, 1.0);
    block_on(network.run(&tiles, TILES, SIDE, SIDE))
}

fn two_share_a_device(gpu: &Gpu) -> Result<(), Failed> {
    let program = Program::plain(gpu)?;
    let shared = [program.share(FaultInjection::default())?, program.share(FaultInjection::default())?];
    let networks = [network(&shared[0], 5)?, network(&shared[1], 6)?];
    // Kernels depend on the device's features, so the expected outputs are those of the same device, one after another.
    let expected = [run(&networks[0])?, run(&networks[1])?];
    let owned = run(&network(gpu, 5)?)?;
    let net = Random(5).cpnet(&[2, 5, 7], 3);
    let tiles = Random(3).vector(TILES * 2 * SIDE * SIDE, -1.0, 1.0);
    net.batch(&tiles, SIDE, SIDE).compare_within(1e-5, &expected[0].outputs, &expected[0].styles)?;
    net.batch(&tiles, SIDE, SIDE).compare_within(1e-5, &owned.outputs, &owned.styles)?;
    assert_ne!(expected[0], expected[1]);

    let values = Random(7).vector(1000, -1.0, 1.0);
    let doubled: Vec<f32> = values.iter().map(|value| 2.0 * value).collect();
    std::thread::scope(|scope| {
        let runs: Vec<_> = networks
            .iter()
            .map(|network| scope.spawn(|| (0..5).map(|_| run(network)).collect::<Result<Vec<_>, _>>()))
            .collect();
        for _ in 0..5 {
            assert_eq!(program.double(&values)?, doubled);
        }
        for (run, expected) in runs.into_iter().zip(&expected) {
            let batches = run.join().map_err(|_| "a thread panicked")??;
            assert!(batches.iter().all(|batch| batch == expected));
        }
        Ok::<_, Failed>(())
    })?;
    assert_eq!(program.handler_calls(), (0, 0));
    Ok(())
}

fn features_are_used(gpu: &Gpu) -> Result<(), Failed> {
    let all = wgpu::Features::SHADER_F16
        | wgpu::Features::SUBGROUP
        | wgpu::Features::SHADER_INT64
        | wgpu::Features::TIMESTAMP_QUERY;
    let program = Program::open(gpu, all, wgpu::Limits::defaults())?;
    let shared = program.share(FaultInjection::default())?;
    let (found, owned) = (shared.capabilities(), gpu.capabilities());
    assert_eq!((found.f16, found.int64, found.subgroups), (owned.f16, owned.int64, owned.subgroups));
    assert_eq!(found.software, owned.software);
    assert_eq!(found.binding, 128 << 20);
    let plain = Program::plain(gpu)?.share(FaultInjection::default())?;
    let found = plain.capabilities();
    assert_eq!((found.f16, found.int64, found.subgroups), (false, false, None));
    Ok(())
}

fn missing_limits(gpu: &Gpu) -> Result<(), Failed> {
    let mut limits = wgpu::Limits::defaults();
    limits.max_storage_buffers_per_shader_stage = 4;
    limits.max_compute_invocations_per_workgroup = 128;
    limits.max_compute_workgroup_size_x = 128;
    limits.max_compute_workgroup_size_y = 128;
    let program = Program::open(gpu, wgpu::Features::empty(), limits)?;
    let error = program.share(FaultInjection::default()).err().ok_or("the device was taken")?;
    let Error::TooWeak { missing, .. } = &error else { return Err(error.to_string().into()) };
    let limit = |name, found, needed| Missing::Limit { name, found, needed };
    let expected = [
        limit("maxStorageBuffersPerShaderStage", 4, 8),
        limit("maxComputeInvocationsPerWorkgroup", 128, 256),
        limit("maxComputeWorkgroupSizeX", 128, 256),
    ];
    assert_eq!(missing.0, expected);
    assert!(error.to_string().contains("maxStorageBuffersPerShaderStage is 4 (needed: 8)"), "{error}");
    Ok(())
}

fn errors_stay_inside(gpu: &Gpu) -> Result<(), Failed> {
    let program = Program::plain(gpu)?;
    // Shaders that do not compile, on the threads that build pipelines.
    let device_override = Some(DeviceOverride { capabilities: |_| (), source: |source| source.replace("fn ", "fun ") });
    let broken = program.share(FaultInjection { device_override, ..FaultInjection::default() })?;
    let found = network(&broken, 5).map(drop);
    assert!(matches!(found, Err(Error::Refused { .. })), "{found:?}");
    let memory = program.share(FaultInjection { memory: Some(64), ..FaultInjection::default() })?;
    let found = network(&memory, 5).map(drop);
    assert!(matches!(found, Err(Error::OutOfMemory { .. })), "{found:?}");
    let good = program.share(FaultInjection::default())?;
    run(&network(&good, 5)?)?;
    assert_eq!(program.handler_calls(), (0, 0));

    // The program's handler works as before.
    let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::STORAGE;
    let invalid = wgpu::BufferDescriptor { label: None, size: 4, usage, mapped_at_creation: false };
    let _ = program.device.create_buffer(&invalid);
    assert_eq!(program.handler_calls(), (1, 0));
    run(&network(&good, 5)?)?;
    Ok(())
}

fn loss_is_noticed(gpu: &Gpu) -> Result<(), Failed> {
    let program = Program::plain(gpu)?;
    let shared = [program.share(FaultInjection::default())?, program.share(FaultInjection::default())?];
    let network = network(&shared[0], 5)?;
    run(&network)?;
    let planes = block_on(GpuPlanes::upload(&shared[1], &Planes::zeros(3, 8, 8)))?;
    assert!(shared.iter().all(|gpu| !gpu.is_lost()));
    program.device.destroy();
    for error in [
        run(&network).err(),
        run(&network).err(),
        block_on(follow_flows(&shared[1], &planes, 0.0, 200, true)).err(),
        block_on(GpuPlanes::upload(&shared[1], &Planes::zeros(3, 8, 8))).err(),
        program.share(FaultInjection::default()).err(),
    ] {
        assert!(matches!(error, Some(Error::Lost { .. })), "{error:?}");
    }
    assert!(shared.iter().all(Gpu::is_lost) && !gpu.is_lost());
    program.device.poll(wgpu::PollType::Poll)?;
    assert_eq!(program.handler_calls(), (0, 1), "the program's callback was called");
    Ok(())
}

fn closing_leaves_it_open(gpu: &Gpu) -> Result<(), Failed> {
    let program = Program::plain(gpu)?;
    let shared = [program.share(FaultInjection::default())?, program.share(FaultInjection::default())?];
    let networks = [network(&shared[0], 5)?, network(&shared[1], 5)?];
    let expected = run(&networks[1])?;
    shared[0].close();
    assert!(matches!(run(&networks[0]), Err(Error::Lost { .. })));
    assert!(shared[0].is_lost() && !shared[1].is_lost());
    assert_eq!(run(&networks[1])?, expected);
    assert_eq!(program.double(&[1.0, -2.0])?, [2.0, -4.0]);
    assert_eq!(program.handler_calls(), (0, 0));
    Ok(())
}
