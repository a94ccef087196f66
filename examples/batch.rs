//! Segments many images: decoding, network and labelling overlap, with progress, and a stop after some seconds.
//!
//!     cargo run --release -p cytoshade-examples --example batch -- SECONDS IMAGE...

use std::path::PathBuf;
use std::time::Duration;

use cytoshade::{Cancel, Control, ErrorKind, Image, Model, Params, Segmenter, Stage};
use cytoshade_examples::{model, photograph};
use cytoshade_formats::{ReadOptions, read};

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(60), |seconds| seconds.parse())?;
    let mut files: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    if files.is_empty() {
        files = vec![photograph(); 8];
    }
    segment(files, Duration::from_secs(seconds)).map(|_| ())
}

/// Returns the number of images that were segmented.
fn segment(files: Vec<PathBuf>, limit: Duration) -> Result<usize, Error> {
    let segmenter = Segmenter::new(&Model::open(model())?)?;
    let names = files.clone();

    // Any clone of the handle stops the batch.
    let cancel = Cancel::new();
    let stop = cancel.clone();
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        stop.cancel();
    });
    let control = Control::new().cancel(&cancel).on_progress(|progress| {
        if progress.stage == Stage::Network && progress.done == progress.total {
            println!("image {}: {} tiles are through the network", progress.image, progress.total);
        }
    });

    // The iterator runs on a thread of the batch, so that files are decoded while the network works. A file that cannot
    // be read is the error of its place, and the others are still done.
    let images = files.into_iter().map(decode);
    let mut done = 0;
    for (name, result) in names.iter().zip(segmenter.segment_batch_with(images, &Params::new(), &control)) {
        match result {
            Ok(segmentation) => {
                println!("{}: {} cells", name.display(), segmentation.cells());
                done += 1;
            }
            Err(error) if error.kind() == ErrorKind::Cancelled => println!("stopped"),
            Err(error) => eprintln!("{}: {error}", name.display()),
        }
    }
    Ok(done)
}

fn decode(file: PathBuf) -> Result<Image, Error> {
    read(&file, &ReadOptions::default())?.into_iter().next().ok_or_else(|| "the file holds no image".into())
}

#[test]
fn runs() {
    let files = vec![photograph(), "no such file".into(), photograph()];
    assert_eq!(segment(files, Duration::from_secs(3600)).unwrap(), 2);
    assert_eq!(segment(vec![photograph(); 3], Duration::ZERO).unwrap(), 0);
}
