//! Every file of hostile/ ends in the error that its index names, in under a second and 64 MiB beyond the file; and the
//! cost of generated families of files grows no faster than the files.
//!
//! The allocator counts memory. Time is the thread's own CPU time on systems that report it, and the minimum of several
//! attempts, so that a busy machine does not look like a slow reader.

mod families;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cytoshade_formats::{Limits, ReadOptions, read_seg};
use cytoshade_model::{Format, LoadOptions, load_metered, load_path, load_size_model, read_file};
use families::{FAMILIES, Family, Reader};
use onnx_protobuf::{Message, ModelProto, NodeProto};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const LONGEST: Duration = Duration::from_secs(1);
const MOST_BYTES: usize = 64 << 20;
/// Limit of a message in bytes: it may become a line of a log.
const LONGEST_MESSAGE: usize = 8 << 10;
/// Number of attempts until one is fast enough.
const ATTEMPTS: usize = 5;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile")
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cytoshade-model/tests/fixtures")
}

/// The first word of a file's name: the reader, and the attack on it.
fn class(name: &str) -> &str {
    name.split('_').next().unwrap_or_default()
}

/// The outcome of a reader: the error's variant, with the field of a limit; `"read"` without an error.
struct Said {
    error: String,
    message: String,
}

impl Said {
    fn new<T, E: std::error::Error>(result: Result<T, E>) -> Self {
        let Err(error) = result else { return Said { error: "read".into(), message: String::new() } };
        let shown = format!("{error:?}");
        let variant = shown.split([' ', '(']).next().unwrap_or_default();
        let field = shown.split_once(", field: \"").and_then(|(_, rest)| rest.split('"').next());
        let error_name = match (variant, field) {
            ("Limit", Some(field)) => format!("Limit {field}"),
            (variant, _) => variant.to_string(),
        };
        Said { error: error_name, message: error.to_string() }
    }
}

/// Reads a file of a kind with the default limits.
fn open(path: &Path) -> Said {
    let options = LoadOptions::default();
    let name = path.file_name().unwrap().to_string_lossy();
    match class(&name) {
        // The default of decoded bytes depends on the machine's memory.
        "tiff" | "png" | "jpeg" | "npy" => {
            let limits = Limits { decoded_bytes: MOST_BYTES as u64, ..Limits::default() };
            Said::new(cytoshade_formats::read(path, &ReadOptions { limits, ..ReadOptions::default() }))
        }
        class if class == "seg" || name.ends_with("_seg.npy") => {
            let limits = Limits::default();
            Said::new(read_seg(&cytoshade_formats::read_file(path, &limits).unwrap(), &limits))
        }
        "size" => Said::new(load_size_model(&read_file(path, &options.limits).unwrap(), &options)),
        _ => Said::new(load_path(path, &options)),
    }
}

/// The CPU time of this thread on Linux. The readers start no other thread.
fn time_run() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    stat.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// The outcome of `read`, and its cost in time and in bytes.
fn measured(read: impl Fn() -> Said + std::panic::RefUnwindSafe) -> (Said, Duration, usize) {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let (start, had_run) = (Instant::now(), time_run());
    let said = std::panic::catch_unwind(&read);
    let said = said.unwrap_or(Said { error: "a panic".into(), message: String::new() });
    let time = time_run().zip(had_run).map_or_else(|| start.elapsed(), |(now, before)| now - before);
    (said, time, MEMORY.peak_usage().saturating_sub(before))
}

/// The outcome of opening a file, and its cost in time and in bytes beyond the file's size.
fn attempt(path: &Path) -> (Said, Duration, usize) {
    let file = std::fs::metadata(path).unwrap().len() as usize;
    let (said, time, bytes) = measured(|| open(path));
    (said, time, bytes.saturating_sub(file))
}

/// The violation of a file's expectations, if any.
fn complaint(path: &Path, expected: &str) -> Option<String> {
    let mut least = Duration::MAX;
    for _ in 0..ATTEMPTS {
        let (said, time, bytes) = attempt(path);
        least = least.min(time);
        let Said { error, message } = said;
        let is_a_line = message.len() <= LONGEST_MESSAGE && !message.chars().any(char::is_control);
        if error != expected || bytes > MOST_BYTES || !is_a_line {
            return Some(format!("{}: {error}, expected {expected}; {bytes} bytes; {message:?}", path.display()));
        }
        if least < LONGEST {
            return None;
        }
    }
    Some(format!("{}: took {least:?} at least", path.display()))
}

