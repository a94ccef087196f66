//! Every file of hostile/ ends in the error that its index names, in under a second and 64 MiB beyond the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cytoshade_model::{Error, LoadOptions, load_path, load_size_model, read_file};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LONGEST: Duration = Duration::from_secs(1);
const MOST_BYTES: usize = 64 << 20;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile")
}

/// Opens a file as its kind is opened.
fn open(path: &Path) -> Result<(), Error> {
    let options = LoadOptions::default();
    if path.extension().is_some_and(|extension| extension == "npy") {
        return load_size_model(&read_file(path, &options.limits)?, &options).map(drop);
    }
    load_path(path, &options).map(drop)
}

/// The error's variant, and what the attempt cost in time and in bytes beyond the file.
fn attempt(path: &Path) -> (Result<String, ()>, Duration, usize) {
    let file = std::fs::metadata(path).unwrap().len() as usize;
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let result = open(path);
    let time = start.elapsed();
    let bytes = MEMORY.peak_usage().saturating_sub(before + file);
    let variant = result.err().map(|error| {
        assert!(error.to_string().chars().all(|c| !c.is_control()), "{}: a message is one line", path.display());
        let text = format!("{error:?}");
        text.split([' ', '(']).next().unwrap_or_default().to_string()
    });
    (variant.ok_or(()), time, bytes)
}

// One test, since the memory of others in the process would count.
#[test]
fn every_hostile_file_ends_in_its_error() {
    let index = std::fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut listed = 0;
    for line in index.lines() {
        let [name, expected, attacks] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (found, time, bytes) = attempt(&folder().join(name));
        listed += 1;
        if found.as_deref() != Ok(expected) || time > LONGEST || bytes > MOST_BYTES {
            wrong.push(format!("{name} ({attacks}): {found:?}, expected {expected}; {time:?}, {bytes} bytes"));
        }
    }
    let files = std::fs::read_dir(folder()).unwrap().count();
    assert_eq!(files, listed + 1, "every file is in the index");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The measure itself: a network that is one is opened, and its weights are seen to cost memory.
    let honest = folder().join("../fixtures/zip.pth");
    let (found, _, bytes) = attempt(&honest);
    assert!(found.is_err() && bytes > 10_000, "{found:?} {bytes}");
}
