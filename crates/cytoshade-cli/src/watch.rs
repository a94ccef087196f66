//! `cytoshade watch`: segments the images that an acquisition writes into folders.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use clap::Args;
use cytoshade_safe_io::printable_path;

use crate::discover::{InputFile, images_in};
use crate::failure::Failure;
use crate::interrupt;
use crate::report::warn;
use crate::segment::{Segment, Session, Totals, report};

/// Folders are searched in this interval: notifications do not work on network shares.
const INTERVAL: Duration = Duration::from_millis(250);

#[derive(Debug, Args)]
pub(crate) struct Watch {
    #[command(flatten)]
    segment: Segment,
    /// Seconds for which the size and the time of a file must not have changed before it is segmented
    #[arg(long, value_name = "SECONDS", default_value = "2", value_parser = parse_seconds)]
    settle: Duration,
}

fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "expected a number of seconds, 0 or more".into())
}

pub(crate) fn run(watch: Watch, start: Instant) -> Result<(), Failure> {
    let Watch { segment: mut args, settle } = watch;
    args.skip_done = true;
    args.check()?;
    if let Some(input) = args.inputs.iter().find(|input| !input.is_dir()) {
        return Err(Failure::usage(format!("{} is not a folder; pass the folder to watch", printable_path(input))));
    }
    interrupt::catch();
    let args = Arc::new(args);
    let mut session = Session::start(args.clone(), &images_in(&args.inputs, &args.folders)?.root, start)?;
    session.warn_of_changed_settings();
    let (mut totals, mut of) = (Totals::new(), 0);
    let mut files = Files::default();
    let mut refused = String::new();
    while !interrupt::is_interrupted() {
        let found = images_in(&args.inputs, &args.folders)?.files;
        let ready = files.settled(found, settle, Instant::now());
        if ready.is_empty() {
            std::thread::sleep(INTERVAL);
            continue;
        }
        match session.run(&ready) {
            Ok((more, inputs)) => {
                totals.merge(more);
                of += inputs;
                refused.clear();
            }
            // A full disk or a lost network share may come back.
            Err(failure) => {
                files.put_back(&ready, Instant::now());
                if refused != failure.to_string() {
                    warn(format_args!("{failure}; trying again until interrupted"));
                    refused = failure.to_string();
                }
                std::thread::sleep(INTERVAL);
            }
        }
    }
    report(&args, &totals, of, true)?;
    session.finish()?;
    Err(totals.interrupted(of))
}

/// The files that were found so far.
#[derive(Default)]
struct Files(HashMap<PathBuf, FileState>);

/// A file as it was found.
#[derive(Clone, Copy)]
struct FileState {
    size: u64,
    modified: Option<SystemTime>,
    /// When this state was found first.
    since: Instant,
    is_taken: bool,
}

impl Files {
    /// The files that have not changed for `settle` and were not returned in this state. Forgets files that are gone.
    fn settled(&mut self, found: Vec<InputFile>, settle: Duration, now: Instant) -> Vec<InputFile> {
        let mut states = HashMap::new();
        let mut ready = Vec::new();
        for file in found {
            let Ok(metadata) = std::fs::metadata(&file.path) else { continue };
            let (size, modified) = (metadata.len(), metadata.modified().ok());
            let before = self.0.get(&file.path).filter(|before| (before.size, before.modified) == (size, modified));
            let mut state = before.copied().unwrap_or(FileState { size, modified, since: now, is_taken: false });
            let path = file.path.clone();
            if !state.is_taken && now.duration_since(state.since) >= settle {
                state.is_taken = true;
                ready.push(file);
            }
            states.insert(path, state);
        }
        self.0 = states;
        ready
    }

    /// Returns these files again after another settling time.
    fn put_back(&mut self, files: &[InputFile], now: Instant) {
        for file in files {
            if let Some(state) = self.0.get_mut(&file.path) {
                (state.since, state.is_taken) = (now, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_returned_once_it_has_settled_and_again_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let found = || vec![InputFile { path: path.clone(), below: None }];
        let start = Instant::now();
        let settle = Duration::from_secs(2);
        let mut files = Files::default();
        let mut at = |seconds: u64| files.settled(found(), settle, start + Duration::from_secs(seconds)).len();
        assert_eq!(at(0), 0, "a file that is gone");
        std::fs::write(&path, "half").unwrap();
        assert_eq!([at(1), at(2)], [0, 0]);
        std::fs::write(&path, "the whole").unwrap();
        assert_eq!([at(3), at(4), at(5), at(6)], [0, 0, 1, 0]);
        std::fs::write(&path, "another one").unwrap();
        assert_eq!([at(7), at(9), at(10)], [0, 1, 0]);
        files.put_back(&found(), start + Duration::from_secs(11));
        let mut at = |seconds: u64| files.settled(found(), settle, start + Duration::from_secs(seconds)).len();
        assert_eq!([at(12), at(13), at(14)], [0, 1, 0]);
    }

    #[test]
    fn seconds_are_finite() {
        assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["-1", "nan", "inf", "1e30", "soon"] {
            assert!(parse_seconds(bad).is_err(), "{bad}");
        }
    }
}
