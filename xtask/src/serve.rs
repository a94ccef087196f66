//! The demo page on this machine, for this machine.

use std::fs::File;
use std::path::{Path, PathBuf};

use tiny_http::{Header, Method, Request, Response, Server, StatusCode};

use crate::shell::{Outcome, root};

/// What the page may do: run its own scripts and its own wasm, and talk to this server alone. The package needs the
/// first four; the page has a stylesheet and an icon too.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
                      style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sent with every answer.
const HEADERS: [(&str, &str); 7] = [
    ("Content-Security-Policy", POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Embedder-Policy", "require-corp"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-cache"),
];

const TYPES: [(&str, &str); 6] = [
    ("html", "text/html; charset=utf-8"),
    ("js", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("svg", "image/svg+xml"),
    ("png", "image/png"),
    ("wasm", "application/wasm"),
];

/// Serves `dist/demo` on 127.0.0.1 until it is stopped. Port 0 takes any that is free.
pub(crate) fn serve(port: u16) -> Outcome {
    let folder = root().join("dist/demo");
    let server = Server::http(("127.0.0.1", port)).map_err(|error| format!("cannot listen on port {port}: {error}"))?;
    let port = server.server_addr().to_ip().map_or(port, |address| address.port());
    println!("http://127.0.0.1:{port}/");
    for request in server.incoming_requests() {
        let answer = answer(&request, port, &folder);
        // Whoever asked may have gone.
        let _ = match answer {
            Ok((file, mime)) => request.respond(with_headers(Response::from_file(file), mime)),
            Err((status, why)) => {
                let response = Response::from_string(why).with_status_code(status);
                request.respond(with_headers(response, "text/plain; charset=utf-8"))
            }
        };
    }
    Ok(())
}

type Refusal = (StatusCode, &'static str);

fn answer(request: &Request, port: u16, folder: &Path) -> Result<(File, &'static str), Refusal> {
    let host = request.headers().iter().find(|header| header.field.equiv("Host")).map(|header| header.value.as_str());
    if !host.is_some_and(|host| is_ours(host, port)) {
        // Another name that leads here is how a foreign page would read this one.
        return Err((StatusCode(403), "this server answers to 127.0.0.1 and localhost only\n"));
    }
    if !matches!(request.method(), Method::Get | Method::Head) {
        return Err((StatusCode(405), "this server answers GET and HEAD only\n"));
    }
    let missing = (StatusCode(404), "there is no such file\n");
    let path = path(request.url(), folder).ok_or(missing)?;
    let mime = mime(&path);
    let file = File::open(path).ok().filter(|file| file.metadata().is_ok_and(|data| data.is_file())).ok_or(missing)?;
    Ok((file, mime))
}

fn is_ours(host: &str, port: u16) -> bool {
    let with_port = |name: &str| host.strip_prefix(name).is_some_and(|rest| rest == format!(":{port}"));
    with_port("127.0.0.1") || with_port("localhost") || (port == 80 && matches!(host, "127.0.0.1" | "localhost"))
}

/// The file that a URL names: plain names in the one folder, and no other.
fn path(url: &str, folder: &Path) -> Option<PathBuf> {
    let name = url.split(['?', '#']).next()?.strip_prefix('/')?;
    let name = if name.is_empty() { "index.html" } else { name };
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) && !name.starts_with('.');
    plain.then(|| folder.join(name))
}

fn mime(path: &Path) -> &'static str {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    TYPES.iter().find(|(of, _)| *of == extension).map_or("application/octet-stream", |(_, mime)| mime)
}

fn with_headers<R: std::io::Read>(response: Response<R>, mime: &str) -> Response<R> {
    let all = HEADERS.iter().copied().chain([("Content-Type", mime)]);
    all.filter_map(|(name, value)| Header::from_bytes(name, value).ok()).fold(response, Response::with_header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_by_its_own_names() {
        for host in ["127.0.0.1:8080", "localhost:8080"] {
            assert!(is_ours(host, 8080), "{host}");
        }
        for host in ["127.0.0.1", "127.0.0.1:80", "evil.example:8080", "127.0.0.1.evil.example:8080", "localhost:80800"]
        {
            assert!(!is_ours(host, 8080), "{host}");
        }
        assert!(is_ours("localhost", 80));
    }

    #[test]
    fn only_files_of_the_folder() {
        let folder = Path::new("demo");
        assert_eq!(path("/", folder), Some("demo/index.html".into()));
        assert_eq!(path("/app.js?x", folder), Some("demo/app.js".into()));
        for url in ["/../Cargo.toml", "/..", "//etc/passwd", "/%2e%2e/x", "/a/b", "/.hidden", "/C:x", "x", ""] {
            assert_eq!(path(url, folder), None, "{url}");
        }
    }

    #[test]
    fn policy_has_what_the_package_needs() {
        let needed = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
        assert!(POLICY.starts_with(needed));
        assert!(!POLICY.contains("unsafe-inline") && !POLICY.contains("http"));
    }
}
