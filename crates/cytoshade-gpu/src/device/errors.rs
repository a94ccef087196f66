//! Errors of a device: from error scopes, and uncaptured ones.

use std::future::Future;
use std::sync::{Arc, Mutex};

use super::Gpu;
use super::sync::lock;
use crate::error::Error;

/// Uncaptured errors of a device, and the reason for its loss.
#[derive(Debug, Default)]
pub(super) struct DeviceErrors {
    lost: Mutex<Option<String>>,
    uncaptured: Mutex<Option<CapturedError>>,
}

impl DeviceErrors {
    /// Collects the uncaptured errors of a device that this crate opened. wgpu's default handler panics.
    pub(super) fn collect_uncaptured(self: &Arc<Self>, device: &wgpu::Device) {
        let errors = Arc::clone(self);
        device.on_uncaptured_error(Arc::new(move |error| errors.capture(CapturedError::from_wgpu(&error))));
    }

    /// Records the loss of the device. Native devices have a single callback for it, which this replaces.
    pub(super) fn collect_loss(self: &Arc<Self>, device: &wgpu::Device) {
        let errors = Arc::clone(self);
        device.set_device_lost_callback(move |_, message| errors.lose(message));
    }

    /// Keeps an error until the next check, unless an earlier one is pending.
    pub(super) fn capture(&self, error: CapturedError) {
        lock(&self.uncaptured).get_or_insert(error);
    }

    /// Records a failed allocation.
    pub(super) fn capture_out_of_memory(&self) {
        self.capture(CapturedError::OutOfMemory);
    }

    /// Marks the device as lost. The first reason is kept.
    pub(super) fn lose(&self, reason: String) {
        lock(&self.lost).get_or_insert(reason);
    }

    /// The reason for the loss of the device, if it is lost.
    pub(super) fn lost(&self) -> Option<String> {
        lock(&self.lost).clone()
    }
}

/// The content of a [`wgpu::Error`], which is not `Send` on every target.
#[derive(Debug)]
pub(super) enum CapturedError {
    OutOfMemory,
    Refused(String),
}

impl CapturedError {
    pub(super) fn from_wgpu(error: &wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => CapturedError::OutOfMemory,
            other => CapturedError::Refused(other.to_string()),
        }
    }
}

/// An error scope of each kind, in closing order: the last one opened first.
pub(super) struct Scopes {
    internal: wgpu::ErrorScopeGuard,
    validation: wgpu::ErrorScopeGuard,
    memory: wgpu::ErrorScopeGuard,
}

impl Scopes {
    /// Opens scopes on this thread, which must also close them.
    pub(super) fn open(device: &wgpu::Device) -> Self {
        let [memory, validation, internal] =
            [wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::Internal]
                .map(|filter| device.push_error_scope(filter));
        Self { internal, validation, memory }
    }

    /// Closes the scopes. Out-of-memory comes first in the result: it causes later calls to be invalid.
    pub(super) fn close(self) -> [impl Future<Output = Option<wgpu::Error>>; 3] {
        let (internal, validation) = (self.internal.pop(), self.validation.pop());
        [self.memory.pop(), validation, internal]
    }
}

impl Gpu {
    /// Runs `work` inside error scopes and converts each device error to this crate's.
    ///
    /// `what` names the work.
    pub(crate) async fn with_error_scopes<T>(
        &self,
        what: &'static str,
        work: impl FnOnce() -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.check(what)?;
        // Scopes belong to a thread, so they close before anything is awaited.
        let (result, captured) = {
            let scopes = Scopes::open(self.device());
            let result = work();
            (result, scopes.close())
        };
        self.report(what, captured).await?;
        result
    }

    /// The errors that scopes captured.
    ///
    /// Separate from `with_error_scopes`, so that the browser build contains it once, not once per closure type.
    pub(super) async fn report(
        &self,
        what: &'static str,
        captured: [impl Future<Output = Option<wgpu::Error>>; 3],
    ) -> Result<(), Error> {
        for error in captured {
            if let Some(error) = error.await {
                return Err(self.error(what, CapturedError::from_wgpu(&error)));
            }
        }
        self.check(what)
    }

    /// Returns the loss of the device, else an uncaptured error: from another thread, or a late one.
    pub(crate) fn check(&self, what: &'static str) -> Result<(), Error> {
        if self.is_lost() {
            return Err(self.lost());
        }
        let uncaptured = lock(&self.0.errors.uncaptured).take();
        uncaptured.map_or(Ok(()), |error| Err(self.error(what, error)))
    }

    fn error(&self, what: &'static str, error: CapturedError) -> Error {
        if self.is_lost() {
            return self.lost();
        }
        match error {
            CapturedError::OutOfMemory => Error::OutOfMemory { what },
            CapturedError::Refused(reason) => Error::Refused { what, reason },
        }
    }

    fn lost(&self) -> Error {
        Error::Lost { reason: self.0.errors.lost().unwrap_or_default() }
    }

    /// Whether the device is lost or hung. Every later call returns [`Error::Lost`]; open another device.
    pub fn is_lost(&self) -> bool {
        if let Some(probe) = &self.0.loss_probe
            && self.0.errors.lost().is_none()
            && probe.is_lost(self.device())
        {
            self.mark_lost("its driver or its owner closed it".into());
        }
        self.0.errors.lost().is_some()
    }

    /// Makes every later call on the device return [`Error::Lost`].
    pub(crate) fn mark_lost(&self, reason: String) {
        self.0.errors.lose(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn out_of_memory_is_told_from_a_refusal() {
        let source = || Box::new(std::fmt::Error);
        let memory = CapturedError::from_wgpu(&wgpu::Error::OutOfMemory { source: source() });
        assert!(matches!(memory, CapturedError::OutOfMemory));
        let refused = wgpu::Error::Validation { source: source(), description: "no".into() };
        assert!(matches!(CapturedError::from_wgpu(&refused), CapturedError::Refused(reason) if reason == "no"));
    }
}
