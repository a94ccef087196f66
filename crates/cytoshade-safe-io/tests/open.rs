//! Regular files are opened, and nothing else.
#![cfg(unix)]

use std::io::{ErrorKind, Read};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use cytoshade_safe_io::{Links, open};

#[track_caller]
fn assert_refused(path: &Path, links: Links) {
    assert_eq!(open(path, links).unwrap_err().kind(), ErrorKind::InvalidInput, "{}", path.display());
}

#[test]
fn files_are_opened_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), "text").unwrap();
    // Opening a pipe for reading waits for a writer, who never comes.
    assert!(Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    symlink(at("pipe"), at("link_to_pipe")).unwrap();
    symlink(at("file"), at("link")).unwrap();
    symlink(at("nothing"), at("dangling")).unwrap();
    for links in [Links::Follow, Links::Refuse] {
        let mut text = String::new();
        open(&at("file"), links).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "text");
        for name in ["pipe", "link_to_pipe", "."] {
            assert_refused(&at(name), links);
        }
        assert_refused(Path::new("/dev/zero"), links);
        assert_eq!(open(&at("missing"), links).unwrap_err().kind(), ErrorKind::NotFound);
    }
    assert!(open(&at("link"), Links::Follow).is_ok());
    assert_refused(&at("link"), Links::Refuse);
    assert_refused(&at("dangling"), Links::Refuse);
}

/// The path changes all the time while it is opened: a file, a pipe, a link out.
#[test]
fn what_is_swapped_in_between_is_not_waited_for() {
    use std::sync::atomic::{AtomicBool, Ordering};

    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("file"), "text").unwrap();
    std::fs::write(at("path"), "text").unwrap();
    std::fs::write(at("outside"), "secret").unwrap();
    let done = AtomicBool::new(false);
    let opened = std::thread::scope(|scope| {
        let opening = scope.spawn(|| {
            let mut opened = 0;
            while !done.load(Ordering::Relaxed) {
                if let Ok(mut file) = open(&at("path"), Links::Refuse) {
                    let mut text = String::new();
                    file.read_to_string(&mut text).unwrap();
                    assert_eq!(text, "text");
                    opened += 1;
                }
            }
            opened
        });
        for _ in 0..200 {
            // Each is renamed over the path, so that there is always something.
            assert!(Command::new("mkfifo").arg(at("new")).status().unwrap().success());
            std::fs::rename(at("new"), at("path")).unwrap();
            symlink(at("outside"), at("new")).unwrap();
            std::fs::rename(at("new"), at("path")).unwrap();
            std::fs::copy(at("file"), at("new")).unwrap();
            std::fs::rename(at("new"), at("path")).unwrap();
        }
        done.store(true, Ordering::Relaxed);
        opening.join().unwrap()
    });
    assert!(opened > 0);
}
