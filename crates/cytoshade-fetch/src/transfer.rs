//! The transfer: ask, write, go on where it broke off, check.

use std::io::Read;
use std::time::Instant;

use ureq::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, ETAG, LAST_MODIFIED};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::client::{RangeRequest, agent, get, header};
use crate::part::{Part, Version};
use crate::{Downloaded, Error, Progress, Request, Trust};

/// Fetches a file to the `.part` beside its target.
///
/// Where that holds an earlier transfer of the same version it goes on from there. Nothing is left behind by a file
/// that is too large or not the one that was asked for; a transfer that broke off is left, to be gone on with.
///
/// # Errors
/// Every [`Error`] but [`Error::Address`].
pub fn fetch(request: &Request, progress: &mut dyn FnMut(Progress)) -> Result<Downloaded, Error> {
    let mut transfer =
        Transfer { request, agent: agent(&request.limits), part: Part::open(&request.target)?, progress };
    let outcome = transfer.run();
    let mut part = transfer.part;
    let sha256 = outcome.and_then(|()| check(request, &mut part)).inspect_err(|error| {
        if part.length() == 0 || is_of_no_use(error) {
            part.discard();
        }
    })?;
    Ok(Downloaded::new(part, sha256))
}

/// Whether what came is known to be another file. Everything else can be gone on with.
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
    part: Part,
    progress: &'a mut dyn FnMut(Progress),
}

impl Transfer<'_> {
    /// Tries until the file is whole.
    fn run(&mut self) -> Result<(), Error> {
        let limits = &self.request.limits;
        for _ in 0..limits.retries {
            match self.attempt() {
                Err(Error::Broken { .. }) => std::thread::sleep(limits.pause),
                outcome => return outcome,
            }
        }
        self.attempt()
    }

    /// One request and all that it gives.
    fn attempt(&mut self) -> Result<(), Error> {
        let (request, limits) = (self.request, &self.request.limits);
        let version = self.part.version().filter(|version| version.address == request.address.uri().to_string());
        let rest = version.as_ref().filter(|_| self.part.length() > 0);
        let rest = rest.map(|version| RangeRequest { from: self.part.length(), validator: &version.validator });
        let (mut at, mut response) = get(&self.agent, &request.address, rest.as_ref(), limits)?;
        if rest.is_some() && !self.goes_on(&response, version.as_ref()) && response.status() != StatusCode::OK {
            // The server cannot go on (416, say): from the beginning, then.
            (at, response) = get(&self.agent, &request.address, None, limits)?;
        }
        match response.status() {
            StatusCode::PARTIAL_CONTENT if self.goes_on(&response, version.as_ref()) => {}
            StatusCode::OK => self.part.restart(validator(&response, request).as_ref())?,
            status => return Err(Error::Status { address: at, status: status.as_u16() }),
        }
        if let Some(encoding) = header(&response, CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
            return Err(Error::Encoding { address: at, encoding: encoding.chars().take(40).collect() });
        }
        self.receive(response)
    }

    /// Whether a response is the rest of what is there, of the same version.
    fn goes_on(&self, response: &Response<Body>, version: Option<&Version>) -> bool {
        let starts = format!("bytes {}-", self.part.length());
        let same = || validator(response, self.request).is_none_or(|found| version == Some(&found));
        response.status() == StatusCode::PARTIAL_CONTENT
            && header(response, CONTENT_RANGE).is_some_and(|range| range.starts_with(&starts))
            && same()
    }

    /// Writes what a response gives, and never more than the limit.
    fn receive(&mut self, response: Response<Body>) -> Result<(), Error> {
        let announced: Option<u64> = header(&response, CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let total = announced.map(|length| self.part.length().saturating_add(length));
        let limit = self.request.limits.max_bytes;
        if let Some(found) = total.filter(|&total| total > limit) {
            return Err(Error::TooLarge { found: Some(found), limit });
        }
        if let Some(found) = total {
            self.check_size(found, |expected| found != expected)?;
        }
        let mut pace = Pace::new();
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 64 << 10];
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
            if pace.is_too_slow(read as u64, self.request) {
                return Err(self.stalled());
            }
        }
    }

    fn check_size(&self, found: u64, differs: impl FnOnce(u64) -> bool) -> Result<(), Error> {
        match self.request.size {
            Some(expected) if differs(expected) => Err(Error::Size { found, expected }),
            _ => Ok(()),
        }
    }

    /// A transfer that ended before its end.
    fn broken(&self, error: &std::io::Error) -> Error {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
        if matches!(cause, Some(ureq::Error::Timeout(_))) {
            return self.stalled();
        }
        Error::Broken { done: self.part.length(), reason: error.to_string() }
    }

    fn stalled(&self) -> Error {
        let limits = &self.request.limits;
        let (done, seconds) = (self.part.length(), limits.stall.as_secs_f64());
        Error::Stalled { done, expected: limits.stall_bytes, seconds }
    }
}

/// What a server calls this version of a file, if that can be relied on: a strong `ETag`, or a date.
fn validator(response: &Response<Body>, request: &Request) -> Option<Version> {
    let strong = header(response, ETAG).filter(|tag| tag.starts_with('"'));
    let validator = strong.or_else(|| header(response, LAST_MODIFIED))?.to_string();
    Some(Version { address: request.address.uri().to_string(), validator })
}

/// Tells a trickle from a transfer: so many bytes in each stretch of time.
struct Pace {
    since: Instant,
    bytes: u64,
}

impl Pace {
    fn new() -> Self {
        Self { since: Instant::now(), bytes: 0 }
    }

    fn is_too_slow(&mut self, read: u64, request: &Request) -> bool {
        self.bytes += read;
        if self.since.elapsed() < request.limits.stall {
            return false;
        }
        let enough = self.bytes >= request.limits.stall_bytes;
        *self = Self::new();
        !enough
    }
}
