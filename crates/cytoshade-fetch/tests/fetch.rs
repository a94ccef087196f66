//! Transfers from a server on this machine that behaves, and from many that do not.

mod server;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use cytoshade_fetch::{Address, Downloaded, Error, Limits, Progress, Request, Trust, fetch};
use server::{Server, send, send_file};
use sha2::{Digest, Sha256};

const TAG: &str = "\"v1\"";

/// 300 kB in which no part is like another.
fn body() -> Vec<u8> {
    (0..75_000u32).flat_map(|at| at.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// A request that trusts anything and is not tried again.
fn request(url: &str, folder: &Path) -> Request {
    let limits = Limits { pause: Duration::ZERO, retries: 0, ..Limits::default() };
    let address = Address::parse(url).unwrap();
    Request { address, target: folder.join("model"), trust: Trust::Unverified, size: None, limits }
}

fn run(request: &Request) -> Result<Downloaded, Error> {
    fetch(request, &mut |_| {})
}

/// The file that a transfer gives.
#[track_caller]
fn kept(request: &Request) -> Vec<u8> {
    let path = run(request).unwrap_or_else(|error| panic!("{error}")).keep().unwrap();
    assert_eq!(path, request.target);
    assert_eq!(names(path.parent().unwrap()), ["model"], "something was left behind");
    std::fs::read(path).unwrap()
}

#[track_caller]
fn refused(request: &Request, is_right: impl Fn(&Error) -> bool) -> Error {
    let error = run(request).map(|arrived| arrived.bytes()).unwrap_err();
    assert!(is_right(&error), "{error:?}: {error}");
    assert!(!request.target.exists());
    error
}

fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().flatten().map(|file| file.file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// What a broken transfer leaves.
fn leave_part(folder: &Path, address: &str, bytes: &[u8]) {
    std::fs::write(folder.join("model.part"), bytes).unwrap();
    let notes = format!(r#"{{"address":"{address}","validator":"\"v1\""}}"#);
    std::fs::write(folder.join("model.part.json"), notes).unwrap();
}

#[test]
fn a_whole_file_arrives_with_its_hash_and_its_progress() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
    let mut wanted = request(&server.url("/cyto3"), folder.path());
    wanted.trust = Trust::Sha256(hash(&body()));
    wanted.size = Some(300_000);
    let mut seen: Vec<Progress> = Vec::new();
    let arrived = fetch(&wanted, &mut |progress| seen.push(progress)).unwrap();
    assert_eq!((arrived.bytes(), arrived.sha256()), (300_000, hash(&body())));
    assert_eq!(std::fs::read(arrived.path()).unwrap(), body());
    assert!(!wanted.target.exists(), "it has its name before it was looked into");
    assert_eq!(seen.last(), Some(&Progress { done: 300_000, total: Some(300_000) }));
    arrived.keep().unwrap();
    assert_eq!(std::fs::read(&wanted.target).unwrap(), body());
    let asked = &server.asked()[0];
    assert_eq!(asked.header("user-agent"), Some(concat!("cytoshade/", env!("CARGO_PKG_VERSION"))));
    assert_eq!(asked.header("accept-encoding"), Some("identity"));
    for header in ["cookie", "authorization", "referer", "range", "if-range"] {
        assert_eq!(asked.header(header), None, "{header}");
    }
}

#[test]
fn what_is_not_kept_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
    let arrived = run(&request(&server.url("/a"), folder.path())).unwrap();
    assert_eq!(names(folder.path()), ["model.part", "model.part.json"]);
    drop(arrived);
    assert_eq!(names(folder.path()), Vec::<String>::new());
}

/// Breaks every transfer off after a third, and closes the connection.
fn breaking() -> Server {
    Server::new(|asked, stream| {
        let whole = body();
        let from = asked.range().unwrap_or(0);
        let end = (from + 100_000).min(whole.len());
        let (length, tag) = (format!("Content-Length: {}", whole.len() - from), format!("ETag: {TAG}"));
        let range = format!("Content-Range: bytes {from}-{}/{}", whole.len() - 1, whole.len());
        let head = if from == 0 { "200 OK" } else { "206 Partial Content" };
        send(stream, &[head, &length, &range, &tag], &whole[from..end]);
    })
}

#[test]
fn a_broken_transfer_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let server = breaking();
    let mut wanted = request(&server.url("/a"), folder.path());
    wanted.limits.retries = 3;
    assert_eq!(kept(&wanted), body());
    let ranges: Vec<_> = server.asked().iter().map(server::Asked::range).collect();
    assert_eq!(ranges, [None, Some(100_000), Some(200_000)]);
    assert!(server.asked()[1..].iter().all(|asked| asked.header("if-range") == Some(TAG)));
}

#[test]
fn a_broken_transfer_goes_on_in_a_later_call() {
    let folder = tempfile::tempdir().unwrap();
    let server = breaking();
    let wanted = request(&server.url("/a"), folder.path());
    for done in [100_000, 200_000] {
        refused(&wanted, |error| matches!(error, Error::Broken { done: found, .. } if *found == done));
    }
    assert_eq!(kept(&wanted), body());
}

#[test]
fn the_hash_is_over_every_byte_those_from_before_too() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
    let url = server.url("/a");
    let mut damaged = body()[..1000].to_vec();
    damaged[500] ^= 1;
    leave_part(folder.path(), &url, &damaged);
    let mut wanted = request(&url, folder.path());
    wanted.trust = Trust::Sha256(hash(&body()));
    refused(&wanted, |error| matches!(error, Error::Hash { expected, .. } if *expected == hash(&body())));
    assert_eq!(server.asked()[0].range(), Some(1000), "nothing was resumed");
    assert_eq!(names(folder.path()), Vec::<String>::new(), "damaged bytes were left to go on with");
    assert_eq!(kept(&wanted), body());
}

