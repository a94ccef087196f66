//! A shader made into a pipeline, its bind groups and its grid.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use cytoshade_shaders::{Precision, Shader};

use crate::device::{Gpu, lock};
use crate::error::Error;

/// A shader, what it stores activations in, and the values of its override constants.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variant {
    pub(crate) shader: Shader,
    pub(crate) precision: Precision,
    pub(crate) constants: Vec<(&'static str, u32)>,
}

impl Variant {
    pub(crate) fn new(shader: Shader) -> Self {
        Self { shader, precision: Precision::F32, constants: Vec::new() }
    }

    /// For activations of a precision.
    pub(crate) fn with_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<u32>) -> Self {
        self.constants.push((name, value.into()));
        self
    }
}

/// A pipeline and the layout of its bind group.
#[derive(Debug)]
pub(crate) struct Kernel {
    variant: Variant,
    pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

impl Kernel {
    fn new(gpu: &Gpu, variant: Variant) -> Self {
        let device = gpu.device();
        let Variant { shader, precision, constants } = &variant;
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
            source: wgpu::ShaderSource::Wgsl(gpu.source(shader, *precision).into()),
        });
        let constants: Vec<(&str, f64)> = constants.iter().map(|&(name, value)| (name, f64::from(value))).collect();
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label,
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some(shader.entry),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &constants,
                // Every shader writes its workgroup memory before it reads it.
                zero_initialize_workgroup_memory: false,
            },
            cache: gpu.pipeline_cache(),
        });
        Self { variant, pipeline, layout }
    }

    /// Binds the parameters and the storage buffers, in the order that the shader lists them.
    pub(crate) fn bind(self: &Arc<Self>, gpu: &Gpu, params: &[u32], storage: &[&wgpu::Buffer]) -> Bound {
        let shader = &self.variant.shader;
        debug_assert_eq!(params.len(), shader.params.len(), "{}", shader.name);
        debug_assert_eq!(storage.len(), shader.storage.len(), "{}", shader.name);
        let params = gpu.uniform(params);
        let entries: Vec<wgpu::BindGroupEntry<'_>> = std::iter::once(&params)
            .chain(storage.iter().copied())
            .enumerate()
            .map(|(at, buffer)| wgpu::BindGroupEntry { binding: at as u32, resource: buffer.as_entire_binding() })
            .collect();
        let group = gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
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
    pub(crate) fn dispatch(&self, pass: &mut wgpu::ComputePass<'_>, grid: [u32; 3]) {
        pass.set_pipeline(&self.kernel.pipeline);
        pass.set_bind_group(0, &self.group, &[]);
        pass.dispatch_workgroups(grid[0], grid[1], grid[2]);
    }
}

/// The grid of a shader that counts its workgroups of 64 row by row over x and y, for `count` invocations.
pub(crate) fn linear(gpu: &Gpu, what: &'static str, count: u64) -> Result<[u32; 3], Error> {
    linear_within(count, gpu.limits().max_compute_workgroups_per_dimension).ok_or(Error::Limit {
        what,
        needed: count,
        limit: "maxComputeWorkgroupsPerDimension squared, times 64",
        allowed: u64::from(gpu.limits().max_compute_workgroups_per_dimension).pow(2) * 64,
    })
}

fn linear_within(count: u64, most: u32) -> Option<[u32; 3]> {
    let groups = count.div_ceil(64);
    let rows = groups.div_ceil(u64::from(most)).max(1);
    if rows > u64::from(most) {
        return None;
    }
    // Neither passes `most`.
    Some([groups.div_ceil(rows) as u32, rows as u32, 1])
}

/// The grid of a shader with workgroups of 16 x 4 invocations, one a pixel.
pub(crate) fn plane_grid(gpu: &Gpu, what: &'static str, height: usize, width: usize) -> Result<[u32; 3], Error> {
    // Places and the sums of a row's are counted in 32 bits.
    const LONGEST: usize = 65_535;
    let side = height.max(width);
    if side > LONGEST {
        return Err(Error::Limit { what, needed: side as u64, limit: "longest side", allowed: LONGEST as u64 });
    }
    box_grid(gpu, what, [1, height, width])
}

/// The grid of a shader with workgroups of 16 x 4 x 1 invocations, for a box of invocations along z, y and x.
pub(crate) fn box_grid(gpu: &Gpu, what: &'static str, [depth, height, width]: [usize; 3]) -> Result<[u32; 3], Error> {
    let grid = [width.div_ceil(16), height.div_ceil(4), depth];
    let (needed, limit) = (grid[0].max(grid[1]).max(grid[2]) as u64, "maxComputeWorkgroupsPerDimension");
    let allowed = u64::from(gpu.limits().max_compute_workgroups_per_dimension);
    if needed > allowed {
        return Err(Error::Limit { what, needed, limit, allowed });
    }
    Ok(grid.map(|groups| groups as u32))
}

