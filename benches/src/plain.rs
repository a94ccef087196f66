//! The baseline of the 3x3 kernels: a plain tiled convolution, run on the layers of a network.

use cytoshade_core::{Conv, Convolution, Network, Operation, Plan, Shortcut, Storage, Weights};
use cytoshade_gpu::{Gpu, Precision};
use cytoshade_shaders::{CONV3X3_GEMM8, Shader, overrides};
use half::f16;

use crate::Numbers;

/// The shader, with the shared parts of the family: the same layout, prologue and epilogue.
const PLAIN: Shader = Shader {
    name: "conv3x3_plain",
    pieces: &[
        CONV3X3_GEMM8.pieces[0],
        CONV3X3_GEMM8.pieces[1],
        CONV3X3_GEMM8.pieces[2],
        CONV3X3_GEMM8.pieces[3],
        CONV3X3_GEMM8.pieces[4],
        include_str!("plain.wgsl"),
    ],
    entry: "conv3x3_plain",
    workgroup: [SIDE * SIDE, 1, 1],
    overrides: &[overrides::SKIP],
    ..CONV3X3_GEMM8
};

/// Rows and columns of a workgroup.
const SIDE: u32 = 8;

/// Number of outputs per layer that are checked.
const SAMPLES: u32 = 1000;

/// Inputs and outputs of the layers, shared by all of them: noise.
///
/// Values are f32, rounded to the storage type.
struct Noise {
    source: Values,
    skip: Values,
    added: Values,
    style: Values,
    destination: wgpu::Buffer,
}

struct Values {
    values: Vec<f32>,
    buffer: wgpu::Buffer,
}

/// A convolution of the plan.
struct Layer<'a> {
    conv: &'a Conv,
    shortcut: Option<(&'a Conv, Shortcut)>,
    width: usize,
    outputs: usize,
    upsample: bool,
    skip: bool,
    /// Offset and stride of the added vector in its buffer.
    vector: Option<[usize; 2]>,
    residual: bool,
    group: wgpu::BindGroup,
    grid: [u32; 3],
}

/// The 3x3 convolutions of a network on a device.
pub struct Plain<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
    precision: Precision,
    tiles: usize,
    noise: Noise,
    /// Without a skip and with one.
    pipelines: [wgpu::ComputePipeline; 2],
    layers: Vec<Layer<'a>>,
}

impl std::fmt::Debug for Plain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plain").field("layers", &self.layers.len()).finish_non_exhaustive()
    }
}

/// Number of stored channels.
fn padded(channels: usize) -> usize {
    channels.next_multiple_of(4)
}

