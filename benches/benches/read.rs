//! Times reading a TIFF of 4096 x 4096 pixels, relative to tifffile with imagecodecs.
//!
//! Both alternate, on two threads.
//!
//! `cargo bench -p cytoshade-benches --bench read`. The Python is that of `tests/oracle/setup.sh`, or CYTOSHADE_ORACLE.

use std::error::Error;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use cytoshade_formats::ReadOptions;

const THREADS: usize = 2;
const ROUNDS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let Some(python) = python() else {
        println!("needs Python with tifffile and imagecodecs: run tests/oracle/setup.sh, or set CYTOSHADE_ORACLE");
        return Ok(());
    };
    rayon::ThreadPoolBuilder::new().num_threads(THREADS).build_global()?;
    let folder = tempfile::tempdir()?;
    let peer = |command: &str| {
        let mut peer = Command::new(&python);
        let script = root().join("benches/peers/read_images.py");
        peer.arg(script).arg(command).arg(folder.path()).arg(THREADS.to_string());
        peer
    };
    if !peer("make").status()?.success() {
        return Err("the peer could not write the images".into());
    }
    let mut serving = peer("serve").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let (Some(mut input), Some(output)) = (serving.stdin.take(), serving.stdout.take()) else {
        return Err("the peer has no standard input and output".into());
    };
    let mut output = BufReader::new(output);
    let mut theirs = |name: &str| -> Result<f64, Box<dyn Error>> {
        let mut seconds = String::new();
        writeln!(input, "{name}")?;
        output.read_line(&mut seconds)?;
        Ok(seconds.trim().parse()?)
    };
    println!("| file | this crate, ms | tifffile, ms | ratio |\n|---|---|---|---|");
    for name in ["none.tif", "none_tiles.tif", "lzw.tif", "deflate.tif", "zstd.tif", "jpeg_u1.tif"] {
        let path = folder.path().join(name);
        let (mut best, mut best_theirs) = (f64::INFINITY, f64::INFINITY);
        for _ in 0..ROUNDS {
            best = best.min(ours(&path)?);
            best_theirs = best_theirs.min(theirs(name)?);
        }
        println!("| {name} | {:.1} | {:.1} | {:.2} |", best * 1e3, best_theirs * 1e3, best / best_theirs);
    }
    drop(input);
    serving.wait()?;
    Ok(())
}

/// Seconds of this workspace's reader.
fn ours(path: &Path) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    let images = cytoshade_formats::read(path, &ReadOptions::default())?;
    let seconds = start.elapsed().as_secs_f64();
    assert_eq!((images.len(), images[0].width()), (1, 4096));
    Ok(seconds)
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn python() -> Option<PathBuf> {
    let made = root().join("target/oracle/bin/python");
    std::env::var_os("CYTOSHADE_ORACLE").map(PathBuf::from).or(made.is_file().then_some(made))
}