/// The pipelines of a device, each built once.
#[derive(Debug, Default)]
pub(crate) struct Kernels(Mutex<HashMap<Variant, Arc<Kernel>>>);

impl Gpu {
    /// The pipeline of a variant, built now where it was not before.
    pub(crate) async fn kernel(&self, variant: Variant) -> Result<Arc<Kernel>, Error> {
        if let Some(kernel) = lock(&self.kernels().0).get(&variant) {
            return Ok(Arc::clone(kernel));
        }
        self.build(std::slice::from_ref(&variant)).await?;
        let kernel = lock(&self.kernels().0).get(&variant).map(Arc::clone);
        kernel.ok_or(Error::Refused { what: "a compute pipeline", reason: "it was not built".into() })
    }

    /// The pipelines of some variants, those that are missing built in parallel.
    pub(crate) async fn kernels_of<const N: usize>(&self, variants: [Variant; N]) -> Result<[Arc<Kernel>; N], Error> {
        self.built(variants.to_vec())
            .await?
            .try_into()
            .map_err(|_| Error::Refused { what: "the compute pipelines", reason: "one is missing".into() })
    }

    async fn built(&self, variants: Vec<Variant>) -> Result<Vec<Arc<Kernel>>, Error> {
        self.build(&variants).await?;
        let mut kernels = Vec::with_capacity(variants.len());
        for variant in variants {
            kernels.push(self.kernel(variant).await?);
        }
        Ok(kernels)
    }

    /// Submits dispatches, one after another.
    pub(crate) fn submit(&self, what: &'static str, work: &[(&Bound, [u32; 3])]) -> wgpu::SubmissionIndex {
        let mut encoder = self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(what) });
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (bound, grid) in work {
            bound.dispatch(&mut pass, *grid);
        }
        drop(pass);
        self.queue().submit([encoder.finish()])
    }

    /// Builds the pipelines of all variants that are not there yet, in parallel where there are threads.
    pub(crate) async fn build(&self, variants: &[Variant]) -> Result<(), Error> {
        let mut missing: Vec<Variant> = Vec::new();
        for variant in variants {
            if !missing.contains(variant) && !lock(&self.kernels().0).contains_key(variant) {
                missing.push(variant.clone());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let new = |variant: &Variant| Arc::new(Kernel::new(self, variant.clone()));
        let built = self.with_error_scopes("the compute pipelines", || Ok(build(new, &missing))).await?;
        lock(&self.kernels().0).extend(missing.into_iter().zip(built));
        self.save_pipelines();
        Ok(())
    }
}

#[cfg(target_arch = "wasm32")]
fn build(new: impl Fn(&Variant) -> Arc<Kernel>, variants: &[Variant]) -> Vec<Arc<Kernel>> {
    variants.iter().map(new).collect()
}

/// Most threads that build pipelines: drivers' compilers take up to a hundred megabytes each.
#[cfg(not(target_arch = "wasm32"))]
const BUILDERS: usize = 8;

#[cfg(not(target_arch = "wasm32"))]
fn build(new: impl Fn(&Variant) -> Arc<Kernel> + Sync, variants: &[Variant]) -> Vec<Arc<Kernel>> {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicUsize, Ordering};
    let built: Vec<OnceLock<Arc<Kernel>>> = variants.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(variant), Some(built)) = (variants.get(at), built.get(at)) else { break };
            let _ = built.set(new(variant));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(BUILDERS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(variants.len())).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let _ = thread.join();
        }
    });
    // A thread that could not finish leaves its pipeline to this one, which reports what is wrong with it.
    let all = built.into_iter().zip(variants);
    all.map(|(built, variant)| built.into_inner().unwrap_or_else(|| new(variant))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_grid_has_room_for_all_and_stays_within_the_limit() {
        for count in [0, 1, 64, 65, 64 * 65_535, 64 * 65_535 + 1, 1 << 32, (1 << 32) + 12_345] {
            let [x, y, z] = linear_within(count, 65_535).unwrap();
            assert!(x <= 65_535 && y <= 65_535 && z == 1);
            let room = u64::from(x) * u64::from(y) * 64;
            assert!(room >= count && room < count + 64 * u64::from(y) + 64, "{count}: {x} x {y}");
        }
        assert_eq!(linear_within(64 * 5, 2), None);
    }
}