#[test]
fn servers_that_cannot_go_on_begin_anew() {
    type Answer = fn(&server::Asked, &mut std::net::TcpStream);
    let answers: [(&str, usize, Answer); 5] = [
        ("ignores Range", 1, |_, stream| send(stream, &["200 OK", "Content-Length: 300000"], &body())),
        ("has a new version", 1, |asked, stream| send_file(asked, stream, &body(), "\"v2\"")),
        ("answers 416", 2, |asked, stream| match asked.range() {
            Some(_) => send(stream, &["416 Range Not Satisfiable", "Content-Length: 0"], b""),
            None => send_file(asked, stream, &body(), TAG),
        }),
        ("gives another range", 2, |asked, stream| match asked.range() {
            Some(_) => {
                send(stream, &["206 Partial Content", "Content-Range: bytes 0-9/10", "Content-Length: 10"], &[1; 10]);
            }
            None => send_file(asked, stream, &body(), TAG),
        }),
        ("gives a range of another version", 2, |asked, stream| match asked.range() {
            Some(from) => {
                let range = format!("Content-Range: bytes {from}-{from}/{}", from + 1);
                send(stream, &["206 Partial Content", &range, "Content-Length: 1", "ETag: \"v2\""], &[1]);
            }
            None => send_file(asked, stream, &body(), TAG),
        }),
    ];
    for (what, requests, answer) in answers {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(answer);
        let url = server.url("/a");
        leave_part(folder.path(), &url, &[7; 5000]);
        assert_eq!(kept(&request(&url, folder.path())), body(), "{what}");
        assert_eq!(server.asked()[0].range(), Some(5000), "{what}");
        assert_eq!(server.asked().len(), requests, "{what}");
    }
}

