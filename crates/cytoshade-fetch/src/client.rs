//! One request, through its redirects, to the response that has the file.

use std::io;

use ureq::config::Config;
use ureq::http::header::{HeaderName, IF_RANGE, LOCATION, RANGE};
use ureq::http::{Response, Uri};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body};

use crate::{Address, Error, Limits};

/// The client, with every manner of it stated: what is not asked for here is not done.
pub(crate) fn agent(limits: &Limits) -> Agent {
    let config = Config::builder()
        .user_agent(concat!("cytoshade/", env!("CARGO_PKG_VERSION")))
        .accept("application/octet-stream, */*")
        .accept_encoding("identity")
        // Those of the environment are not taken.
        .proxy(None)
        // Redirects are followed here, one by one, each address checked.
        .max_redirects(0)
        .http_status_as_error(false)
        .timeout_resolve(Some(limits.answer))
        .timeout_connect(Some(limits.answer))
        .timeout_send_request(Some(limits.answer))
        .timeout_recv_response(Some(limits.answer))
        .timeout_per_read(Some(limits.stall))
        .build();
    Agent::with_parts(config, DefaultConnector::default(), Loopback::default())
}

/// The part of a file to ask for, and of which version.
pub(crate) struct RangeRequest<'a> {
    pub(crate) from: u64,
    /// The `ETag` or date of what is already there.
    pub(crate) validator: &'a str,
}

/// Asks for a file, or for the rest of it.
pub(crate) fn get(
    agent: &Agent,
    address: &Address,
    rest: Option<&RangeRequest<'_>>,
    limits: &Limits,
) -> Result<(Address, Response<Body>), Error> {
    let mut at = address.clone();
    for _ in 0..=limits.redirects {
        let mut request = agent.get(at.uri());
        if let Some(RangeRequest { from, validator }) = rest {
            request = request.header(RANGE, format!("bytes={from}-")).header(IF_RANGE, *validator);
        }
        let response =
            request.call().map_err(|error| Error::Connection { address: at.clone(), source: error.into() })?;
        match response.status().as_u16() {
            301 | 302 | 303 | 307 | 308 => at = at.redirect(header(&response, LOCATION).unwrap_or_default())?,
            _ => return Ok((at, response)),
        }
    }
    Err(Error::Redirects { address: address.clone(), limit: limits.redirects })
}

/// A header's text, if it is there and is text.
pub(crate) fn header(response: &Response<Body>, name: HeaderName) -> Option<&str> {
    response.headers().get(name)?.to_str().ok()
}

/// Looks hosts up, and holds `http:` to this machine whatever `localhost` was made to mean.
#[derive(Debug, Default)]
struct Loopback(DefaultResolver);

impl Resolver for Loopback {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.0.resolve(uri, config, timeout)?;
        let secure = uri.scheme_str() == Some("https");
        if secure || found.iter().all(|address| address.ip().is_loopback()) {
            return Ok(found);
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "the host is not this machine, and the address not https:")
            .into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a request gets as far as a connection is another matter: here the host is refused before.
    #[test]
    fn plain_http_to_another_machine_is_refused_by_the_resolver_too() {
        let limits = Limits::default();
        let error = agent(&limits).get("http://192.0.2.1:9/a").call().unwrap_err();
        assert!(error.to_string().contains("not this machine"), "{error}");
    }
}
