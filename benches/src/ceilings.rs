//! What an adapter does at most, measured: the share that a kernel reaches of it says more than its time.

use std::time::Instant;

use cytoshade_gpu::Gpu;

/// Invocations of a measurement.
const INVOCATIONS: u32 = 1 << 20;
/// Operations of an invocation of `multiply_add`: rounds, sums, repetitions, values, multiplication and addition.
const OPERATIONS: u64 = 64 * 8 * 8 * 4 * 2;
/// The fastest of so many counts.
const TRIES: usize = 8;

/// The ceilings of an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    /// Floating-point operations a second in f32.
    pub operations: f64,
    /// Bytes a second, read and written.
    pub bytes: f64,
}

impl std::fmt::Display for Ceilings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} GFLOP/s in f32, {:.1} GB/s", self.operations / 1e9, self.bytes / 1e9)
    }
}

impl Ceilings {
    /// Measures a device.
    pub fn measure(gpu: &Gpu) -> Self {
        let (device, queue) = gpu.wgpu();
        let buffer = |label| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: u64::from(INVOCATIONS) * 16,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        };
        let (source, destination) = (buffer("source"), buffer("destination"));
        let module = device.create_shader_module(wgpu::include_wgsl!("ceilings.wgsl"));
        let fastest = |entry, repeat: u32| {
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(entry),
                layout: None,
                module: &module,
                entry_point: Some(entry),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            });
            let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
                label: None,
                layout: &pipeline.get_bind_group_layout(0),
                entries: &[
                    wgpu::BindGroupEntry { binding: 0, resource: source.as_entire_binding() },
                    wgpu::BindGroupEntry { binding: 1, resource: destination.as_entire_binding() },
                ],
            });
            let run = || {
                let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
                {
                    let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                    pass.set_pipeline(&pipeline);
                    pass.set_bind_group(0, &group, &[]);
                    for _ in 0..repeat {
                        pass.dispatch_workgroups(INVOCATIONS / 64 / 4, 1, 1);
                    }
                }
                let begin = Instant::now();
                queue.submit([encoder.finish()]);
                device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
                begin.elapsed().as_secs_f64() / f64::from(repeat)
            };
            (0..TRIES).map(|_| run()).fold(f64::INFINITY, f64::min)
        };
        let invocations = f64::from(INVOCATIONS / 4);
        let repeat = if gpu.facts().software { 1 } else { 20 };
        Self {
            operations: invocations * OPERATIONS as f64 / fastest("multiply_add", repeat),
            bytes: invocations * 32.0 / fastest("copy", repeat),
        }
    }
}