#[test]
fn bytes_of_another_address_or_of_no_known_version_are_not_gone_on_with() {
    for notes in [r#"{"address":"https://other.example/a","validator":"\"v1\""}"#, "{", ""] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
        std::fs::write(folder.path().join("model.part"), [7; 5000]).unwrap();
        std::fs::write(folder.path().join("model.part.json"), notes).unwrap();
        assert_eq!(kept(&request(&server.url("/a"), folder.path())), body());
        assert_eq!(server.asked()[0].range(), None, "{notes}");
    }
    // A weak tag does not promise the same bytes; a date is taken where there is no strong one.
    for (header, validator) in [("ETag: W/\"v1\"", None), ("Last-Modified: Mon, 01 Jan 2024 00:00:00 GMT", Some("Mon"))]
    {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(move |asked, stream| {
            let sent = if asked.count == 0 { 1000 } else { 300_000 };
            send(stream, &["200 OK", "Content-Length: 300000", header], &body()[..sent]);
        });
        let wanted = request(&server.url("/a"), folder.path());
        refused(&wanted, |error| matches!(error, Error::Broken { done: 1000, .. }));
        assert_eq!(kept(&wanted), body());
        let asked = &server.asked()[1];
        assert_eq!(asked.header("if-range").map(|date| &date[..3]), validator, "{header}");
        assert_eq!(asked.range(), validator.map(|_| 1000), "{header}");
    }
}

#[test]
fn sizes_are_held() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| match asked.path.as_str() {
        "/announced" => send_file(asked, stream, &body(), TAG),
        "/huge" => send(stream, &["200 OK", "Content-Length: 18446744073709551615"], &body()),
        "/until-close" => send(stream, &["200 OK"], &body()),
        // Chunks without end.
        _ => {
            send(stream, &["200 OK", "Transfer-Encoding: chunked"], b"");
            let chunk = [&[7; 1024][..], b"\r\n"].concat();
            while stream.write_all(b"400\r\n").and_then(|()| stream.write_all(&chunk)).is_ok() {}
        }
    });
    for (path, size) in
        [("/announced", Some(300_000)), ("/huge", Some(u64::MAX)), ("/until-close", None), ("/endless", None)]
    {
        let mut wanted = request(&server.url(path), folder.path());
        wanted.limits.max_bytes = 299_999;
        refused(&wanted, |error| matches!(error, Error::TooLarge { found, limit: 299_999 } if *found == size));
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{path}");
    }
    for (path, size) in [
        ("/announced", 299_999),
        ("/announced", 300_001),
        ("/until-close", 299_999),
        ("/until-close", 300_001),
        ("/endless", 5000),
    ] {
        let mut wanted = request(&server.url(path), folder.path());
        wanted.size = Some(size);
        refused(&wanted, |error| matches!(error, Error::Size { expected, .. } if *expected == size));
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn redirects_are_followed_where_they_may_lead() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| {
        let to = match asked.path.as_str() {
            "/start" => "/folder/next",
            "/folder/next" => "end?key=secret",
            "/folder/end?key=secret" => return send_file(asked, stream, &body(), TAG),
            "/loop" => "/loop",
            "/file" => "file:///etc/passwd",
            "/http" => "http://models.example/cyto3",
            "/far" => "http://192.0.2.1/cyto3",
            "/user" => "https://me:secret@models.example/cyto3",
            _ => "",
        };
        send(stream, &["302 Found", &format!("Location: {to}"), "Content-Length: 0", "Set-Cookie: a=b"], b"");
    });
    let near = |path: &str| request(&server.url(path), folder.path());
    assert_eq!(kept(&near("/start")), body());
    assert!(server.asked().iter().all(|asked| asked.header("cookie").is_none()));
    std::fs::remove_file(folder.path().join("model")).unwrap();
    for path in ["/file", "/http", "/far", "/user"] {
        let error = refused(&near(path), |error| matches!(error, Error::Redirect { .. }));
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(names(folder.path()), Vec::<String>::new(), "{path}");
    }
    let before = server.asked().len();
    refused(&near("/loop"), |error| matches!(error, Error::Redirects { limit: 5, .. }));
    assert_eq!(server.asked().len() - before, 6);
}

