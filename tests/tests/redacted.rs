//! A message for others than the person who typed a path holds nothing of that path, wherever in the error it was.

use std::error::Error;
use std::io;

use cytoshade::{Redacted, Sha256};
use cytoshade_formats::Format;

const PATHS: [&str; 3] =
    ["/home/alice/secret/model.pth", "C:\\Users\\alice\\secret\\model.pth", "\\\\files7\\alice\\secret\\model.pth"];

/// What the system says, and what a library makes of it with the path in it.
fn system_errors(path: &str) -> [io::Error; 3] {
    [
        io::Error::from_raw_os_error(2),
        io::Error::new(io::ErrorKind::PermissionDenied, format!("denied at path {path:?}")),
        io::Error::other(format!("{path} is gone")),
    ]
}

fn model_errors(path: &str) -> Vec<cytoshade_model::Error> {
    use cytoshade_model::{Error, Problem};
    let text = || path.to_string();
    let mut errors = vec![
        Error::Hash { found: Sha256::digest(b"a"), expected: Sha256::digest(b"b") },
        Error::HashText { found: text() },
        Error::UnknownFormat { looks_like: "a web page" },
        Error::Limit { what: "size", found: 2, limit: 1, field: "file_bytes" },
        Error::Damaged { reason: format!("the zip record {path} comes twice") },
        Error::Global { name: text() },
        Error::Opcode { name: "INST", code: 1, why: text() },
        Error::Graph { node: text(), found: text(), expected: text() },
        Error::External { name: "model.pth".into(), reason: "it was not given".into() },
        Error::External { name: text(), reason: text() },
        Error::Type { name: text(), found: text() },
        Error::NotFinite { name: text(), value: f32::NAN, index: 0 },
        Error::HalfRange { name: text(), value: 1e9, index: 0 },
        Error::StateDict { problems: vec![Problem::Missing { name: text() }, Problem::Surplus { name: text() }] },
        Error::Network(cytoshade_core::Error::NoChannels),
    ];
    errors.extend(system_errors(path).map(|source| Error::Io { path: path.into(), source }));
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
        Error::Axes { letters: "QYX".into(), shape: vec![1], expected: "Y and X; choose with --axes".into() },
        Error::NoSuchSeries { number: 2, series: 1 },
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
        Error::ModelNotFound { name: "model.pth".into(), folders: vec![path.into()] },
        Error::NotPublished { published, path: path.into(), found, expected },
        Error::Gpu(cytoshade_gpu::Error::Lost { reason: format!("the driver {path} crashed") }),
        Error::Cpu(cytoshade_cpu::Error::Core(cytoshade_core::Error::NoChannels)),
    ];
    errors.extend(model_errors(path).into_iter().map(Error::Model));
    errors
}

fn transfer_errors(path: &str) -> Vec<cytoshade_fetch::Error> {
    use cytoshade_fetch::{Address, Error};
    let text = || path.to_string();
    let address = || Address::parse("https://alice.example/secret/model.pth?key=secret").unwrap();
    let mut errors = vec![
        Error::Address { shown: text(), reason: "it is not HTTPS" },
        Error::Redirect { from: Box::new(address()), shown: text(), reason: "it is not HTTPS" },
        Error::Redirects { address: address(), limit: 5 },
        Error::Connection { address: address(), source: format!("no answer from alice for {path}").into() },
        Error::Status { address: address(), status: 404 },
        Error::Encoding { address: address(), encoding: text() },
        Error::Broken { done: 9, reason: text() },
        Error::Stalled { done: 9, expected: 99, seconds: 1.0 },
        Error::TooLarge { found: None, limit: 9 },
        Error::Size { found: 9, expected: 10 },
        Error::Hash { found: [0; 32], expected: [1; 32] },
        Error::Busy { folder: path.into() },
    ];
    errors.extend(system_errors(path).map(|source| Error::Io { path: path.into(), source }));
    errors
}

/// The words of the path that must not be seen.
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
        // A logger that walks to the sources of what it is given finds none behind a redacted message.
        assert_eq!(shown, format!("{}", Redacted::new(&shown)), "redacting twice changes nothing");
    }
}

#[test]
fn nothing_of_a_path_is_left() {
    for path in PATHS {
        assert_says_nothing(model_errors(path), path, cytoshade_model::Error::redacted);
        assert_says_nothing(image_errors(path), path, cytoshade_formats::Error::redacted);
        assert_says_nothing(whole_errors(path), path, cytoshade::Error::redacted);
        assert_says_nothing(transfer_errors(path), path, cytoshade_fetch::Error::redacted);
    }
}

/// The lists above hold every variant that there is.
#[test]
fn no_variant_is_forgotten() {
    // What there is in a browser alone has no paths.
    let in_browsers = "#[cfg(target_arch = \"wasm32\")]\n    #[error(";
    let variants = |source: &str| source.matches("\n    #[error(").count() - source.matches(in_browsers).count();
    let listed = |errors: Vec<String>| {
        let mut names: Vec<_> = errors.iter().map(|error| error.split([' ', '(']).next()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    };
    let debug = |error: &dyn Error| format!("{error:?}");
    let model: Vec<_> = model_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(model), variants(include_str!("../../crates/cytoshade-model/src/error.rs")));
    let image: Vec<_> = image_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(image), variants(include_str!("../../crates/cytoshade-formats/src/error.rs")));
    let transfer: Vec<_> = transfer_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(transfer), variants(include_str!("../../crates/cytoshade-fetch/src/error.rs")));
    let whole: Vec<_> = whole_errors("").iter().map(|error| debug(error)).collect();
    assert_eq!(listed(whole), variants(include_str!("../../crates/cytoshade/src/error.rs")));
}

/// The paths would be seen if nothing were left out.
#[test]
fn the_message_itself_names_the_file() {
    let path = PATHS[0];
    let seen = model_errors(path).iter().filter(|error| error.to_string().contains("alice")).count();
    assert!(seen > 8, "{seen}");
}
