//! A redacted message contains no part of a path, a name or a token, wherever the error had it.

use std::error::Error;
use std::io;

use cytoshade::{Redacted, Sha256};
use cytoshade_formats::Format;
use cytoshade_safe_io::{printable, quoted};
use proptest::prelude::*;

const PATHS: [&str; 3] =
    ["/home/alice/secret/model.pth", "C:\\Users\\alice\\secret\\model.pth", "\\\\files7\\alice\\secret\\model.pth"];

/// Errors of the system, and of libraries that add the path to them.
fn system_errors(path: &str) -> [io::Error; 3] {
    [
        io::Error::from_raw_os_error(2),
        io::Error::new(io::ErrorKind::PermissionDenied, format!("denied at path {path:?}")),
        io::Error::other(format!("{path} is gone")),
    ]
}

/// Every error of the pickle reader, as the reader fills it, with this text from a file.
fn pickle_errors(outside: &str) -> Vec<cytoshade_pickle::Error> {
    use cytoshade_pickle::Error;
    vec![
        Error::Limit { what: "size", found: 2, limit: 1, field: "values.opcodes" },
        Error::Memory { bytes: 9 },
        Error::Damaged { reason: format!("an array has type {}; expected numbers", quoted(outside)) },
        Error::Global { name: printable(outside) },
        Error::Opcode { name: "INST", code: 1, why: "it calls an object".into() },
    ]
}

/// Every error of the model readers, filled as they fill it.
fn model_errors(outside: &str) -> Vec<cytoshade_model::Error> {
    use cytoshade_model::{Error, Problem};
    let name = || printable(outside);
    let mut errors = vec![
        Error::Hash { found: Sha256::digest(b"a"), expected: Sha256::digest(b"b") },
        Error::HashText { found: outside.to_string() },
        Error::UnknownFormat { looks_like: "a web page" },
        Error::NotBuilt { format: "torch", feature: "torch" },
        Error::Limit { what: "size", found: 2, limit: 1, field: "file_bytes" },
        Error::Memory { bytes: 9 },
        Error::Damaged { reason: format!("the zip record {} comes twice", quoted(outside)) },
        Error::Global { name: name() },
        Error::Opcode { name: "INST", code: 1, why: "it calls an object".into() },
        Error::Graph { node: name(), found: name(), expected: "a Relu".into() },
        Error::External { name: "model.pth".into(), reason: "it was not given".into() },
        Error::External { name: name(), reason: format!("the tensor {} lies past its end", quoted(outside)) },
        Error::Type { name: name(), found: name() },
        Error::NotFinite { name: name(), value: f32::NAN, index: 0 },
        Error::HalfRange { name: outside.to_string(), value: 1e9, index: 0 },
        Error::Architecture { found: "Cellpose-SAM" },
        Error::NotSaved { architecture: outside.to_string() },
        Error::NoTensors,
        Error::NoNetwork { found: format!("{} and 3 more", quoted(outside)) },
        Error::StateDict { problems: vec![Problem::Missing { name: name() }, Problem::Surplus { name: name() }] },
        Error::Network(cytoshade_core::Error::NoChannels),
    ];
    errors.extend(system_errors(outside).map(|source| Error::Io { path: outside.into(), source }));
    errors
}

fn image_errors(path: &str) -> Vec<cytoshade_formats::Error> {
    use cytoshade_formats::Error;
    let text = || path.to_string();
    let mut errors = vec![
        Error::UnknownFormat { found: text() },
        Error::Damaged { format: Format::Png, what: text() },
        Error::Unsupported { format: Format::Png, found: text(), expected: "grey" },
        Error::Limit { what: "size", found: 2, limit: 1, field: "pages" },
        Error::Memory { bytes: 9 },
        Error::Axes { letters: text(), shape: vec![1], expected: text() },
        Error::NoSuchSeries { number: 2, series: 1 },
        Error::Isolated { message: format!("cannot read {path}") },
        Error::Shape { shape: vec![1], expected: "two axes" },
        Error::Image(cytoshade_core::Error::NoChannels),
        Error::Output { found: text(), expected: "labels" },
        Error::Global { name: text() },
        Error::Opcode { name: "INST", code: 1, why: text() },
    ];
    errors.extend(system_errors(path).map(Error::Read));
    errors.extend(system_errors(path).map(Error::Write));
    errors
}