#[test]
fn servers_that_stall_are_given_up_and_what_came_is_kept_to_go_on_with() {
    for behavior in ["no answer", "slow headers", "a stall", "a trickle"] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(move |_, stream| {
            if behavior == "a stall" || behavior == "a trickle" {
                send(stream, &["200 OK", "Content-Length: 300000", &format!("ETag: {TAG}")], &[7; 10]);
            }
            if behavior == "slow headers" {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nX-Slow: ");
            }
            // For longer than any limit here.
            for _ in 0..200 {
                std::thread::sleep(Duration::from_millis(50));
                let sent = match behavior {
                    "slow headers" => stream.write_all(b"H"),
                    "a trickle" => stream.write_all(b"7"),
                    _ => Ok(()),
                };
                if sent.is_err() {
                    return;
                }
            }
        });
        let mut wanted = request(&server.url("/a"), folder.path());
        match behavior {
            "no answer" | "slow headers" => wanted.limits.answer = Duration::from_millis(500),
            _ => wanted.limits.stall = Duration::from_millis(500),
        }
        let error = refused(&wanted, |_| true);
        match (behavior, &error) {
            ("no answer" | "slow headers", Error::Connection { .. }) => {
                assert!(error.to_string().contains("timeout"), "the server gave up first: {error}");
            }
            ("a stall" | "a trickle", Error::Stalled { done: 10.., expected: 4096, .. }) => {
                assert_eq!(names(folder.path()), ["model.part", "model.part.json"], "{behavior}");
            }
            _ => panic!("{behavior}: {error:?}: {error}"),
        }
    }
}

#[test]
fn other_answers_are_told_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| match asked.path.as_str() {
        "/missing" => send(stream, &["404 Not Found", "Content-Length: 4"], b"gone"),
        "/busy" => send(stream, &["503 Service Unavailable", "Content-Length: 0"], b""),
        "/packed" => send(stream, &["200 OK", "Content-Encoding: gzip", "Content-Length: 4"], b"\x1f\x8b00"),
        "/noise" => drop(stream.write_all(b"\x16\x03\x01 this is not HTTP\r\n\r\n")),
        _ => {}
    });
    let near = |path: &str| request(&server.url(path), folder.path());
    for (path, expected) in [("/missing", 404), ("/busy", 503)] {
        leave_part(folder.path(), &server.url(path), &[7; 10]);
        refused(&near(path), |error| matches!(error, Error::Status { status, .. } if *status == expected));
        assert_eq!(names(folder.path()), ["model.part", "model.part.json"]);
    }
    refused(&near("/packed"), |error| matches!(error, Error::Encoding { encoding, .. } if encoding == "gzip"));
    for path in ["/noise", "/nothing"] {
        refused(&near(path), |error| matches!(error, Error::Connection { .. }));
    }
    // TLS is not given up for a server that has none.
    let secure = server.url("/a").replace("http:", "https:");
    refused(&request(&secure, folder.path()), |error| matches!(error, Error::Connection { .. }));
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused(&request(&format!("http://{nobody}/a"), folder.path()), |error| matches!(error, Error::Connection { .. }));
}

#[test]
fn a_second_transfer_into_the_folder_waits_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
    let wanted = request(&server.url("/a"), folder.path());
    let first = run(&wanted).unwrap();
    refused(&wanted, |error| matches!(error, Error::Busy { .. }));
    assert_eq!(std::fs::read(first.keep().unwrap()).unwrap(), body());
    std::fs::remove_file(&wanted.target).unwrap();
    assert_eq!(kept(&wanted), body());
}

#[test]
fn a_folder_is_made_for_the_user_alone_and_one_that_cannot_be_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
    let mut wanted = request(&server.url("/a"), folder.path());
    wanted.target = folder.path().join("new/models/model");
    assert_eq!(kept(&wanted), body());
    std::fs::write(folder.path().join("file"), b"").unwrap();
    wanted.target = folder.path().join("file/model");
    let error = refused(&wanted, |error| matches!(error, Error::Io { .. }));
    assert!(error.to_string().contains("file"), "{error}");
}

