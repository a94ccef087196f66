//! Implementations for native targets. `web` has the same items.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use cytoshade_shaders::{Precision, Shader};

use super::Gpu;
use super::errors::{CapturedError, Scopes};
pub(super) use super::matrix_subgroup::with_matrix_subgroup;
pub(super) use super::pipeline_cache::PipelineCache;
use super::sync::lock;
use crate::pipeline::{Kernel, Variant};

/// Maximum number of threads that build pipelines: driver compilers take up to 100 MB each.
const BUILDERS: usize = 8;

/// The source of a shader; with `pairs`, f32 values are read and written in pairs.
pub(super) fn source(shader: &Shader, precision: Precision, pairs: bool) -> String {
    if pairs { shader.source_in_pairs(precision) } else { shader.source(precision) }
}

/// Builds the pipelines of all variants, in parallel.
pub(super) fn build(gpu: &Gpu, variants: &[Variant]) -> Vec<Arc<Kernel>> {
    let built: Vec<OnceLock<Arc<Kernel>>> = variants.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let work = || {
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let (Some(variant), Some(built)) = (variants.get(at), built.get(at)) else { break };
            let _ = built.set(capture(gpu, || gpu.compile(variant)));
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(BUILDERS);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads.min(variants.len())).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let _ = thread.join();
        }
    });
    // If a thread panicked, this thread builds its pipeline and reports the reason.
    let all = built.into_iter().zip(variants);
    all.map(|(built, variant)| built.into_inner().unwrap_or_else(|| gpu.compile(variant))).collect()
}

/// Runs work outside `with_error_scopes`, which must not wait or runs on another thread.
///
/// The next check reports its errors.
pub(super) fn capture<T>(gpu: &Gpu, work: impl FnOnce() -> T) -> T {
    let scopes = Scopes::open(gpu.device());
    let result = work();
    for error in scopes.close().into_iter().filter_map(ready) {
        gpu.0.errors.capture(CapturedError::from_wgpu(&error));
    }
    result
}

/// The error that a scope captured. On native targets it is available when the scope closes.
fn ready(captured: impl Future<Output = Option<wgpu::Error>>) -> Option<wgpu::Error> {
    match pin!(captured).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(error) => error,
        Poll::Pending => None,
    }
}

/// Detects the loss of a device whose single loss callback belongs to the program.
///
/// wgpu reports the loss nowhere else, but refuses at once to map a buffer of a lost device.
#[derive(Debug)]
pub(super) struct LossProbe(Mutex<wgpu::Buffer>);

impl LossProbe {
    pub(super) fn new(device: &wgpu::Device) -> Option<Self> {
        Some(Self(Mutex::new(device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("loss probe"),
            size: wgpu::COPY_BUFFER_ALIGNMENT,
            usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        }))))
    }

    pub(super) fn is_lost(&self, device: &wgpu::Device) -> bool {
        let buffer = lock(&self.0);
        let refused = Arc::new(AtomicBool::new(false));
        let answer = Arc::clone(&refused);
        let scopes = Scopes::open(device);
        buffer.map_async(wgpu::MapMode::Read, .., move |result| answer.store(result.is_err(), Ordering::Relaxed));
        // A refusal arrives before the call returns. Any other request is cancelled, which also sets the flag: read it
        // first.
        let lost = refused.load(Ordering::Relaxed);
        if !lost {
            buffer.unmap();
        }
        drop(scopes);
        lost
    }
}