impl<'a> Plain<'a> {
    /// The 3x3 convolutions of a network's plan, for `tiles` tiles of `side` x `side` pixels.
    pub fn new(gpu: &'a Gpu, network: &'a Network, precision: Precision, tiles: usize, side: usize) -> Self {
        let (device, queue) = gpu.wgpu();
        let plan = network.plan();
        let largest = |storage| {
            let buffers = plan.buffers().iter().enumerate().filter(|(_, buffer)| buffer.storage() == storage);
            buffers.map(|(at, _)| plan.buffer_len(at, side, side, 4)).max().unwrap_or(0) * tiles
        };
        let mut numbers = Numbers(3);
        let mut noise = |len| {
            let values = numbers.vector(len, 1.0);
            let values: Vec<f32> = match precision {
                Precision::F32 => values,
                Precision::F16 => values.into_iter().map(|value| f16::from_f32(value).to_f32()).collect(),
            };
            Values { buffer: upload(device, queue, &stored(&values, precision)), values }
        };
        let [source, skip, added] = [(); 3].map(|()| noise(largest(Storage::Activations)));
        let style = numbers.vector(largest(Storage::Vectors), 1.0);
        let style = Values { buffer: upload(device, queue, bytemuck::cast_slice(&style)), values: style };
        let destination =
            buffer(device, source.buffer.size(), wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC);
        let noise = Noise { source, skip, added, style, destination };
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(PLAIN.name),
            source: wgpu::ShaderSource::Wgsl(PLAIN.source(precision).into()),
        });
        let layout = bind_group_layout(device);
        let pipelines = [0.0, 1.0].map(|skip| pipeline(device, &layout, &module, skip));
        let mut plain = Self { device, queue, precision, tiles, noise, pipelines, layers: Vec::new() };
        let convolutions = plan.operations().iter().filter_map(convolution_3x3);
        plain.layers = convolutions.map(|it| plain.layer(it, plan, network.weights(), &layout, side)).collect();
        plain
    }

    fn layer(
        &self,
        convolution: &Convolution,
        plan: &Plan,
        all: &'a Weights,
        layout: &wgpu::BindGroupLayout,
        side: usize,
    ) -> Layer<'a> {
        let &Convolution { upsample, skip, vector, residual, shortcut, target, .. } = convolution;
        let conv = &all[convolution.weights];
        let shortcut = shortcut.map(|shortcut| (&all[shortcut.weights], shortcut));
        let vector = vector.map(|id| [plan.offset(id, side, side, 4), plan.group_len(id, side, side, 4)]);
        let (_, width) = plan[target].size(side, side);
        let quads = |channels: usize| channels.div_ceil(4) as u32;
        let params = [
            width as u32,
            width as u32,
            quads(conv.inputs()),
            quads(conv.outputs()),
            u32::from(upsample),
            if conv.relu() { 0.0 } else { f32::MIN }.to_bits(),
            vector.map_or(0, |[_, stride]| quads(stride)),
            vector.map_or(0, |[offset, _]| quads(offset)),
            u32::from(residual.is_some()),
            shortcut.map_or(0, |(conv, _)| quads(conv.inputs())),
            shortcut.map_or(0, |(_, shortcut)| u32::from(shortcut.upsample)),
            self.tiles as u32,
        ];
        let proj = shortcut.map(|(conv, _)| conv);
        let upload = |bytes: &[u8]| upload(self.device, self.queue, bytes);
        let params = upload(bytemuck::cast_slice(&params));
        let weights = upload(&stored(&weights(conv, proj), self.precision));
        let vectors = upload(bytemuck::cast_slice(&vectors(conv, proj)));
        let Noise { source, skip: skips, added, style: styles, destination } = &self.noise;
        let buffers =
            [&params, &source.buffer, &skips.buffer, &added.buffer, &weights, &vectors, &styles.buffer, destination];
        let entries: Vec<_> = (0..)
            .zip(buffers)
            .map(|(binding, buffer)| wgpu::BindGroupEntry { binding, resource: buffer.as_entire_binding() })
            .collect();
        let group =
            self.device.create_bind_group(&wgpu::BindGroupDescriptor { label: None, layout, entries: &entries });
        let blocks = (width as u32).div_ceil(SIDE);
        Layer {
            conv,
            shortcut,
            width,
            outputs: conv.outputs(),
            upsample,
            skip: skip.is_some(),
            vector,
            residual: residual.is_some(),
            group,
            grid: [blocks, blocks * quads(conv.outputs()), self.tiles as u32],
        }
    }

    /// The largest relative L2 error of a layer's outputs against sums in f64, from samples.
    pub fn error(&self) -> f64 {
        let errors = self.layers.iter().map(|layer| {
            let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            self.encode(&mut encoder, layer, None);
            let found = self.read(encoder, &self.noise.destination);
            let found: Vec<f32> = match self.precision {
                Precision::F32 => bytemuck::pod_collect_to_vec(&found),
                Precision::F16 => bytemuck::pod_collect_to_vec(&found).into_iter().map(f16::to_f32).collect(),
            };
            let (mut off, mut norm) = (0.0, 0.0);
            for sample in 0..SAMPLES {
                // Spread over all, corners among them.
                let values = self.tiles * layer.width * layer.width * layer.outputs;
                let at = (values - 1) as u64 * u64::from(sample) / u64::from(SAMPLES - 1);
                let (pixel, output) = (at as usize / layer.outputs, at as usize % layer.outputs);
                let expected = self.expected(layer, pixel, output);
                off += (f64::from(found[pixel * padded(layer.outputs) + output]) - expected).powi(2);
                norm += expected.powi(2);
            }
            (off / norm).sqrt()
        });
        errors.fold(0.0, f64::max)
    }

    /// One output by the formula, in f64.
    fn expected(&self, layer: &Layer<'_>, pixel: usize, output: usize) -> f64 {
        let (width, conv) = (layer.width, layer.conv);
        let (tile, y, x) = (pixel / width / width, pixel / width % width, pixel % width);
        let Noise { source, skip, added, style, .. } = &self.noise;
        let value = |values: &Values, at: usize| f64::from(values.values[at]);
        // The position of a pixel's first channel in a tensor of `channels`, doubled or not.
        let place = |y: usize, x: usize, channels: usize, doubled: bool| {
            let (halve, width) = (usize::from(doubled), width >> usize::from(doubled));
            ((tile * width + (y >> halve)) * width + (x >> halve)) * padded(channels)
        };
        let mut sum = f64::from(conv.bias()[output]);
        for (at, &weight) in conv.weight()[output * conv.inputs() * 9..][..conv.inputs() * 9].iter().enumerate() {
            let (input, ky, kx) = (at / 9, at / 3 % 3, at % 3);
            let (y, x) = ((y + ky).wrapping_sub(1), (x + kx).wrapping_sub(1));
            if y >= width || x >= width {
                continue;
            }
            let at = place(y, x, conv.inputs(), layer.upsample) + input;
            let mut v = value(source, at);
            if layer.skip {
                v += value(skip, at);
            }
            if let Some([offset, stride]) = layer.vector {
                v += value(style, tile * stride + offset + input);
            }
            v = v * f64::from(conv.scale()[input]) + f64::from(conv.shift()[input]);
            sum += f64::from(weight) * if conv.relu() { v.max(0.0) } else { v };
        }
        if layer.residual {
            sum += value(added, pixel * padded(layer.outputs) + output);
        }
        if let Some((proj, Shortcut { upsample, .. })) = layer.shortcut {
            sum += f64::from(proj.bias()[output]);
            let at = place(y, x, proj.inputs(), upsample);
            for (input, &weight) in proj.weight()[output * proj.inputs()..][..proj.inputs()].iter().enumerate() {
                let v = value(added, at + input) * f64::from(proj.scale()[input]) + f64::from(proj.shift()[input]);
                sum += f64::from(weight) * v;
            }
        }
        sum
    }

    /// Seconds that each layer takes, in the order of the plan, by the device's clock.
    pub fn seconds(&self) -> Vec<f64> {
        let count = 2 * self.layers.len() as u32;
        let queries = self.device.create_query_set(&wgpu::QuerySetDescriptor {
            label: None,
            ty: wgpu::QueryType::Timestamp,
            count,
        });
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let resolved = buffer(self.device, 8 * u64::from(count), usage);
        let mut encoder = self.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        for (at, layer) in (0..).zip(&self.layers) {
            let writes = wgpu::ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(2 * at),
                end_of_pass_write_index: Some(2 * at + 1),
            };
            self.encode(&mut encoder, layer, Some(writes));
        }
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        let ticks: Vec<[u64; 2]> = bytemuck::pod_collect_to_vec(&self.read(encoder, &resolved));
        let tick = f64::from(self.queue.get_timestamp_period()) * 1e-9;
        ticks.into_iter().map(|[begin, end]| end.saturating_sub(begin) as f64 * tick).collect()
    }

    fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        layer: &Layer<'_>,
        timestamp_writes: Option<wgpu::ComputePassTimestampWrites<'_>>,
    ) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor { label: None, timestamp_writes });
        pass.set_pipeline(&self.pipelines[usize::from(layer.skip)]);
        pass.set_bind_group(0, &layer.group, &[]);
        let [x, y, z] = layer.grid;
        pass.dispatch_workgroups(x, y, z);
    }

    /// Submits what was recorded, and gives what is in a buffer then.
    fn read(&self, mut encoder: wgpu::CommandEncoder, from: &wgpu::Buffer) -> Vec<u8> {
        let back = buffer(self.device, from.size(), wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST);
        encoder.copy_buffer_to_buffer(from, 0, &back, 0, None);
        self.queue.submit([encoder.finish()]);
        back.map_async(wgpu::MapMode::Read, .., |mapped| mapped.expect("what was computed can be read"));
        self.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        back.get_mapped_range(..).expect("it is mapped").to_vec()
    }
}