/// Whatever a server sends beside the file, the transfer ends soon.
#[test]
fn servers_that_send_without_end_are_given_up() {
    type Answer = fn(&mut std::net::TcpStream) -> std::io::Result<()>;
    const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answers: [(&str, Answer); 8] = [
        ("headers", |stream| without_end(stream, b"HTTP/1.1 200 OK\r\n", b"X-More: and more\r\n")),
        ("one header", |stream| without_end(stream, b"HTTP/1.1 200 OK\r\nX-More: ", b"more")),
        ("interim answers", |stream| without_end(stream, b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
        ("line breaks", |stream| without_end(stream, b"", b"\r\n")),
        ("trailers", |stream| without_end(stream, &[CHUNKED, b"4\r\nfile\r\n0\r\n"].concat(), b"A: b\r\n")),
        ("one trailer", |stream| without_end(stream, &[CHUNKED, b"4\r\nfile\r\n0\r\nA: "].concat(), b"more")),
        ("a chunk's extension", |stream| without_end(stream, &[CHUNKED, b"4;a="].concat(), b"more")),
        ("a chunk's size", |stream| without_end(stream, CHUNKED, b"0")),
    ];
    for (what, answer) in answers {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(move |_, stream| drop(answer(stream)));
        let wanted = request(&server.url("/a"), folder.path());
        let start = std::time::Instant::now();
        let error = refused(&wanted, |_| true);
        let is_right = matches!(error, Error::Endless { .. } | Error::Connection { .. } | Error::Broken { .. });
        assert!(is_right && start.elapsed() < Duration::from_secs(10), "{what}: {error} {:?}", start.elapsed());
    }
}

/// Writes a beginning, and then a piece again and again, as long as the client listens.
fn without_end(stream: &mut std::net::TcpStream, start: &[u8], piece: &[u8]) -> std::io::Result<()> {
    stream.write_all(start)?;
    let many = piece.repeat(1000);
    loop {
        stream.write_all(&many)?;
    }
}

/// Trailers that trickle are no progress of the file.
#[test]
fn slow_trailers_are_a_stall() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|_, stream| {
        send(stream, &["200 OK", "Transfer-Encoding: chunked"], b"4\r\nfile\r\n0\r\n");
        while stream.write_all(b"A: b\r\n").is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let mut wanted = request(&server.url("/a"), folder.path());
    wanted.limits.stall = Duration::from_millis(400);
    refused(&wanted, |error| matches!(error, Error::Stalled { done: 4, .. }));
}

/// Fast enough not to stall, and too slow in all.
#[test]
fn a_transfer_has_a_deadline_with_all_its_retries() {
    for breaks_off in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::new(move |asked, stream| {
            let from = asked.range().unwrap_or(0);
            let range = format!("Content-Range: bytes {from}-299999/300000");
            let head = if from == 0 { "200 OK" } else { "206 Partial Content" };
            let length = format!("Content-Length: {}", 300_000 - from);
            send(stream, &[head, &length, &range, &format!("ETag: {TAG}")], b"");
            for _ in 0..if breaks_off { 2 } else { 1000 } {
                std::thread::sleep(Duration::from_millis(20));
                if stream.write_all(&[7; 100]).is_err() {
                    return;
                }
            }
        });
        let mut wanted = request(&server.url("/a"), folder.path());
        wanted.limits = Limits {
            retries: 1000,
            stall_bytes: 10,
            grace: Duration::from_millis(300),
            floor: 1 << 20,
            ..wanted.limits
        };
        let start = std::time::Instant::now();
        let error = refused(&wanted, |error| matches!(error, Error::Deadline { done: 100.., .. }));
        assert!(start.elapsed() < Duration::from_secs(5), "{error} {:?}", start.elapsed());
        // What came can be continued.
        assert_eq!(names(folder.path()), ["model.part", "model.part.json"], "{breaks_off}");
    }
    let limits = Limits { grace: Duration::from_secs(10), floor: 1000, ..Limits::default() };
    assert_eq!((limits.total(0), limits.total(5000)), (Duration::from_secs(10), Duration::from_secs(15)));
    assert_eq!(Limits { floor: 0, ..limits }.total(5), Duration::from_secs(15));
}

#[cfg(unix)]
#[test]
fn files_are_the_user_s_alone_and_no_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let server = Server::new(|asked, stream| send_file(asked, stream, &body(), TAG));
    let wanted = request(&server.url("/a"), folder.path());
    let downloaded = run(&wanted).unwrap();
    for name in ["model.part", "model.part.json", ".fetch.lock"] {
        assert_eq!(mode(&at(name)), 0o600, "{name}");
    }
    downloaded.keep().unwrap();
    assert_eq!(mode(&at("model")), 0o600);
    std::fs::remove_file(at("model")).unwrap();

    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    std::fs::write(&secret, b"secret").unwrap();
    for name in ["model.part", ".fetch.lock"] {
        let _ = std::fs::remove_file(at(name));
        symlink(&secret, at(name)).unwrap();
        refused(&wanted, |error| matches!(error, Error::Io { .. }));
        std::fs::remove_file(at(name)).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(at(name)).status().unwrap().success());
        refused(&wanted, |error| matches!(error, Error::Io { .. }));
        std::fs::remove_file(at(name)).unwrap();
    }
    // Notes behind a link are none, and are replaced.
    std::fs::write(at("model.part"), &body()[..1000]).unwrap();
    symlink(&secret, at("model.part.json")).unwrap();
    assert_eq!(kept(&wanted), body());
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    // A target that is a link is replaced, not followed.
    std::fs::remove_file(at("model")).unwrap();
    symlink(&secret, at("model")).unwrap();
    run(&wanted).unwrap().keep().unwrap();
    assert_eq!(std::fs::read(&secret).unwrap(), b"secret");
    assert!(!at("model").is_symlink());

    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    let error = run(&wanted).unwrap_err();
    assert!(error.to_string().contains("written to by others"), "{error}");
}

