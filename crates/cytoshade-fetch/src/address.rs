//! Checks addresses and makes them printable.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use cytoshade_safe_io::printable_path;
use ureq::http::Uri;

use crate::Error;

/// A checked address: `https:`, or `http:` to this machine, without credentials.
///
/// Its text form omits the query, which may hold a key.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    // The client gets the checked `Uri`: a second parser could find another host.
    uri: Uri,
}

impl Address {
    /// Parses an address typed by the user.
    ///
    /// # Errors
    /// [`Error::Address`] if the text is not an address, or not an allowed one.
    pub fn parse(text: &str) -> Result<Self, Error> {
        check(text).map_err(|reason| Error::Address { shown: shown(text), reason })
    }

    /// The last part of the path, unchecked: not safe as a file name.
    pub fn file_name(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The address without its query, and the query.
    pub(crate) fn parts(&self) -> (String, Option<&str>) {
        let text = self.uri.to_string();
        let place = text.split('?').next().unwrap_or_default();
        (place.to_string(), self.uri.query())
    }

    fn is_plain_http(&self) -> bool {
        self.uri.scheme_str() == Some("http")
    }

    /// The address in the server's `Location`, if it is allowed: `https:`, or from this machine to itself.
    pub(crate) fn redirect(&self, location: &str) -> Result<Self, Error> {
        let refuse = |reason| Error::Redirect { from: Box::new(self.clone()), shown: shown(location), reason };
        let next = check(&self.join(location)).map_err(refuse)?;
        if next.is_plain_http() && !self.is_plain_http() {
            return Err(refuse("a server elsewhere may not point to plain HTTP on this machine"));
        }
        Ok(next)
    }

    /// Resolves a `Location`, which may omit unchanged parts.
    fn join(&self, location: &str) -> String {
        let scheme = self.uri.scheme_str().unwrap_or_default();
        let authority = self.uri.authority().map_or("", |authority| authority.as_str());
        let first = location.split(['/', '?', '#']).next().unwrap_or_default();
        if first.contains(':') {
            location.to_string()
        } else if location.starts_with("//") {
            format!("{scheme}:{location}")
        } else if location.starts_with('/') {
            format!("{scheme}://{authority}{location}")
        } else {
            let folder = self.uri.path().rsplit_once('/').map_or("", |(folder, _)| folder);
            format!("{scheme}://{authority}{folder}/{location}")
        }
    }
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.uri.to_string()))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

fn check(text: &str) -> Result<Address, &'static str> {
    let uri: Uri = text.parse().map_err(|_| "it is not an address; expected https://HOST/PATH")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("it is not a complete address; expected https://HOST/PATH");
    };
    if authority.as_str().contains('@') {
        return Err("it holds credentials, which are never sent; give an address without them");
    }
    if authority.host().is_empty() {
        return Err("it names no host; expected https://HOST/PATH");
    }
    match scheme {
        "https" => Ok(Address { uri }),
        "http" if is_loopback(authority.host()) => Ok(Address { uri }),
        "http" => Err("plain HTTP is allowed only to this machine (127.0.0.1, [::1], localhost); use https:"),
        _ => Err("its scheme is not https; expected https://HOST/PATH"),
    }
}

/// Whether a host is this machine, by its name. The addresses of `localhost` are checked later.
fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || bare.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// A printable address: shortened, without credentials, query and control characters.
fn shown(text: &str) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = bare.split_at(bare.find("//").map_or(0, |at| at + 2));
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    printable_path([scheme, host, path].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_this_machine_are_fetched_from() {
        for text in [
            "https://models.example/cyto3",
            "HTTPS://models.example:8443/a/b?key=1",
            "http://127.0.0.1:80/a",
            "http://127.8.9.10/a",
            "http://[::1]:8080/a",
            "http://LocalHost:1/a",
        ] {
            Address::parse(text).unwrap();
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for (text, why) in [
            ("", "not an address"),
            ("cyto3", "not a complete address"),
            ("/etc/passwd", "not a complete address"),
            ("https://", "not an address"),
            ("https://a b/c", "not an address"),
            ("http://models.example/cyto3", "plain HTTP"),
            ("http://127.0.0.1.models.example/a", "plain HTTP"),
            ("http://localhost.models.example/a", "plain HTTP"),
            ("http://127.1/a", "plain HTTP"),
            ("http://2130706433/a", "plain HTTP"),
            ("http://0x7f000001/a", "plain HTTP"),
            ("http://0.0.0.0/a", "plain HTTP"),
            ("http://10.0.0.1/a", "plain HTTP"),
            ("http://[::2]/a", "plain HTTP"),
            ("http://[::ffff:127.0.0.1]/a", "plain HTTP"),
            ("http://127.0.0.1@models.example/a", "credentials"),
            ("https://me:secret@models.example/a", "credentials"),
            ("me:secret@models.example/a", "address"),
            ("ftp://models.example/a", "not https"),
            ("file:///etc/passwd", "address"),
        ] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn redirects_lead_to_https_or_stay_on_this_machine() {
        let far = Address::parse("https://models.example/a/b?c").unwrap();
        let near = Address::parse("http://127.0.0.1:8080/a/b").unwrap();
        for (from, location, to) in [
            (&far, "https://other.example/x", "https://other.example/x"),
            (&far, "//other.example/x", "https://other.example/x"),
            (&far, "/x?y=https://z", "https://models.example/x"),
            (&far, "x", "https://models.example/a/x"),
            (&near, "http://localhost:81/x", "http://localhost:81/x"),
            (&near, "https://other.example/x", "https://other.example/x"),
            (&near, "/x", "http://127.0.0.1:8080/x"),
        ] {
            assert_eq!(from.redirect(location).unwrap().to_string(), to, "{location}");
        }
        for (from, location) in [
            (&far, "http://models.example/x"),
            (&far, "http://127.0.0.1/x"),
            (&far, "http://localhost/x"),
            (&far, "https://me:secret@other.example/x"),
            (&far, "file:///etc/passwd"),
            (&far, "file:/etc/passwd"),
            (&far, "data:text/plain,x"),
            (&near, "http://10.0.0.1/x"),
            (&near, "//models.example/x"),
            (&near, "file:/etc/passwd"),
        ] {
            let error = from.redirect(location).unwrap_err();
            assert!(matches!(error, Error::Redirect { .. }), "{location}: {error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn queries_are_not_shown() {
        let address = Address::parse("https://models.example/cyto3?signature=secret").unwrap();
        assert_eq!((address.to_string().as_str(), address.file_name()), ("https://models.example/cyto3", "cyto3"));
    }
}
