//! Every `_seg.npy` of tests/hostile ends in the error that INDEX_seg.tsv names, in under a second and 64 MiB beyond the
//! file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cytoshade_formats::{Limits, read_file, read_seg};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LONGEST: Duration = Duration::from_secs(1);
const MOST_BYTES: usize = 64 << 20;
/// How often a file may be tried until an attempt is quick enough, on a machine that is busy.
const ATTEMPTS: usize = 5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/hostile")
}

/// The error's variant and of a limit its field, the message, and what it cost in time and in bytes beyond the file.
fn attempt(bytes: &[u8]) -> (String, String, Duration, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let start = Instant::now();
    let result = read_seg(bytes, &Limits::default());
    let time = start.elapsed();
    let used = MEMORY.peak_usage().saturating_sub(before);
    let Err(error) = result else { return ("read".into(), String::new(), time, used) };
    let shown = format!("{error:?}");
    let variant = shown.split([' ', '(']).next().unwrap_or_default();
    let field = shown.split_once(", field: \"").and_then(|(_, rest)| rest.split('"').next());
    let name = field.map_or(variant.to_string(), |field| format!("{variant} {field}"));
    (name, error.to_string(), time, used)
}

// One test, since the memory of others in the process would count.
#[test]
fn every_hostile_file_ends_in_its_error() {
    let index = std::fs::read_to_string(folder().join("INDEX_seg.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut listed = 0;
    for line in index.lines().skip(1) {
        let [name, _class, attacks, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let bytes = read_file(folder().join(name), &Limits::default()).unwrap();
        let mut tries = (0..ATTEMPTS).map(|_| attempt(&bytes));
        let fits = |(found, message, time, used): &(String, String, Duration, usize)| {
            let is_one_line = message.chars().all(|c| !c.is_control());
            found == expected && is_one_line && *time < LONGEST && *used < MOST_BYTES
        };
        if !tries.any(|attempt| fits(&attempt)) {
            wrong.push(format!("{name} ({attacks}): {:?}, expected {expected}", attempt(&bytes)));
        }
        listed += 1;
    }
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name());
    let files = files.filter(|name| name.to_string_lossy().starts_with("seg_")).count();
    assert_eq!(files, listed, "every file is in the index");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    // The measure itself: an honest file opens, and its masks are seen to cost memory.
    let honest = std::fs::read(folder().join("../../crates/cytoshade-formats/tests/seg/v3.1.1.2_seg.npy")).unwrap();
    let (found, _, _, used) = attempt(&honest);
    assert!(found == "read" && used > 16 * 20 * 4, "{found} {used}");
}
