//! Bounds the bytes and the time of a connection, whatever the server sends.
//!
//! The client reads headers, interim responses, chunk sizes and trailers without a bound. The watch counts bytes and
//! time below the client, where every read passes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time::Duration as ClientDuration,
};

use crate::Limits;

/// Bytes of a response beside the file: headers, interim responses, trailers.
const HEAD_BYTES: u64 = 1 << 20;

/// Why a transfer is aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exceeded {
    /// The transfer stalled.
    #[error("timeout: the server does not respond")]
    Stall,
    /// The whole transfer takes too long.
    #[error("the transfer takes too long")]
    Deadline,
    /// The server sends much more than the file.
    #[error("the server sends endless headers or trailers")]
    Bytes,
}

/// The limits of a transfer, shared by its connections.
#[derive(Debug)]
pub(crate) struct Watch {
    stall: Duration,
    answer: Duration,
    started: Instant,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    received: u64,
    /// Maximum number of bytes to receive.
    allowed: u64,
    /// When the next progress is due.
    due: Instant,
    deadline: Instant,
    given_up: Option<Exceeded>,
}

impl Watch {
    /// Starts the watch of a transfer, for a file of `size` bytes.
    pub(crate) fn new(limits: &Limits, size: u64) -> Arc<Self> {
        let started = Instant::now();
        let deadline = later(started, limits.total(size));
        let state =
            State { received: 0, allowed: HEAD_BYTES, due: later(started, limits.answer), deadline, given_up: None };
        Arc::new(Self { stall: limits.stall, answer: limits.answer, started, state: Mutex::new(state) })
    }

    /// Begins waiting for a response's headers.
    pub(crate) fn expect_head(&self) {
        let mut state = self.state();
        state.allowed = state.received.saturating_add(HEAD_BYTES);
        state.due = later(Instant::now(), self.answer);
    }

    /// Begins waiting for the file.
    pub(crate) fn expect_body(&self) {
        let mut state = self.state();
        state.allowed = state.received.saturating_add(HEAD_BYTES);
        state.due = later(Instant::now(), self.stall);
    }

    /// Counts received bytes of the file.
    ///
    /// In small chunks a file takes up to twice as many bytes on the wire.
    pub(crate) fn delivered(&self, bytes: u64) {
        let mut state = self.state();
        state.allowed = state.allowed.saturating_add(bytes.saturating_mul(2));
    }

    /// Extends the deadline to the time for a file of `bytes` bytes.
    pub(crate) fn size_is(&self, limits: &Limits, bytes: u64) {
        let mut state = self.state();
        state.deadline = state.deadline.min(later(self.started, limits.total(bytes)));
    }

    /// Enough of the file arrived; extends the deadline of a stall.
    pub(crate) fn progress(&self) {
        self.state().due = later(Instant::now(), self.stall);
    }

    /// Time until the transfer is aborted, or the reason that it is.
    pub(crate) fn left(&self) -> Result<Duration, Exceeded> {
        let mut state = self.state();
        let State { due, deadline, .. } = *state;
        let left = due.min(deadline).saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Ok(left);
        }
        let why = if deadline <= due { Exceeded::Deadline } else { Exceeded::Stall };
        state.given_up = Some(why);
        Err(why)
    }

    /// The reason that the transfer was aborted, if it was: the client's error does not always state it.
    pub(crate) fn given_up(&self) -> Option<Exceeded> {
        self.state().given_up
    }

    /// Time until the deadline of the whole transfer.
    pub(crate) fn until_deadline(&self) -> Duration {
        self.state().deadline.saturating_duration_since(Instant::now())
    }

    /// Time since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    fn count(&self, bytes: usize) -> Result<(), Exceeded> {
        let mut state = self.state();
        state.received = state.received.saturating_add(bytes as u64);
        if state.received <= state.allowed {
            return Ok(());
        }
        state.given_up = Some(Exceeded::Bytes);
        Err(Exceeded::Bytes)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Adds a duration, up to the clock's maximum.
fn later(from: Instant, duration: Duration) -> Instant {
    /// A century.
    const MOST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    from.checked_add(duration.min(MOST)).unwrap_or(from)
}

/// Wraps each connection in a watch.
#[derive(Debug)]
pub(crate) struct WatchConnector(pub(crate) Arc<Watch>);

impl<In: Transport> Connector<In> for WatchConnector {
    type Out = Watched<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Self::Out>, ureq::Error> {
        Ok(chained.map(|inner| Watched { inner, watch: self.0.clone() }))
    }
}

/// A connection under watch.
#[derive(Debug)]
pub(crate) struct Watched<T> {
    inner: T,
    watch: Arc<Watch>,
}

impl<T: Transport> Transport for Watched<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), ureq::Error> {
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, ureq::Error> {
        let give_up = |why: Exceeded| ureq::Error::Io(io::Error::other(why));
        let left = self.watch.left().map_err(give_up)?;
        if !matches!(timeout.after, ClientDuration::Exact(after) if after < left) {
            timeout.after = left.into();
        }
        let before = self.inner.buffers().input().len();
        let outcome = self.inner.await_input(timeout);
        if let (Err(ureq::Error::Timeout(_)), Err(why)) = (&outcome, self.watch.left()) {
            return Err(give_up(why));
        }
        let progress = outcome?;
        let after = self.inner.buffers().input().len();
        self.watch.count(after.saturating_sub(before)).map_err(give_up)?;
        Ok(progress)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
