//! Buffers on the device, waiting for the device, and reading back.

use std::ops::Range;
use std::time::Duration;

use bytemuck::Pod;
use futures_channel::oneshot;

use super::{Gpu, platform};
use crate::error::Error;

/// The time limit of one submission; a device that takes longer counts as hung.
pub(crate) const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

impl Gpu {
    /// A zeroed buffer that shaders read and write. It can be a target and a source of copies.
    pub(crate) fn storage(&self, what: &'static str, bytes: u64) -> Result<wgpu::Buffer, Error> {
        self.check_binding(what, bytes)?;
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
        Ok(self.create(what, bytes, usage))
    }

    /// A storage buffer that holds `values`.
    pub(crate) fn upload<T: Pod>(&self, what: &'static str, values: &[T]) -> Result<wgpu::Buffer, Error> {
        let buffer = self.storage(what, size_of_val(values) as u64)?;
        self.queue().write_buffer(&buffer, 0, bytemuck::cast_slice(values));
        Ok(buffer)
    }

    /// A uniform buffer that holds `values`.
    pub(crate) fn uniform(&self, values: &[u32]) -> wgpu::Buffer {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self.create("params", size_of_val(values) as u64, usage);
        self.queue().write_buffer(&buffer, 0, bytemuck::cast_slice(values));
        buffer
    }

    /// A buffer for resolved timestamps.
    pub(crate) fn resolved(&self, what: &'static str, bytes: u64) -> wgpu::Buffer {
        self.create(what, bytes, wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC)
    }

    /// A buffer for reading back to the host.
    pub(crate) fn readback(&self, what: &'static str, bytes: u64) -> Result<wgpu::Buffer, Error> {
        let allowed = self.limits().max_buffer_size;
        if bytes > allowed {
            return Err(Error::Limit { what, needed: bytes, limit: "maxBufferSize", allowed });
        }
        Ok(self.create(what, bytes, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST))
    }

    /// Fails if a storage buffer is too large for one binding.
    pub(crate) fn check_binding(&self, what: &'static str, bytes: u64) -> Result<(), Error> {
        let allowed = self.largest_binding();
        if bytes > allowed {
            return Err(Error::Limit { what, needed: bytes, limit: "maxStorageBufferBindingSize", allowed });
        }
        Ok(())
    }

    /// Size of the largest storage buffer binding in bytes.
    pub(crate) fn largest_binding(&self) -> u64 {
        self.limits().max_storage_buffer_binding_size.min(self.limits().max_buffer_size)
    }

    fn create(&self, what: &'static str, bytes: u64, usage: wgpu::BufferUsages) -> wgpu::Buffer {
        self.inject_out_of_memory(bytes);
        self.device().create_buffer(&wgpu::BufferDescriptor {
            label: Some(what),
            // An empty buffer cannot be bound, and a binding must hold the shader's smallest view, a mat4x4.
            size: bytes.max(64),
            usage,
            mapped_at_creation: false,
        })
    }

    /// Waits for a submission, at most `timeout`.
    ///
    /// A browser cannot block; there, reading back waits instead.
    ///
    /// # Errors
    /// [`Error::Hung`], and errors of the device.
    pub(crate) fn wait(
        &self,
        what: &'static str,
        submission: wgpu::SubmissionIndex,
        timeout: Duration,
    ) -> Result<(), Error> {
        let hangs = self.inject_hang_or_loss();
        let timeout = if hangs { Duration::ZERO } else { timeout };
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: Some(timeout) };
        // wgpu panics if the driver loses the device during the wait; the caller gets an error instead.
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.device().poll(wait)));
        // If a test injects a hang, completed work counts as hanging too.
        let waited = if hangs { waited.map(|_| Err(wgpu::PollError::Timeout)) } else { waited };
        match waited {
            Ok(Ok(_)) => self.check(what),
            Ok(Err(wgpu::PollError::Timeout)) => {
                // Later work would wait behind the hanging work.
                self.mark_lost(format!("it did not finish {what} in time"));
                Err(Error::Hung { what, seconds: timeout.as_secs() })
            }
            Ok(Err(error)) => {
                self.check(what)?;
                Err(Error::Refused { what, reason: error.to_string() })
            }
            Err(_) => {
                self.check(what)?;
                Err(Error::Lost { reason: format!("the driver failed during {what}") })
            }
        }
    }

    /// Waits until all submitted work is done. A browser cannot block, so there it returns at once.
    ///
    /// # Errors
    /// [`Error::Hung`], and errors of the device.
    pub fn wait_idle(&self, what: &'static str) -> Result<(), Error> {
        self.wait(what, self.queue().submit([]), WAIT_TIMEOUT)
    }

    /// Reads ranges of buffers back, one after another, after all submitted work.
    pub(crate) async fn fetch(
        &self,
        what: &'static str,
        parts: &[(&wgpu::Buffer, Range<u64>)],
    ) -> Result<Bytes, Error> {
        let (back, submission) = self
            .with_error_scopes(what, || {
                let back = self.readback(what, parts.iter().map(|(_, range)| range.end - range.start).sum())?;
                let mut encoder =
                    self.device().create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some(what) });
                let mut at = 0;
                for (buffer, range) in parts {
                    let bytes = range.end - range.start;
                    encoder.copy_buffer_to_buffer(buffer, range.start, &back, at, Some(bytes));
                    at += bytes;
                }
                Ok((back, self.queue().submit([encoder.finish()])))
            })
            .await?;
        self.read(what, &back, submission, WAIT_TIMEOUT).await
    }

    /// The bytes of a buffer from [`Gpu::readback`], after `submission`.
    pub(crate) async fn read(
        &self,
        what: &'static str,
        buffer: &wgpu::Buffer,
        submission: wgpu::SubmissionIndex,
        timeout: Duration,
    ) -> Result<Bytes, Error> {
        let (sender, receiver) = oneshot::channel();
        platform::capture(self, || {
            buffer.map_async(wgpu::MapMode::Read, .., move |result| {
                // The receiver is dropped if the wait below failed.
                let _ = sender.send(result);
            });
        });
        self.wait(what, submission, timeout)?;
        match receiver.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                self.check(what)?;
                return Err(Error::Refused { what, reason: error.to_string() });
            }
            Err(_) => {
                self.check(what)?;
                return Err(Error::Lost { reason: "it did not respond".into() });
            }
        }
        let view = buffer.get_mapped_range(..).map_err(|e| Error::Refused { what, reason: e.to_string() })?;
        Ok(Bytes(view))
    }
}

/// Bytes read back from the device.
#[derive(Debug)]
pub(crate) struct Bytes(wgpu::BufferView);

impl Bytes {
    /// The values in a range of bytes, which must be in bounds.
    pub(crate) fn values<T: Pod>(&self, range: Range<u64>) -> Vec<T> {
        bytemuck::pod_collect_to_vec(&self.0[range.start as usize..range.end as usize])
    }
}
