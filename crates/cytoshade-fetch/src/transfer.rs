//! The transfer: request, write, resume, verify.

use std::io::Read;
use std::sync::Arc;

use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::client::{RangeRequest, agent, describe_io, get, header};
use crate::notes::Notes;
use crate::part::Part;
use crate::range::ContentRange;
use crate::watch::{Exceeded, Watch};
use crate::{Downloaded, Error, Progress, Request, Trust};

/// Fetches a file to the `.part` beside its target.
///
/// Continues an earlier transfer of the same version. A file that is too large or fails verification is removed; an
/// interrupted transfer remains for a later call.
///
/// # Errors
/// Every [`Error`] but [`Error::Address`].
pub fn fetch(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Downloaded, Error> {
    let limits = &request.limits;
    let watch = Watch::new(limits, request.size.unwrap_or(limits.max_bytes));
    let part = Part::open(&request.target)?;
    let mut transfer = Transfer { request, agent: agent(limits, watch.clone()), watch, part, progress };
    let outcome = transfer.run();
    let mut part = transfer.part;
    let sha256 = outcome.and_then(|()| check(request, &mut part)).inspect_err(|error| {
        if part.length() == 0 || is_of_no_use(error) {
            part.discard();
        }
    })?;
    Ok(Downloaded::new(part, sha256))
}

/// Whether the received bytes are known to be another file. All others can be continued.
fn is_of_no_use(error: &Error) -> bool {
    matches!(error, Error::TooLarge { .. } | Error::Size { .. } | Error::Hash { .. } | Error::Encoding { .. })
}

fn check(request: &Request, part: &mut Part) -> Result<[u8; 32], Error> {
    if let Some(expected) = request.size.filter(|&size| size != part.length()) {
        return Err(Error::Size { found: part.length(), expected });
    }
    let found = part.sha256()?;
    match request.trust {
        Trust::Sha256(expected) if found != expected => Err(Error::Hash { found, expected }),
        Trust::Sha256(_) | Trust::Unverified => Ok(found),
    }
}

struct Transfer<'a> {
    request: &'a Request,
    agent: Agent,
    watch: Arc<Watch>,
    part: Part,
    progress: &'a mut dyn FnMut(Progress),
}