/// The 3x3 convolution that an operation is, if it is one.
pub fn convolution_3x3(operation: &Operation) -> Option<&Convolution> {
    match operation {
        Operation::Convolution(convolution) if convolution.kernel == 3 => Some(convolution),
        _ => None,
    }
}

fn bind_group_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    let storage = PLAIN.storage.iter().map(|storage| wgpu::BufferBindingType::Storage { read_only: !storage.write });
    let entry = |(at, ty): (usize, wgpu::BufferBindingType)| wgpu::BindGroupLayoutEntry {
        binding: at as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
        count: None,
    };
    let entries: Vec<_> =
        std::iter::once(wgpu::BufferBindingType::Uniform).chain(storage).enumerate().map(entry).collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: None, entries: &entries })
}

fn pipeline(
    device: &wgpu::Device,
    layout: &wgpu::BindGroupLayout,
    module: &wgpu::ShaderModule,
    skip: f64,
) -> wgpu::ComputePipeline {
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: None,
        bind_group_layouts: &[Some(layout)],
        immediate_size: 0,
    });
    device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(PLAIN.name),
        layout: Some(&layout),
        module,
        entry_point: Some(PLAIN.entry),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &[(overrides::SKIP, skip)],
            // As in the product.
            zero_initialize_workgroup_memory: false,
        },
        cache: None,
    })
}

