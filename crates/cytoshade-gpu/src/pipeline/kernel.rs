//! A compiled shader, alone and with bound buffers.

use std::sync::Arc;

use super::Variant;

/// A pipeline and the layout of its bind group.
#[derive(Debug)]
pub(crate) struct Kernel {
    pub(crate) variant: Variant,
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

impl Kernel {
    /// Compiles a variant from its `source`.
    pub(crate) fn new(
        device: &wgpu::Device,
        variant: Variant,
        source: String,
        cache: Option<&wgpu::PipelineCache>,
    ) -> Self {
        let Variant { shader, constants, .. } = &variant;
        let label = Some(shader.name);
        let entry = |binding: usize, ty: wgpu::BufferBindingType| wgpu::BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: wgpu::ShaderStages::COMPUTE,
            ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: false, min_binding_size: None },
            count: None,
        };
        let mut entries = vec![entry(0, wgpu::BufferBindingType::Uniform)];
        for (at, storage) in shader.storage.iter().enumerate() {
            entries.push(entry(at + 1, wgpu::BufferBindingType::Storage { read_only: !storage.write }));
        }
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label,
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label,
            source: wgpu::ShaderSource::Wgsl(source.into()),
        });
        let constants: Vec<(&str, f64)> = constants.iter().map(|&(name, value)| (name, f64::from(value))).collect();
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(shader.entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Every shader writes its workgroup memory before reading it.
                zero_initialize_workgroup_memory: false,
            },
            cache,
        });
        Self { variant, pipeline, layout }
    }

    /// Binds the uniform buffer of parameters and the storage buffers, in the order of the shader's list.
    pub(crate) fn bind(
        self: &Arc<Self>,
        device: &wgpu::Device,
        params: &wgpu::Buffer,
        storage: &[&wgpu::Buffer],
    ) -> Bound {
        let shader = self.variant.shader;
        debug_assert_eq!(storage.len(), shader.storage.len(), "{}", shader.name);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = std::iter::once(params)
            .chain(storage.iter().copied())
            .enumerate()
            .map(|(at, buffer)| wgpu::BindGroupEntry { binding: at as u32, resource: buffer.as_entire_binding() })
            .collect();
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(shader.name),
            layout: &self.layout,
            entries: &entries,
        });
        Bound { kernel: Arc::clone(self), group }
    }
}

/// A kernel with its buffers.
#[derive(Debug)]
pub(crate) struct Bound {
    kernel: Arc<Kernel>,
    group: wgpu::BindGroup,
}

impl Bound {
    /// Records a dispatch of `grid` workgroups.
    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, grid: [u32; 3]) {
        pass.set_pipeline(&self.kernel.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
    }
}
