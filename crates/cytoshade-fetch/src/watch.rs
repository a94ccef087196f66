//! A connection under watch: what the server may send and how long it may take, whatever it sends.
//!
//! The client reads headers, interim answers, chunk sizes and trailers by itself, and would read them without end. So the
//! bytes of the wire and the time are counted below it, where every read passes.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, NextTimeout, Transport, time::Duration as ClientDuration,
};

use crate::Limits;

/// Bytes of an answer beside the file: headers, interim answers, trailers.
const HEAD_BYTES: u64 = 1 << 20;

/// Why a transfer is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Exceeded {
    /// Too few bytes of the file came in time.
    #[error("the server stalls")]
    Stall,
    /// The whole transfer takes too long.
    #[error("the transfer takes too long")]
    Deadline,
    /// The server sends much more than the file.
    #[error("the server sends without end")]
    Bytes,
}

impl Exceeded {
    /// The reason in an error of the client, wherever it wrapped it.
    pub(crate) fn find(error: &ureq::Error) -> Option<Self> {
        match error {
            ureq::Error::Io(error) => Self::find_in_io(error),
            // The client's own limits of an answer's start and of a pause within it.
            ureq::Error::Timeout(_) => Some(Exceeded::Stall),
            ureq::Error::LargeResponseHeader(..) => Some(Exceeded::Bytes),
            _ => None,
        }
    }

    pub(crate) fn find_in_io(error: &io::Error) -> Option<Self> {
        let inner = error.get_ref()?;
        inner.downcast_ref::<Exceeded>().copied().or_else(|| Self::find(inner.downcast_ref()?))
    }
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
    /// Bytes that may be received in all.
    allowed: u64,
    /// When the next progress is due.
    due: Instant,
    deadline: Instant,
}

impl Watch {
    /// The watch of a transfer that starts now, of a file of `size` bytes.
    pub(crate) fn new(limits: &Limits, size: u64) -> Arc<Self> {
        let started = Instant::now();
        let deadline = later(started, limits.total(size));
        let state = State { received: 0, allowed: HEAD_BYTES, due: later(started, limits.answer), deadline };
        Arc::new(Self { stall: limits.stall, answer: limits.answer, started, state: Mutex::new(state) })
    }

    /// An answer's headers are due.
    pub(crate) fn expect_head(&self) {
        let mut state = self.state();
        state.allowed = state.received.saturating_add(HEAD_BYTES);
        state.due = later(Instant::now(), self.answer);
    }

    /// A body of at most `bytes` is due; in small chunks it takes up to twice as many on the wire.
    pub(crate) fn expect_body(&self, bytes: u64) {
        let mut state = self.state();
        state.allowed = state.received.saturating_add(bytes.saturating_mul(2)).saturating_add(HEAD_BYTES);
        state.due = later(Instant::now(), self.stall);
    }

    /// The file has `bytes`: the deadline moves to the time that they take.
    pub(crate) fn size_is(&self, limits: &Limits, bytes: u64) {
        let mut state = self.state();
        state.deadline = state.deadline.min(later(self.started, limits.total(bytes)));
    }

    /// Enough of the file came; the next progress is due later.
    pub(crate) fn progress(&self) {
        self.state().due = later(Instant::now(), self.stall);
    }

    /// Time until the transfer is given up, and why it would be.
    pub(crate) fn left(&self) -> Result<Duration, Exceeded> {
        let State { due, deadline, .. } = *self.state();
        let left = due.min(deadline).saturating_duration_since(Instant::now());
        match left.is_zero() {
            false => Ok(left),
            true if deadline <= due => Err(Exceeded::Deadline),
            true => Err(Exceeded::Stall),
        }
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
        if state.received > state.allowed { Err(Exceeded::Bytes) } else { Ok(()) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A moment so much later, or as late as the clock counts.
fn later(from: Instant, duration: Duration) -> Instant {
    /// A century.
    const MOST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
    from.checked_add(duration.min(MOST)).unwrap_or(from)
}

/// Puts each connection under watch.
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