/// Files of several megabytes: name, bytes and expected error.
fn large() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let honest = std::fs::read(fixtures().join("script_17.onnx")).unwrap();
    let mut many_heads = ModelProto::parse_from_bytes(&honest).unwrap();
    let graph = many_heads.graph.as_mut().unwrap();
    let head = graph.node.iter().rfind(|node| node.op_type == "Conv").unwrap().clone();
    for at in 0..4_000 {
        let mut other = head.clone();
        other.output[0] = format!("head_{at}");
        graph.node.push(other);
    }
    // The same, but they do not come from a network: the average is of another level.
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
        ("onnx_many_heads.onnx", many_heads.write_to_bytes().unwrap(), "Graph"),
        ("onnx_many_heads_of_nothing.onnx", no_head.write_to_bytes().unwrap(), "Graph"),
        ("onnx_long_chain.onnx", chain.write_to_bytes().unwrap(), "Graph"),
        ("zip_signatures.pth", noise, "Damaged"),
        ("onnx_zeros.onnx", [&[8u8, 8][..], &vec![0; 7 << 20]].concat(), "Damaged"),
        ("onnx_empty_entries.onnx", [&[8u8, 8][..], &[0x72, 0].repeat(4 << 20)].concat(), "Limit cost.structure_bytes"),
    ]
}

/// Files of the larger test data, if present, with their expected errors.
fn shared() -> Vec<(PathBuf, &'static str)> {
    let Some(folder) = std::env::var_os("CYTOSHADE_TEST_DATA") else { return Vec::new() };
    let folder = Path::new(&folder).join("attacks");
    [
        ("pk_shared_deflated.pth", "Limit values.dimensions"),
        ("onnx_axes_50000.onnx", "Graph"),
        ("scalar_shared_seg.npy", "Limit cost.memory_ratio"),
        ("keys_scalar_seg.npy", "Limit values.key_bytes"),
        ("zip_localenc.pth", "Damaged"),
    ]
    .map(|(name, expected)| (folder.join(name), expected))
    .into()
}

/// The cost of a file: its size, the bytes of memory, and the steps if the reader reports them.
#[derive(Clone, Copy, Debug)]
struct Cost {
    file: usize,
    bytes: usize,
    steps: u64,
}

impl Cost {
    /// Whether the cost grew faster than the file, from another size of a family to this one.
    ///
    /// The fixed cost of every file and the rounding of growing vectors do not count.
    fn grew_faster(self, than: Cost) -> bool {
        let allowed = 1.3 * self.file as f64 / than.file as f64;
        let too_fast = |now: f64, before: f64, free: f64| now > before * allowed + free;
        too_fast(self.bytes as f64, than.bytes as f64, 256e3) || too_fast(self.steps as f64, than.steps as f64, 1e3)
    }
}

