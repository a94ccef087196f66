//! An HTTP service that segments images: `POST /segment` with the bytes of an image file gives its cells as JSON.
//!
//! One thread owns the segmenter. A bounded queue stands before it: a request that finds the queue full is answered with
//! 503 at once, so that a burst costs neither memory nor the time of those who came before.
//!
//!     cargo run --release -p cytoshade-examples --example service -- 127.0.0.1:8080
//!     curl --data-binary @models/demo.png http://127.0.0.1:8080/segment

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::routing::post;
use cytoshade::{ErrorKind, Model, Params, Segmenter};
use cytoshade_examples::model;
use cytoshade_formats::{ReadOptions, read_bytes};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// Requests that wait while another is segmented.
const QUEUE: usize = 8;
/// Most bytes of an image file.
const MAX_BYTES: usize = 64 << 20;

type Reply = Result<String, (StatusCode, String)>;

/// An image file, and the way back.
struct Job {
    file: Bytes,
    reply: oneshot::Sender<Reply>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:8080".into());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await?;
        println!("listening on {}", listener.local_addr()?);
        Ok(axum::serve(listener, service()?).await?)
    })
}

/// Starts the thread that segments, and routes requests to it. The thread ends with the last request handler.
fn service() -> Result<Router, cytoshade::Error> {
    let segmenter = Segmenter::new(&Model::open(model())?)?;
    let (jobs, queue) = sync_channel(QUEUE);
    std::thread::spawn(move || work(&segmenter, &queue));
    Ok(Router::new().route("/segment", post(segment)).layer(DefaultBodyLimit::max(MAX_BYTES)).with_state(jobs))
}

async fn segment(State(jobs): State<SyncSender<Job>>, file: Bytes) -> Reply {
    let (reply, result) = oneshot::channel();
    match jobs.try_send(Job { file, reply }) {
        Ok(()) => {}
        Err(TrySendError::Full(_)) => return Err((StatusCode::SERVICE_UNAVAILABLE, "the queue is full\n".into())),
        Err(TrySendError::Disconnected(_)) => return Err(internal()),
    }
    result.await.unwrap_or_else(|_| Err(internal()))
}

fn work(segmenter: &Segmenter, queue: &Receiver<Job>) {
    for Job { file, reply } in queue {
        // A client that has gone costs nothing more.
        if !reply.is_closed() {
            let _ = reply.send(cells(segmenter, &file));
        }
    }
}

fn cells(segmenter: &Segmenter, file: &[u8]) -> Reply {
    let bad = |error: &dyn std::fmt::Display| (StatusCode::BAD_REQUEST, format!("{error}\n"));
    let images = read_bytes(file, &ReadOptions::default()).map_err(|error| bad(&error))?;
    let image = images.first().ok_or_else(|| bad(&"the file holds no image"))?;
    let segmentation = segmenter.segment(image, &Params::new()).map_err(|error| match error.kind() {
        ErrorKind::Image | ErrorKind::Parameter => bad(&error),
        _ => {
            // For the log: the message without paths.
            eprintln!("{}", error.redacted());
            internal()
        }
    })?;
    let (height, width) = (segmentation.labels.height(), segmentation.labels.width());
    Ok(format!("{{\"cells\": {}, \"height\": {height}, \"width\": {width}}}\n", segmentation.cells()))
}

fn internal() -> (StatusCode, String) {
    (StatusCode::INTERNAL_SERVER_ERROR, "the segmentation failed\n".into())
}

#[test]
fn runs() {
    use std::io::{Read, Write};

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    runtime.spawn(async move { axum::serve(listener, service().unwrap()).await });
    let post = |body: &[u8]| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head =
            format!("POST /segment HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    };
    let reply = post(&std::fs::read(cytoshade_examples::photograph()).unwrap());
    assert!(reply.starts_with("HTTP/1.1 200") && reply.contains("\"height\": 520"), "{reply}");
    assert!(post(b"no image").starts_with("HTTP/1.1 400"));
}