fn whole_errors(path: &str) -> Vec<cytoshade::Error> {
    use cytoshade::Error;
    let published = cytoshade_model::PUBLISHED.first().unwrap();
    let (found, expected) = (Sha256::digest(b"a"), Sha256::digest(b"b"));
    let mut errors = vec![
        Error::Cancelled,
        Error::Input(cytoshade_core::Error::NoChannels),
        Error::Source(format!("cannot read {path}").into()),
        Error::ModelNotFound { name: "model.pth".into(), folders: vec![path.into()] },
        Error::Memory { bytes: 1 << 40 },
        Error::NotBuilt { device: cytoshade::Device::Gpu, feature: "gpu" },
        Error::NotPublished { published, path: path.into(), found, expected },
        Error::Gpu(cytoshade_gpu::Error::Lost { reason: format!("the driver {path} crashed") }),
        Error::WrongResults { adapter: "a GPU".into(), what: "the masks of flows", error: 1.0, allowed: 0.0 },
        Error::Cpu(cytoshade_cpu::Error::Core(cytoshade_core::Error::NoChannels)),
    ];
    errors.extend(model_errors(path).into_iter().map(Error::Model));
    errors
}

/// Every error of a transfer.
fn transfer_errors(outside: &str) -> Vec<cytoshade_fetch::Error> {
    use cytoshade_fetch::{Address, Error};
    let text = || outside.to_string();
    let address = || Address::parse("https://alice.example/secret/model.pth?key=secret").unwrap();
    let mut errors = vec![
        Error::Address { shown: text(), reason: "it is not HTTPS" },
        Error::Redirect { from: Box::new(address()), shown: text(), reason: "it is not HTTPS" },
        Error::Redirects { address: address(), limit: 5 },
        Error::Connection { address: address(), reason: format!("no answer from alice for {outside}") },
        Error::Status { address: address(), status: 404 },
        Error::Encoding { address: address(), encoding: text() },
        Error::Broken { done: 9, reason: text() },
        Error::Stalled { done: 9, expected: 99, seconds: 1.0 },
        Error::Deadline { done: 9, seconds: 1.0 },
        Error::Endless { done: 9 },
        Error::TooLarge { found: None, limit: 9 },
        Error::Size { found: 9, expected: 10 },
        Error::Hash { found: [0; 32], expected: [1; 32] },
        Error::Busy { folder: outside.into() },
    ];
    errors.extend(system_errors(outside).map(|source| Error::Io { path: outside.into(), source }));
    errors
}

/// The words of a path that must not appear.
fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split(['/', '\\', ':']).filter(|part| part.len() > 1)
}

fn assert_says_nothing<E: Error>(errors: Vec<E>, path: &str, redacted: impl Fn(&E) -> Redacted) {
    for error in errors {
        let shown = redacted(&error).to_string();
        assert!(shown.len() > 5, "{error:?} says nothing at all: {shown:?}");
        for part in parts(path) {
            assert!(!shown.contains(part), "{shown:?} shows {part} of {path}");
        }
        assert!(!shown.contains("model.pth"), "{shown:?}");
    }
}

#[test]
fn nothing_of_a_path_is_left() {
    for path in PATHS {
        assert_says_nothing(pickle_errors(path), path, cytoshade_pickle::Error::redacted);
        assert_says_nothing(model_errors(path), path, cytoshade_model::Error::redacted);
        assert_says_nothing(image_errors(path), path, cytoshade_formats::Error::redacted);
        assert_says_nothing(whole_errors(path), path, cytoshade::Error::redacted);
        assert_says_nothing(transfer_errors(path), path, cytoshade_fetch::Error::redacted);
    }
}

