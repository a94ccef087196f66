//! Sends one request, follows its redirects, and returns the response with the file.

use std::io;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::header::{HeaderName, IF_RANGE, LOCATION, RANGE};
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{Connector, DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use crate::watch::{Watch, WatchConnector};
use crate::{Address, Error, Limits};

/// The client. Every option is explicit.
pub(crate) fn agent(limits: &Limits, watch: Arc<Watch>) -> Agent {
    let config = Config::builder()
        .user_agent(concat!("cytoshade/", env!("CARGO_PKG_VERSION")))
        .accept("application/octet-stream, */*")
        .accept_encoding("identity")
        // Proxies in the environment are ignored.
        .proxy(None)
        // Redirects are followed here one by one, after checking each address.
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_resolve(Some(limits.answer))
        .timeout_connect(Some(limits.answer))
        .timeout_send_request(Some(limits.answer))
        .timeout_recv_response(Some(limits.answer))
        .timeout_per_read(Some(limits.stall))
        .build();
    Agent::with_parts(config, DefaultConnector::default().chain(WatchConnector(watch)), Loopback::default())
}

/// The requested part of a file, and its version.
pub(crate) struct RangeRequest<'a> {
    pub(crate) from: u64,
    /// The `ETag` or date of the bytes already received.
    pub(crate) validator: &'a str,
}

/// Requests a file, or the rest of it.
pub(crate) fn get(
    agent: &Agent,
    address: &Address,
    rest: Option<&RangeRequest<'_>>,
    limits: &Limits,
    watch: &Watch,
) -> Result<(Address, Response<Body>), Error> {
    let mut at = address.clone();
    for _ in 0..=limits.redirects {
        watch.expect_head();
        let mut request = agent.get(at.uri());
        if let Some(RangeRequest { from, validator }) = rest {
            request = request.header(RANGE, format!("bytes={from}-")).header(IF_RANGE, *validator);
        }
        let response = request.call();
        let response = response.map_err(|error| Error::Connection { address: at.clone(), reason: describe(&error) })?;
        match response.status().as_u16() {
            301 | 302 | 303 | 307 | 308 => {
                at = at.redirect(header(&response, LOCATION).unwrap_or_default())?;
            }
            _ => return Ok((at, response)),
        }
    }
    Err(Error::Redirects { address: address.clone(), limit: limits.redirects })
}

/// A header's text, if present.
pub(crate) fn header(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Describes an error of the client. The client's own message may hold the address with its query.
fn describe(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "timeout: the server does not respond".into(),
        ureq::Error::LargeResponseHeader(..) => "the headers of the response are too long".into(),
        ureq::Error::Io(error) => describe_io(error),
        ureq::Error::Protocol(error) => format!("the response is not HTTP: {error}"),
        ureq::Error::HostNotFound => "the host is not found".into(),
        ureq::Error::ConnectionFailed => "the host refuses the connection".into(),
        ureq::Error::Tls(reason) => format!("no secure connection: {reason}"),
        #[cfg(feature = "tls")]
        ureq::Error::Rustls(error) => format!("no secure connection: {error}"),
        ureq::Error::TlsRequired => "no secure connection: this program was built without TLS".into(),
        _ => "the request failed".into(),
    }
}

/// [`describe`] for an error of the system or one wrapped in it.
pub(crate) fn describe_io(error: &io::Error) -> String {
    match error.get_ref().map(|inner| inner.downcast_ref::<ureq::Error>()) {
        Some(Some(inner)) => describe(inner),
        _ => error.to_string(),
    }
}

/// Resolves hosts, and restricts `http:` to this machine even if `localhost` resolves elsewhere.
#[derive(Debug, Default)]
struct Loopback(DefaultResolver);

impl Resolver for Loopback {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        let secure = uri.scheme_str() == Some("https");
        if secure || found.iter().all(|address| address.ip().is_loopback()) {
            return Ok(found);
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the host is not this machine, and the address is not https:",
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host is refused before a connection is tried.
    #[test]
    fn plain_http_to_another_machine_is_refused_by_the_resolver_too() {
        let limits = Limits::default();
        let watch = Watch::new(&limits, 1);
        let error = agent(&limits, watch).get("http://192.0.2.1:9/a").call().unwrap_err();
        assert!(error.to_string().contains("not this machine"), "{error}");
    }
}