impl Transfer<'_> {
    /// Retries until the file is complete.
    fn run(&mut self) -> Result<(), Error> {
        let limits = &self.request.limits;
        for _ in 0..limits.retries {
            match self.attempt() {
                Err(Error::Broken { .. }) => std::thread::sleep(limits.pause.min(self.watch.until_deadline())),
                outcome => return outcome,
            }
            if self.watch.until_deadline().is_zero() {
                return Err(self.given_up(Exceeded::Deadline));
            }
        }
        self.attempt()
    }

    /// Sends one request and writes its response.
    fn attempt(&mut self) -> Result<(), Error> {
        let request = self.request;
        let notes = self.part.notes().filter(|notes| notes.is_of(&request.address));
        let rest = notes.as_ref().filter(|_| self.part.length() > 0);
        let rest = rest.map(|notes| RangeRequest { from: self.part.length(), validator: &notes.validator });
        let (mut at, mut response) = self.get(rest.as_ref())?;
        if rest.is_some() && !self.continues(&response, notes.as_ref()) && response.status() != StatusCode::OK {
            // The server cannot continue (status 416, for example): start over.
            (at, response) = self.get(None)?;
        }
        match response.status() {
            StatusCode::PARTIAL_CONTENT if self.continues(&response, notes.as_ref()) => {}
            StatusCode::OK => self.part.restart(self.notes_of(&response).as_ref())?,
            status => return Err(Error::Status { address: at, status: status.as_u16() }),
        }
        if let Some(encoding) = header(&response, CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
            return Err(Error::Encoding { address: at, encoding: encoding.chars().take(40).collect() });
        }
        self.receive(response)
    }

    fn get(&self, rest: Option<&RangeRequest<'_>>) -> Result<(crate::Address, Response<Body>), Error> {
        let (request, watch) = (self.request, &self.watch);
        get(&self.agent, &request.address, rest, &request.limits, watch).map_err(|error| match watch.given_up() {
            // A stall before the file begins means that the server does not respond.
            Some(why @ (Exceeded::Deadline | Exceeded::Bytes)) => self.given_up(why),
            _ => error,
        })
    }

    /// Whether a response continues the received bytes, of the same version.
    fn continues(&self, response: &Response<Body>, notes: Option<&Notes>) -> bool {
        let range = header(response, CONTENT_RANGE).and_then(ContentRange::parse);
        let length = content_length(response);
        let fits = |range: ContentRange| {
            range.from == self.part.length()
                && length.is_none_or(|length| length == range.bytes())
                && range.total.zip(self.request.size).is_none_or(|(total, size)| total == size)
        };
        let same = || validator(response).is_none() || notes == self.notes_of(response).as_ref();
        response.status() == StatusCode::PARTIAL_CONTENT && range.is_some_and(fits) && same()
    }

    fn notes_of(&self, response: &Response<Body>) -> Option<Notes> {
        Notes::new(&self.request.address, validator(response)?)
    }

    /// Writes a response's bytes, up to the limit.
    fn receive(&mut self, response: Response<Body>) -> Result<(), Error> {
        let limits = &self.request.limits;
        let total = content_length(&response).map(|length| self.part.length().saturating_add(length));
        let limit = limits.max_bytes;
        if let Some(found) = total.filter(|&total| total > limit) {
            return Err(Error::TooLarge { found: Some(found), limit });
        }
        if let Some(found) = total {
            self.check_size(found, |expected| found != expected)?;
            self.watch.size_is(limits, found);
        }
        self.watch.expect_body();
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 << 10];
        let mut since_progress = 0;
        loop {
            let read = body.read(&mut buffer).map_err(|error| self.broken(&error))?;
            let bytes = buffer.get(..read).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            if self.part.length().saturating_add(read as u64) > limit {
                return Err(Error::TooLarge { found: None, limit });
            }
            self.part.append(bytes)?;
            let done = self.part.length();
            self.check_size(done, |expected| done > expected)?;
            (self.progress)(Progress { done, total });
            self.watch.delivered(read as u64);
            since_progress += read as u64;
            if since_progress >= limits.stall_bytes {
                since_progress = 0;
                self.watch.progress();
            }
            // Reads from the client's buffer bypass the watch.
            self.watch.left().map_err(|why| self.given_up(why))?;
        }
    }

    fn check_size(&self, found: u64, differs: impl FnOnce(u64) -> bool) -> Result<(), Error> {
        match self.request.size {
            Some(expected) if differs(expected) => Err(Error::Size { found, expected }),
            _ => Ok(()),
        }
    }

    /// The error for an interrupted transfer.
    fn broken(&self, error: &std::io::Error) -> Error {
        let is_timeout =
            error.get_ref().is_some_and(|inner| matches!(inner.downcast_ref(), Some(ureq::Error::Timeout(_))));
        match self.watch.given_up().or(is_timeout.then_some(Exceeded::Stall)) {
            Some(why) => self.given_up(why),
            None => Error::Broken { done: self.part.length(), reason: describe_io(error) },
        }
    }

    fn given_up(&self, why: Exceeded) -> Error {
        let limits = &self.request.limits;
        let done = self.part.length();
        match why {
            Exceeded::Stall => {
                Error::Stalled { done, expected: limits.stall_bytes, seconds: limits.stall.as_secs_f64() }
            }
            Exceeded::Deadline => Error::Deadline { done, seconds: self.watch.elapsed().as_secs_f64() },
            Exceeded::Bytes => Error::Endless { done },
        }
    }
}

fn content_length(response: &Response<Body>) -> Option<u64> {
    header(response, CONTENT_LENGTH).and_then(|length| length.parse().ok())
}

/// The server's identifier of this version of a file, if reliable: a strong `ETag`, or a date.
fn validator(response: &Response<Body>) -> Option<&str> {
    let strong = header(response, ETAG).filter(|tag| tag.starts_with('"'));
    strong.or_else(|| header(response, LAST_MODIFIED))
}
