//! Serves the demo page on localhost.

use std::io::{BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shell::{Outcome, root};

/// The page may run its own scripts and its own wasm, and request only this server.
///
/// The package needs the first four directives; the page also has a stylesheet and an icon.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
                      style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Timeout for a browser to send a request or to read a response.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Limit of a request's size.
const MAX_REQUEST_BYTES: u64 = 16 * 1024;

/// Sent with every response.
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

/// Serves `dist/demo` on 127.0.0.1 until the process is stopped. Port 0 picks a free one.
pub(crate) fn serve(port: u16) -> Outcome {
    let folder = root().join("dist/demo");
    let cannot = |error: std::io::Error| format!("cannot listen on port {port}: {error}");
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(cannot)?;
    let port = listener.local_addr().map_err(cannot)?.port();
    println!("http://127.0.0.1:{port}/");
    // One thread and one connection per request: no request waits for another.
    std::thread::scope(|scope| {
        for stream in listener.incoming().flatten() {
            let folder = &folder;
            // The browser may have closed the connection.
            scope.spawn(move || respond(stream, port, folder).ok());
        }
    });
    Ok(())
}

fn respond(mut stream: TcpStream, port: u16, folder: &Path) -> std::io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let head = head(&mut stream)?;
    let (status, mime, body) = match answer(&head, port, folder) {
        Ok((mime, body)) => ("200 OK", mime, body),
        Err((status, why)) => (status, "text/plain; charset=utf-8", why.into()),
    };
    let length = body.len();
    let mut text = format!("HTTP/1.1 {status}\r\nContent-Type: {mime}\r\nContent-Length: {length}\r\n");
    for (name, value) in HEADERS {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(text.as_bytes())?;
    stream.write_all(b"Connection: close\r\n\r\n")?;
    stream.write_all(&body)
}

/// The head of a request, up to the empty line.
fn head(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    for byte in BufReader::new(stream.take(MAX_REQUEST_BYTES)).bytes() {
        head.push(byte?);
        if head.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    Ok(head)
}

type Refusal = (&'static str, &'static str);

fn answer(head: &[u8], port: u16, folder: &Path) -> Result<(&'static str, Vec<u8>), Refusal> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    if !request.parse(head).is_ok_and(|status| status.is_complete()) {
        return Err(("400 Bad Request", "this is no request that the server understands\n"));
    }
    let host = request.headers.iter().find(|header| header.name.eq_ignore_ascii_case("host"));
    if !host.is_some_and(|host| std::str::from_utf8(host.value).is_ok_and(|host| is_ours(host, port))) {
        // Another host name that resolves here lets a foreign page read this one (DNS rebinding).
        return Err(("403 Forbidden", "this server answers to 127.0.0.1 and localhost only\n"));
    }
    if request.method != Some("GET") {
        return Err(("405 Method Not Allowed", "this server answers GET only\n"));
    }
    let missing = ("404 Not Found", "there is no such file\n");
    let path = path(request.path.unwrap_or_default(), folder).ok_or(missing)?;
    let body = std::fs::read(&path).map_err(|_| missing)?;
    Ok((mime(&path), body))
}

fn is_ours(host: &str, port: u16) -> bool {
    let with_port = |name: &str| host.strip_prefix(name).is_some_and(|rest| rest == format!(":{port}"));
    with_port("127.0.0.1") || with_port("localhost") || (port == 80 && matches!(host, "127.0.0.1" | "localhost"))
}

/// The file for a URL: plain names in this folder, no other path.
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
