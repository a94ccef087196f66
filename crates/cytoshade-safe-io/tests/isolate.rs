//! A confined process: what it can do, what it cannot, and what its parent makes of its end.
//!
//! The test binary is its own child: with an argument that begins with `child:` it does one thing in confinement.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use cytoshade_safe_io::isolate::{Confinement, Isolated, IsolationError, confine};
use libtest_mimic::{Arguments, Failed, Trial};

const MEMORY: u64 = 256 << 20;
const TIME: Duration = Duration::from_secs(20);

fn main() {
    if let Some(task) = std::env::args().nth(1).and_then(|task| task.strip_prefix("child:").map(str::to_owned)) {
        return child(&task);
    }
    let trials = vec![
        Trial::test("a_confined_process_reads_computes_and_answers", || works().map_err(Failed::from)),
        Trial::test("files_sockets_and_processes_are_out_of_reach", || nothing_opens().map_err(Failed::from)),
        Trial::test("crashes_are_errors", || crashes().map_err(Failed::from)),
        Trial::test("memory_is_limited", || memory().map_err(Failed::from)),
        Trial::test("time_is_limited", || time().map_err(Failed::from)),
        Trial::test("an_output_that_is_not_wanted_ends_the_process", || unwanted().map_err(Failed::from)),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn child(task: &str) {
    // On systems without limits of memory the test is told so.
    let Confinement { resource_limits, landlock, seccomp } = confine(MEMORY);
    let mut bytes = Vec::new();
    let denied = |opened: std::io::Result<()>| opened.is_err();
    let answer = match task {
        "works" => {
            std::io::stdin().read_to_end(&mut bytes).unwrap();
            let threads: Vec<_> = (0..4).map(|at| std::thread::spawn(move || vec![at as u8; 1 << 20].len())).collect();
            let sum: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
            format!("{} {sum} {resource_limits} {landlock} {seccomp}", bytes.len())
        }
        "opens" => format!(
            "{} {} {} {} {}",
            denied(File::open("/etc/hostname").map(drop)),
            denied(File::create("/tmp/cytoshade-isolate-test").map(drop)),
            denied(TcpStream::connect("127.0.0.1:9").map(drop))
                && denied(std::net::UdpSocket::bind("127.0.0.1:0").map(drop)),
            denied(Command::new("true").status().map(drop)),
            denied(std::fs::remove_file("/tmp/cytoshade-isolate-test-kept")),
        ),
        "aborts" => std::process::abort(),
        "panics" => panic!("on purpose"),
        "grows" => {
            // Faster than any clean-up, and never read.
            let hoard: Vec<Vec<u8>> = (0..64).map(|_| vec![1; 64 << 20]).collect();
            format!("{}", hoard.len())
        }
        "reserves" => format!("{}", Vec::<u8>::new().try_reserve_exact(1 << 30).is_err()),
        "hangs" => loop {
            std::thread::sleep(Duration::from_secs(1));
        },
        "floods" => loop {
            if std::io::stdout().write_all(&[0; 1 << 16]).is_err() {
                std::process::exit(3);
            }
        },
        other => panic!("{other}"),
    };
    std::io::stdout().write_all(format!("{answer}.").as_bytes()).unwrap();
}

fn answer(task: &str, time: Duration) -> Result<Result<String, std::io::Error>, IsolationError> {
    let mut input = tempfile::tempfile().unwrap();
    input.write_all(b"twelve bytes").unwrap();
    std::io::Seek::rewind(&mut input).unwrap();
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.arg(format!("child:{task}"));
    Isolated::start(program, input, time)?.receive(|output| {
        let mut text = String::new();
        output.read_to_string(&mut text)?;
        // Every answer has a last word, which a crash leaves out.
        if text.ends_with('.') { Ok(text) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) }
    })
}

fn works() -> Result<(), String> {
    let found = answer("works", TIME).map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let words: Vec<&str> = found.split(' ').collect();
    if words[..2] != ["12", "4194304"] {
        return Err(found);
    }
    // Every Linux that tests run on has resource limits and seccomp; Landlock is young.
    if cfg!(target_os = "linux") && (words[2], words[4]) != ("true", "true.") { Err(found) } else { Ok(()) }
}

fn nothing_opens() -> Result<(), String> {
    let kept = std::path::Path::new("/tmp/cytoshade-isolate-test-kept");
    std::fs::write(kept, "").map_err(|error| error.to_string())?;
    let found = answer("opens", TIME).map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
    let is_kept = kept.exists();
    let _ = std::fs::remove_file(kept);
    if cfg!(target_os = "linux") && (found != "true true true true true." || !is_kept) { Err(found) } else { Ok(()) }
}

fn crashes() -> Result<(), String> {
    for task in ["aborts", "panics"] {
        match answer(task, TIME) {
            Err(IsolationError::Ended { status }) if !status.success() => {}
            other => return Err(format!("{task}: {other:?}")),
        }
    }
    Ok(())
}

fn memory() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    match answer("grows", TIME) {
        Err(IsolationError::Ended { .. }) => {}
        other => return Err(format!("{other:?}")),
    }
    match answer("reserves", TIME) {
        Ok(Ok(found)) if found == "true." => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

fn time() -> Result<(), String> {
    let start = Instant::now();
    let limit = Duration::from_millis(300);
    match answer("hangs", limit) {
        Err(IsolationError::Time(time)) if time == limit && start.elapsed() < Duration::from_secs(15) => Ok(()),
        other => Err(format!("{other:?} after {:?}", start.elapsed())),
    }
}

fn unwanted() -> Result<(), String> {
    let program = || {
        let mut program = Command::new(std::env::current_exe().unwrap());
        program.arg("child:floods");
        program
    };
    let mut isolated = Isolated::start(program(), tempfile::tempfile().unwrap(), TIME).map_err(|e| e.to_string())?;
    let piece = |output: &mut dyn Read| {
        let mut first = [0; 1 << 20];
        output.read_exact(&mut first).map_err(|error| error.to_string())
    };
    // The process waits between two pieces.
    for _ in 0..2 {
        isolated.receive(piece).map_err(|error| error.to_string())??;
        std::thread::sleep(Duration::from_millis(50));
    }
    let found = isolated.receive(|_| Err::<(), String>("enough".into()));
    match found {
        Ok(Err(why)) if why == "enough" => Ok(()),
        other => Err(format!("{other:?}")),
    }
}
