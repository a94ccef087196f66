//! A small HTTP server on this machine, whose manners the test writes down.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// How many came before it.
    pub(crate) count: usize,
    pub(crate) path: String,
    /// Names in lower case.
    headers: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Where the range that is asked for begins.
    pub(crate) fn range(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// A server that ends with the test's process.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers each request as `answer` does, and then closes the connection.
    pub(crate) fn new(answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        let answer = Arc::new(answer);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (log.clone(), answer.clone());
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { port, asked }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, &mut TcpStream)) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_string();
    let headers = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_string())))
        .collect();
    let asked = {
        let mut log = log.lock().unwrap();
        let asked = Asked { count: log.len(), path, headers };
        log.push(asked.clone());
        asked
    };
    answer(&asked, &mut stream);
}

/// A status and headers, and then the bytes, as long as the client listens.
pub(crate) fn send(stream: &mut TcpStream, head: &[&str], body: &[u8]) {
    let head = format!("HTTP/1.1 {}\r\nConnection: close\r\n\r\n", head.join("\r\n"));
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body)).and_then(|()| stream.flush());
}

/// A file as a good server gives it: whole, or the range that is asked for if it is of the version `tag`.
pub(crate) fn send_file(asked: &Asked, stream: &mut TcpStream, body: &[u8], tag: &str) {
    match asked.range().filter(|&from| from < body.len() && asked.header("if-range") == Some(tag)) {
        Some(from) => {
            let rest = &body[from..];
            let range = format!("Content-Range: bytes {from}-{}/{}", body.len() - 1, body.len());
            let length = format!("Content-Length: {}", rest.len());
            send(stream, &["206 Partial Content", &range, &length, &format!("ETag: {tag}")], rest);
        }
        None => {
            let length = format!("Content-Length: {}", body.len());
            send(stream, &["200 OK", &length, &format!("ETag: {tag}")], body);
        }
    }
}
