//! Every file of hostile/ ends in the error that its index names, in under a second and 64 MiB beyond the file.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cytoshade_model::{Error, LoadOptions, load_path, load_size_model, read_file};
use onnx_protobuf::{Message, ModelProto, NodeProto};
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

/// Files of some megabytes: name, bytes and the error they must end in.
fn large() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let honest = std::fs::read(folder().join("../fixtures/script_17.onnx")).unwrap();
    let mut many_heads = ModelProto::parse_from_bytes(&honest).unwrap();
    let graph = many_heads.graph.as_mut().unwrap();
    let head = graph.node.iter().rfind(|node| node.op_type == "Conv").unwrap().clone();
    for at in 0..4_000 {
        let mut other = head.clone();
        other.output[0] = format!("head_{at}");
        graph.node.push(other);
    }
    // The same, but what they all come from is no network: the average is of another level.
    let mut no_head = many_heads.clone();
    let graph = no_head.graph.as_mut().unwrap();
    let first = graph.node[0].output[0].clone();
    graph.node.iter_mut().find(|node| node.op_type == "AveragePool").unwrap().input[0] = first;
    let mut chain = ModelProto::parse_from_bytes(&honest).unwrap();
    let graph = chain.graph.as_mut().unwrap();
    let head = graph.node.iter().rposition(|node| node.op_type == "Conv").unwrap();
    for at in 0..20_000 {
        let node = NodeProto {
            op_type: "Identity".into(),
            input: vec![format!("i{at}")],
            output: vec![format!("i{}", at + 1)],
            ..Default::default()
        };
        graph.node.push(node);
    }
    graph.node[head].input[0] = "i20000".into();
    let mut noise = b"PK\x03\x04".repeat(1 << 20);
    noise.extend(b"PK\x05\x06".repeat(1 << 18));
    vec![
        ("many_heads.onnx", many_heads.write_to_bytes().unwrap(), "Graph"),
        ("many_heads_of_nothing.onnx", no_head.write_to_bytes().unwrap(), "Graph"),
        ("long_chain.onnx", chain.write_to_bytes().unwrap(), "Graph"),
        ("signatures.pth", noise, "Damaged"),
        ("zeros.onnx", [&[8u8, 8][..], &vec![0; 7 << 20]].concat(), "Damaged"),
        ("empty_entries.onnx", [&[8u8, 8][..], &[0x72, 0].repeat(4 << 20)].concat(), "Limit"),
    ]
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

    // Too large for the repository: made here, of what is in it.
    let made = tempfile::tempdir().unwrap();
    for (name, bytes, expected) in large() {
        let path = made.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        drop(bytes);
        let (found, time, bytes) = attempt(&path);
        assert!(time < LONGEST && bytes < MOST_BYTES, "{name}: {time:?}, {bytes} bytes");
        assert_eq!(found.as_deref(), Ok(expected), "{name}");
    }

    // The measure itself: a network that is one is opened, and its weights are seen to cost memory.
    let honest = folder().join("../fixtures/zip.pth");
    let (found, _, bytes) = attempt(&honest);
    assert!(found.is_err() && bytes > 10_000, "{found:?} {bytes}");
}