/// Values as they are stored.
fn stored(values: &[f32], precision: Precision) -> Vec<u8> {
    match precision {
        Precision::F32 => bytemuck::cast_slice(values).to_vec(),
        Precision::F16 => values.iter().flat_map(|&value| f16::from_f32(value).to_ne_bytes()).collect(),
    }
}

fn upload(device: &wgpu::Device, queue: &wgpu::Queue, bytes: &[u8]) -> wgpu::Buffer {
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
    let buffer = buffer(device, bytes.len() as u64, usage);
    queue.write_buffer(&buffer, 0, bytes);
    buffer
}

fn buffer(device: &wgpu::Device, size: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
    let size = size.max(64);
    device.create_buffer(&wgpu::BufferDescriptor { label: None, size, usage, mapped_at_creation: false })
}

/// The weights in the shader's order: those of `proj`, scaled by its norm, come last.
fn weights(conv: &Conv, proj: Option<&Conv>) -> Vec<f32> {
    let quads = |channels: usize| channels.div_ceil(4);
    let ours = quads(conv.outputs()) * quads(conv.inputs()) * 9 * 16;
    let mut packed = vec![0.0; ours];
    for (at, &weight) in conv.weight().iter().enumerate() {
        let (output, input, place) = (at / 9 / conv.inputs(), at / 9 % conv.inputs(), at % 9);
        let row = (output / 4 * quads(conv.inputs()) + input / 4) * 9 + place;
        packed[row * 16 + input % 4 * 4 + output % 4] = weight;
    }
    if let Some(proj) = proj {
        packed.resize(ours + quads(proj.outputs()) * quads(proj.inputs()) * 16, 0.0);
        for (at, &weight) in proj.weight().iter().enumerate() {
            let (output, input) = (at / proj.inputs(), at % proj.inputs());
            let row = output / 4 * quads(proj.inputs()) + input / 4;
            packed[ours + row * 16 + input % 4 * 4 + output % 4] = weight * proj.scale()[input];
        }
    }
    packed
}

/// Scale, shift and bias, the bias with what is constant of `proj`.
fn vectors(conv: &Conv, proj: Option<&Conv>) -> Vec<f32> {
    let mut bias = conv.bias().to_vec();
    if let Some(proj) = proj {
        for (output, bias) in bias.iter_mut().enumerate() {
            let row = &proj.weight()[output * proj.inputs()..][..proj.inputs()];
            *bias += proj.bias()[output] + row.iter().zip(proj.shift()).map(|(w, s)| w * s).sum::<f32>();
        }
    }
    let mut packed = Vec::new();
    for vector in [conv.scale(), conv.shift(), &bias] {
        packed.extend_from_slice(vector);
        packed.resize(padded(packed.len()), 0.0);
    }
    packed
}
