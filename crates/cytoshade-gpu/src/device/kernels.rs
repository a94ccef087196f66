//! The pipelines of a device, each compiled once, and their dispatches.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::sync::lock;
use super::{Gpu, platform};
use crate::error::Error;
use crate::pipeline::{Bound, Kernel, Variant};

/// The pipelines built so far.
#[derive(Debug, Default)]
pub(super) struct Kernels(Mutex<HashMap<Variant, Arc<Kernel>>>);

impl Gpu {
    /// The pipeline of a variant; builds it on first use.
    pub(crate) async fn kernel(&self, variant: Variant) -> Result<Arc<Kernel>, Error> {
        if let Some(kernel) = lock(&self.0.kernels.0).get(&variant) {
            return Ok(Arc::clone(kernel));
        }
        self.build(std::slice::from_ref(&variant)).await?;
        let kernel = lock(&self.0.kernels.0).get(&variant).map(Arc::clone);
        kernel.ok_or(Error::Refused { what: "a compute pipeline", reason: "it was not built".into() })
    }

    /// The pipelines of several variants; builds the missing ones, in parallel on native targets.
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

    /// Builds the missing pipelines of some variants, in parallel on native targets.
    pub(crate) async fn build(&self, variants: &[Variant]) -> Result<(), Error> {
        let mut missing: Vec<Variant> = Vec::new();
        for variant in variants {
            if !missing.contains(variant) && !lock(&self.0.kernels.0).contains_key(variant) {
                missing.push(variant.clone());
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let built = self.with_error_scopes("the compute pipelines", || Ok(platform::build(self, &missing))).await?;
        lock(&self.0.kernels.0).extend(missing.into_iter().zip(built));
        self.save_pipelines();
        Ok(())
    }

    /// The pipelines built so far: shader, precision and constants as text. For checks that a list has all of them.
    #[doc(hidden)]
    pub fn pipelines(&self) -> Vec<String> {
        let mut names: Vec<String> = lock(&self.0.kernels.0).keys().map(ToString::to_string).collect();
        names.sort();
        names
    }

    /// Builds the pipeline of a variant.
    pub(super) fn compile(&self, variant: &Variant) -> Arc<Kernel> {
        let source = platform::source(variant.shader, variant.precision, self.capabilities().pairs());
        let (source, cache) = (self.0.faults.source(source), self.0.pipeline_cache.as_ref());
        Arc::new(Kernel::new(self.device(), variant.clone(), source, cache.map(platform::PipelineCache::wgpu)))
    }

    /// Whether the pipeline cache held pipelines of an earlier run; `None` without a cache.
    pub fn found_pipelines(&self) -> Option<bool> {
        self.0.pipeline_cache.as_ref().map(platform::PipelineCache::found)
    }

    fn save_pipelines(&self) {
        self.0.pipeline_cache.iter().for_each(platform::PipelineCache::save);
    }

    /// Binds parameters and storage buffers to a kernel, in the order of its shader's lists.
    pub(crate) fn bind(&self, kernel: &Arc<Kernel>, params: &[u32], storage: &[&wgpu::Buffer]) -> Bound {
        debug_assert_eq!(params.len(), kernel.variant.shader.params.len(), "{}", kernel.variant.shader.name);
        kernel.bind(self.device(), &self.uniform(params), storage)
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
}