/// The steps of reading a file with this reader.
fn steps(reader: Reader, bytes: &[u8]) -> u64 {
    use cytoshade_pickle::{CONTAINERS, Input, NAMESPACES, Others, PATHS, Plain, numpy};
    let options = LoadOptions::default();
    let mut meter = options.limits.cost.meter(bytes.len() as u64);
    if let Reader::Model(format) = reader {
        assert_eq!(Format::detect(bytes), Some(format));
        let _ = load_metered(bytes, &options, &mut meter);
        return meter.steps();
    }
    let allowed: &[&'static [_]] = &[numpy::GLOBALS, CONTAINERS, NAMESPACES, PATHS];
    let allowed = (allowed, Others::KeepOpaque);
    let mut input = Input::new(&bytes[128..], "the pickle");
    let limits = Limits::default().values;
    if let Ok(pickle) = cytoshade_pickle::read(&mut input, allowed, &limits, &mut meter)
        && let Ok(array) = numpy::Array::read(&pickle, pickle.root(), &mut meter)
        && let Ok(object) = array.only_object()
        && reader == Reader::Seg
    {
        let _ = Plain::read(&pickle, object, &mut meter);
    }
    meter.steps()
}

fn read(reader: Reader, bytes: &[u8]) -> Said {
    let options = LoadOptions::default();
    match reader {
        Reader::Model(_) => Said::new(cytoshade_model::load(bytes, &options)),
        Reader::Seg => Said::new(read_seg(bytes, &Limits::default())),
        Reader::SizeModel => Said::new(load_size_model(bytes, &options)),
    }
}

/// The violation of a family's expectations, if any.
fn family_complaint(family: &Family) -> Option<String> {
    let mut before: Option<Cost> = None;
    for size in [family.size, 2 * family.size, 4 * family.size] {
        let file = (family.make)(size);
        let mut least = Duration::MAX;
        let mut cost = Cost { file: file.len(), bytes: 0, steps: steps(family.reader, &file) };
        for _ in 0..ATTEMPTS {
            let (said, time, bytes) = measured(|| read(family.reader, &file));
            (least, cost.bytes) = (least.min(time), bytes);
            let is_a_line = said.message.len() <= LONGEST_MESSAGE && !said.message.chars().any(char::is_control);
            if said.error == "a panic" || bytes > MOST_BYTES || !is_a_line {
                return Some(format!("{} {size}: {}, {bytes} bytes; {:?}", family.name, said.error, said.message));
            }
            if least < LONGEST {
                break;
            }
        }
        if least >= LONGEST {
            return Some(format!("{} {size}: took {least:?} at least", family.name));
        }
        if let Some(before) = before.filter(|before| cost.grew_faster(*before)) {
            return Some(format!("{} {size}: the cost grows from {before:?} to {cost:?}", family.name));
        }
        before = Some(cost);
    }
    None
}

/// The measure of growth: linear cost passes, quadratic cost does not.
#[test]
fn growth_is_seen() {
    let cost = |file: usize, bytes: usize, steps: u64| Cost { file, bytes, steps };
    let small = cost(100_000, 1_000_000, 10_000);
    assert!(!cost(200_000, 2_000_000, 20_000).grew_faster(small));
    assert!(cost(200_000, 4_000_000, 20_000).grew_faster(small));
    assert!(cost(200_000, 2_000_000, 40_000).grew_faster(small));
    // Of every format there are files that share, nest and repeat.
    let readers = [Reader::Model(Format::TorchZip), Reader::Model(Format::Onnx), Reader::Seg];
    for (reader, kind) in readers.iter().flat_map(|reader| ["shared", "nested", "repeated"].map(|kind| (reader, kind)))
    {
        let of_kind = |family: &&Family| family.reader == *reader && family.name.ends_with(kind);
        assert!(FAMILIES.iter().any(|family| of_kind(&family)), "{reader:?} {kind}");
    }
}

// One test only: other tests in the process would add to the counted memory.
#[test]
fn every_hostile_file_ends_in_its_error() {
    let index = std::fs::read_to_string(folder().join("INDEX.tsv")).unwrap();
    let mut wrong = Vec::new();
    let mut listed = 0;
    for line in index.lines().skip(1) {
        let [name, kind, _attacks, expected] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!(class(name), kind);
        wrong.extend(complaint(&folder().join(name), expected));
        listed += 1;
    }
    let scripts = ["py", "tsv"];
    let is_script = |path: &Path| scripts.iter().any(|end| path.extension().is_some_and(|found| found == *end));
    let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.is_file() && !is_script(path)).count();
    assert_eq!(files, listed, "every file is in the index");

    // Too large for the repository: made here from its files.
    let made = tempfile::tempdir().unwrap();
    for (name, bytes, expected) in large() {
        let path = made.path().join(name);
        std::fs::write(&path, &bytes).unwrap();
        drop(bytes);
        wrong.extend(complaint(&path, expected));
    }
    wrong.extend(shared().iter().filter_map(|(path, expected)| complaint(path, expected)));
    wrong.extend(FAMILIES.iter().filter_map(family_complaint));
    assert!(wrong.is_empty(), "{} of {listed}:\n{}", wrong.len(), wrong.join("\n"));

    // The counter works: a valid network opens, and its weights cost memory.
    let (said, _, bytes) = attempt(&fixtures().join("zip.pth"));
    assert!(said.error == "read" && bytes > 10_000, "{} {bytes}", said.error);
    let complaint = complaint(&fixtures().join("zip.pth"), "Damaged");
    assert!(complaint.is_some_and(|complaint| complaint.contains("read, expected Damaged")));
}