/// The lists above contain every variant.
#[test]
fn no_variant_is_forgotten() {
    // Variants of browser builds have no paths.
    let in_browsers = "#[cfg(target_arch = \"wasm32\")]\n    #[error(";
    let variants = |source: &str| source.matches("\n    #[error(").count() - source.matches(in_browsers).count();
    let listed = |errors: Vec<String>| {
        let mut names: Vec<_> = errors.iter().map(|error| error.split([' ', '(']).next()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let debug = |error: &dyn Error| format!("{error:?}");
    let pickle: Vec<_> = pickle_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(pickle), variants(include_str!("../../crates/cytoshade-pickle/src/error.rs")));
    let model: Vec<_> = model_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(model), variants(include_str!("../../crates/cytoshade-model/src/error.rs")));
    let image: Vec<_> = image_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(image), variants(include_str!("../../crates/cytoshade-formats/src/error.rs")));
    let transfer: Vec<_> = transfer_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(transfer), variants(include_str!("../../crates/cytoshade-fetch/src/error.rs")));
    let whole: Vec<_> = whole_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(whole), variants(include_str!("../../crates/cytoshade/src/error.rs")));
}

/// Without redaction the paths appear.
#[test]
fn the_message_itself_names_the_file() {
    let path = PATHS[0];
    let seen = model_errors(path).iter().filter(|error| error.to_string().contains("alice")).count();
    assert!(seen > 8, "{seen}");
}

/// Letters that no message of ours contains three times in a row.
const SECRET: &str = "[qxz]{3,9}";

/// Paths with spaces (Unix, Windows, UNC, relative), names of images, addresses, queries, headers and tokens.
fn secrets() -> impl Strategy<Value = String> {
    let words = prop::collection::vec(SECRET, 1..4);
    prop_oneof![
        words.clone().prop_map(|words| format!("/home/{}/my model.pth", words.join(" a/"))),
        words.clone().prop_map(|words| format!("C:\\Users\\{}.tif", words.join(" "))),
        words.clone().prop_map(|words| format!("\\\\server\\{}", words.join(" "))),
        words.clone().prop_map(|words| format!("{} of patient {}", words.join(" "), words.join("_"))),
        words.clone().prop_map(|words| format!("{}.ome.tif", words.join("_"))),
        words.clone().prop_map(|words| format!("https://{0}.example/{0}?key={0}", words.join("."))),
        SECRET.prop_map(|word| format!("Bearer {word}")),
        "[qxz]{3}[A-Za-z0-9+/]{60}==",
        "[qxz]{3}[0-9a-f]{61}",
        "[qxz“”\\n/]{3,30}",
    ]
}

fn holds_secret(text: &str) -> bool {
    text.chars().collect::<Vec<_>>().windows(3).any(|three| three.iter().all(|c| "qxz".contains(*c)))
}

proptest! {
    #[test]
    fn no_part_of_a_secret_is_left_in_any_error(secret in secrets()) {
        let pickle = pickle_errors(&secret).iter().map(cytoshade_pickle::Error::redacted).collect::<Vec<_>>();
        let model = model_errors(&secret).iter().map(cytoshade_model::Error::redacted).collect();
        let transfer = transfer_errors(&secret).iter().map(cytoshade_fetch::Error::redacted).collect();
        let system = system_errors(&secret).iter().map(Redacted::io).collect();
        for shown in [pickle, model, transfer, system].concat() {
            prop_assert!(!holds_secret(&shown.to_string()), "{shown} of {secret}");
        }
    }
}

/// The property detects a remaining secret.
#[test]
fn a_secret_that_is_left_is_seen() {
    let secret = "/home/xqz/a.tif";
    assert!(holds_secret(&format!("cannot read {secret}")));
    assert!(model_errors(secret).iter().filter(|error| holds_secret(&error.to_string())).count() > 8);
}
