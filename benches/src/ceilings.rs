//! Measures the limits of an adapter: operations and bytes per second, as a yardstick for kernels.

use std::time::Instant;

use cytoshade_gpu::{Gpu, Precision};
use cytoshade_shaders::{CONV3X3_MATRIX8, CONV3X3_MATRIX16, Shader, overrides};

/// Number of vec4s in a buffer.
const VALUES: u32 = 1 << 20;
/// Invocations of `copy` and `multiply_add`.
const INVOCATIONS: u32 = VALUES / 4;
/// Operations per invocation of `multiply_add`.
///
/// They are rounds x sums x repetitions x values x (multiplication and addition).
const OPERATIONS: u64 = 64 * 8 * 8 * 4 * 2;
/// Workgroups of `multiply_matrices`.
const SUBGROUPS: u32 = 1 << 12;
/// Operations per workgroup of `multiply_matrices`, divided by side^3 of the matrices.
///
/// They are rounds x sums x (multiplication and addition).
const MATRIX_OPERATIONS: u64 = 64 * 8 * 2;
/// Repetitions of a measurement, of which the fastest counts.
const TRIES: usize = 8;

/// The ceilings of an adapter.
#[derive(Clone, Copy, Debug)]
pub struct Ceilings {
    /// Floating-point operations per second in f32.
    pub operations: f64,
    /// Bytes per second, read and written.
    pub bytes: f64,
    /// Operations per second on subgroup matrices, f16 into f32, if the device has them.
    pub matrices: Option<f64>,
}

impl std::fmt::Display for Ceilings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} GFLOP/s in f32, {:.1} GB/s", self.operations / 1e9, self.bytes / 1e9)?;
        match self.matrices {
            Some(matrices) => write!(f, ", {:.1} GFLOP/s on matrices of f16", matrices / 1e9),
            None => Ok(()),
        }
    }
}

impl Ceilings {
    /// Measures a device.
    pub fn measure(gpu: &Gpu) -> Self {
        let meter = Meter::new(gpu);
        let plain = wgpu::include_wgsl!("ceilings.wgsl").source;
        let invocations = f64::from(INVOCATIONS);
        let add = meter.seconds(plain.clone(), "multiply_add", &[], INVOCATIONS / 64);
        let copy = meter.seconds(plain, "copy", &[], INVOCATIONS / 64);
        let side = gpu.capabilities().matrices.iter().copied().filter(|side| [8, 16].contains(side)).max();
        let matrices = side.zip(gpu.capabilities().subgroups).map(|(side, (lanes, _))| {
            let source = wgpu::ShaderSource::Wgsl(matrix_source(side).into());
            let seconds =
                meter.seconds(source, "multiply_matrices", &[(overrides::LANES, f64::from(lanes))], SUBGROUPS);
            f64::from(SUBGROUPS) * (MATRIX_OPERATIONS * u64::from(side).pow(3)) as f64 / seconds
        });
        Self { operations: invocations * OPERATIONS as f64 / add, bytes: invocations * 32.0 / copy, matrices }
    }

    /// The larger of each figure.
    pub fn max(self, other: Self) -> Self {
        Self {
            operations: self.operations.max(other.operations),
            bytes: self.bytes.max(other.bytes),
            matrices: self.matrices.into_iter().chain(other.matrices).reduce(f64::max),
        }
    }
}

/// `multiply_matrices` on the matrices of the convolution's own shader.
fn matrix_source(side: u32) -> String {
    let shader = if side == 8 { CONV3X3_MATRIX8 } else { CONV3X3_MATRIX16 };
    // The piece before the shader's own file enables matrices and defines their types.
    let matrices = Shader { pieces: &shader.pieces[shader.pieces.len() - 2..shader.pieces.len() - 1], ..shader };
    matrices.source(Precision::F16) + include_str!("ceilings_matrix.wgsl")
}

/// Runs shaders and measures their time.
struct Meter<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    source: wgpu::Buffer,
    destination: wgpu::Buffer,
    /// Dispatches per measurement: a single one is too short on hardware.
    repeat: u32,
}

impl<'a> Meter<'a> {
    fn new(gpu: &'a Gpu) -> Self {
        let (device, queue) = gpu.wgpu();
        let buffer = |label| {
            device.create_buffer(&wgpu::BufferDescriptor {
                label: Some(label),
                size: u64::from(VALUES) * 16,
                usage: wgpu::BufferUsages::STORAGE,
                mapped_at_creation: false,
            })
        };
        let repeat = if gpu.capabilities().software { 1 } else { 20 };
        Self { device, queue, source: buffer("source"), destination: buffer("destination"), repeat }
    }

    /// The shortest time of a dispatch, in seconds.
    fn seconds(&self, source: wgpu::ShaderSource<'_>, entry: &str, constants: &[(&str, f64)], groups: u32) -> f64 {
        let Self { device, queue, .. } = self;
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor { label: Some(entry), source });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(entry),
            layout: None,
            module: &module,
            entry_point: Some(entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants,
                ..wgpu::PipelineCompilationOptions::default()
            },
            cache: None,
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: None,
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: self.source.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: self.destination.as_entire_binding() },
            ],
        });
        let run = || {
            let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            {
                let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
                pass.set_pipeline(&pipeline);
                pass.set_bind_group(0, &group, &[]);
                for _ in 0..self.repeat {
                    pass.dispatch_workgroups(groups, 1, 1);
                }
            }
            let begin = Instant::now();
            queue.submit([encoder.finish()]);
            device.poll(wgpu::PollType::wait_indefinitely()).expect("the device finishes");
            begin.elapsed().as_secs_f64() / f64::from(self.repeat)
        };
        (0..TRIES).map(|_| run()).fold(f64::INFINITY, f64::min)
    }
}