#[test]
fn queries_are_in_no_message_and_in_no_notes() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(|asked, stream| match asked.path.split('?').next() {
        Some("/missing") => send(stream, &["404 Not Found", "Content-Length: 0"], b""),
        Some("/packed") => send(stream, &["200 OK", "Content-Encoding: gzip", "Content-Length: 0"], b""),
        Some("/away") => {
            send(stream, &["302 Found", "Location: http://192.0.2.1/?key=secret", "Content-Length: 0"], b"");
        }
        Some("/loop") => send(stream, &["302 Found", "Location: /loop?key=secret", "Content-Length: 0"], b""),
        Some("/broken") => {
            send(stream, &["200 OK", "Content-Length: 300000", &format!("ETag: {TAG}")], &body()[..1000]);
        }
        Some("/noise") => drop(stream.write_all(b"this is not HTTP\r\n\r\n")),
        _ => {}
    });
    for path in ["/missing", "/packed", "/away", "/loop", "/broken", "/noise", "/nothing"] {
        let wanted = request(&server.url(&format!("{path}?key=secret&token=secret")), folder.path());
        let error = refused(&wanted, |_| true);
        for said in [error.to_string(), format!("{error:?}"), error.redacted().to_string()] {
            assert!(!said.contains("secret"), "{path}: {said}");
        }
    }
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = refused(&request(&format!("http://{nobody}/a?key=secret"), folder.path()), |_| true);
    assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
    // Notes of a transfer that was interrupted, which the same query continues and another does not.
    let broken = request(&server.url("/broken?key=secret"), folder.path());
    refused(&broken, |error| matches!(error, Error::Broken { done: 1000, .. }));
    let notes = std::fs::read_to_string(folder.path().join("model.part.json")).unwrap();
    assert!(notes.contains("/broken") && !notes.contains("secret"), "{notes}");
    let ranges = |server: &Server| server.asked().last().and_then(server::Asked::range);
    refused(&broken, |_| true);
    assert_eq!(ranges(&server), Some(1000));
    refused(&request(&server.url("/broken?key=other"), folder.path()), |_| true);
    assert_eq!(ranges(&server), None);
}
