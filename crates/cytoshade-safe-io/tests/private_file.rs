//! A program's own files are nobody else's, or are not opened.

use std::io::ErrorKind;
use std::path::PathBuf;

use cytoshade_safe_io::{create_private_folder, open_private_file, read_private_file, write_private_file};

fn kept() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("made").join("for this").join("kept.bin");
    write_private_file(&path, b"something").unwrap();
    (folder, path)
}

#[test]
fn what_is_written_is_read_and_replaced_whole() {
    let (_folder, path) = kept();
    assert_eq!(read_private_file(&path, 9).unwrap(), b"something");
    write_private_file(&path, b"else").unwrap();
    assert_eq!(read_private_file(&path, 9).unwrap(), b"else");
    assert_eq!(path.parent().unwrap().read_dir().unwrap().count(), 1, "nothing temporary is left");
}

#[test]
fn what_is_too_large_or_no_file_is_not_read() {
    let (_folder, path) = kept();
    assert_eq!(read_private_file(&path, 8).unwrap_err().kind(), ErrorKind::InvalidData);
    assert!(read_private_file(path.parent().unwrap(), 100).is_err(), "a folder");
    assert_eq!(read_private_file(&path.with_file_name("other"), 100).unwrap_err().kind(), ErrorKind::NotFound);
}

#[cfg(unix)]
#[test]
fn what_others_may_write_to_is_neither_read_nor_written() {
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::{PermissionsExt, symlink};
    let (_folder, path) = kept();
    let allow = |path: &std::path::Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
    for mode in [0o620, 0o602, 0o666] {
        allow(&path, mode);
        assert_eq!(read_private_file(&path, 9).unwrap_err().kind(), ErrorKind::InvalidData, "{mode:o}");
    }
    allow(&path, 0o644);
    assert_eq!(read_private_file(&path, 9).unwrap(), b"something", "others may read");

    let link = path.with_file_name("link");
    symlink(&path, &link).unwrap();
    assert!(read_private_file(&link, 9).is_err(), "a link");

    let folder = path.parent().unwrap();
    allow(folder, 0o777);
    assert_eq!(read_private_file(&path, 9).unwrap_err().kind(), ErrorKind::InvalidData);
    assert_eq!(write_private_file(&path, b"else").unwrap_err().kind(), ErrorKind::InvalidData);
    allow(folder, 0o700);
    assert_eq!(read_private_file(&path, 9).unwrap(), b"something", "nothing was written");
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[cfg(unix)]
#[test]
fn a_file_is_opened_for_the_user_alone_and_through_no_link() {
    use std::fs::{Permissions, set_permissions};
    use std::io::{Read, Seek, Write};
    use std::os::unix::fs::{PermissionsExt, symlink};
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("own").join("models");
    create_private_folder(&folder).unwrap();
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&folder), mode(folder.parent().unwrap())), (0o700, 0o700));
    let path = folder.join("file");
    let mut file = open_private_file(&path).unwrap();
    file.write_all(b"something").unwrap();
    assert_eq!(mode(&path), 0o600);
    // Opened again it keeps what it holds.
    let mut text = String::new();
    let mut again = open_private_file(&path).unwrap();
    again.rewind().unwrap();
    again.read_to_string(&mut text).unwrap();
    assert_eq!(text, "something");

    let kind = |name: &str| open_private_file(&folder.join(name)).unwrap_err().kind();
    let outside = outer.path().join("outside");
    symlink(&outside, folder.join("link")).unwrap();
    assert_eq!(kind("link"), ErrorKind::InvalidInput);
    assert!(!outside.exists(), "a link was followed");
    assert!(std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap().success());
    assert_eq!(kind("pipe"), ErrorKind::InvalidInput);
    set_permissions(&path, Permissions::from_mode(0o660)).unwrap();
    assert_eq!(kind("file"), ErrorKind::InvalidData);
    set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
    assert_eq!(kind("file"), ErrorKind::InvalidData);
    assert_eq!(create_private_folder(&folder).unwrap_err().kind(), ErrorKind::InvalidData);
}
