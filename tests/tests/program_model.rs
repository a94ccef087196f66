//! `cytoshade model`, with its own home and model folders.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use cytoshade_tests::program::{files, program, refused, root, succeeded};
use serde_json::Value;
use server::{Server, send, send_file};

#[path = "../../crates/cytoshade-fetch/tests/server/mod.rs"]
#[allow(dead_code, reason = "these tests use a part")]
mod server;

const TAG: &str = "\"v1\"";
const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A temporary home with Cytoshade's and Cellpose's folders.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        std::fs::create_dir_all(home.cellpose()).unwrap();
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn own(&self) -> PathBuf {
        self.path("own")
    }

    fn cellpose(&self) -> PathBuf {
        self.path(".cellpose/models")
    }

    fn put(&self, path: &Path, bytes: &[u8]) -> PathBuf {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
        path.to_path_buf()
    }

    /// The program with this home, and with proxies that do not exist.
    fn program(&self) -> Command {
        let mut command = program();
        command.current_dir(self.0.path()).env("HOME", self.0.path()).env("USERPROFILE", self.0.path());
        command.env("CYTOSHADE_MODELS", self.own()).env_remove("CELLPOSE_LOCAL_MODELS_PATH");
        for proxy in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env(proxy, "http://127.0.0.1:1");
        }
        command
    }

    fn model(&self, words: &[&str]) -> Output {
        self.program().arg("model").args(words).output().unwrap()
    }
}

fn demo_path() -> PathBuf {
    root().join("models/cytoshade-demo.safetensors")
}

fn demo() -> Vec<u8> {
    std::fs::read(demo_path()).unwrap()
}

fn fixture(name: &str) -> PathBuf {
    root().join("crates/cytoshade-model/tests/fixtures").join(name)
}

fn hash(bytes: &[u8]) -> String {
    cytoshade_model::Sha256::digest(bytes).to_string()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn inspect_says_what_a_file_holds() {
    let home = Home::new();
    let said = succeeded(&home.model(&["inspect", text(&demo_path())]));
    for part in
        ["network", "safetensors", &hash(&demo()), "[2, 8, 16, 32, 64]", "2 in, 3 out", "diam_mean 30", "no published"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    let json = |words: &[&str]| -> Value {
        serde_json::from_str(&succeeded(&home.model(&[&["inspect", "--json"], words].concat()))).unwrap()
    };
    let said = json(&["demo"]);
    assert_eq!((&said["kind"], &said["format"]), (&"network".into(), &"safetensors".into()));
    assert_eq!(said["sha256"], hash(&demo()));
    assert_eq!(said["nbase"], serde_json::json!([2, 8, 16, 32, 64]));
    assert_eq!((&said["channels_in"], &said["channels_out"]), (&2.into(), &3.into()));
    // numpy's count in the file, without running statistics and batch counters.
    assert_eq!(said["parameters"], 415_661);
    assert_eq!(json(&[text(&fixture("zip.pth"))])["format"], "torch (zip)");
    let onnx = json(&[text(&fixture("pipeline.onnx"))]);
    assert!(onnx["ignored"].as_array().is_some_and(|ignored| !ignored.is_empty()), "{onnx}");
    let size = json(&[text(&fixture("size_model.npy"))]);
    assert_eq!((&size["kind"], &size["style_channels"]), (&"size model".into(), &256.into()));
    assert_eq!(size["diam_mean"], 17.0);
    refused(&home.model(&["inspect", text(&root().join("models/demo.png"))]), "an image");
    refused(&home.model(&["inspect", "no-such"]), "model list");
}

#[test]
fn convert_writes_what_was_read() {
    let home = Home::new();
    let source = home.put(&home.path("zip.pth"), &std::fs::read(fixture("zip.pth")).unwrap());
    let out = home.path("out.safetensors");
    let said = succeeded(&home.model(&["convert", text(&source), text(&out)]));
    assert!(said.contains("out.safetensors"), "{said}");
    let json =
        |file: &str| -> Value { serde_json::from_str(&succeeded(&home.model(&["inspect", "--json", file]))).unwrap() };
    let (from, to) = (json(text(&source)), json(text(&out)));
    for same in ["nbase", "parameters", "diam_mean", "diam_labels"] {
        assert_eq!(from[same], to[same], "{same}");
    }
    assert_eq!(to["metadata"]["source_sha256"], from["sha256"]);
    assert_eq!(to["metadata"]["source_name"], "zip.pth");
    let network = |path: &Path| cytoshade_model::load_path(path, &cytoshade_model::LoadOptions::default()).unwrap();
    assert_eq!(network(&source), network(&out));

    // It only overwrites on request, and never its source.
    let whole = std::fs::read(&out).unwrap();
    refused(&home.model(&["convert", "demo", text(&out)]), "--force");
    assert_eq!(std::fs::read(&out).unwrap(), whole);
    refused(&home.model(&["convert", text(&out), text(&out), "--force"]), "source itself");
    succeeded(&home.model(&["convert", text(&source), text(&out), "--f16", "--force"]));
    let half = std::fs::read(&out).unwrap();
    assert!(half.len() < whole.len());
    refused(&home.model(&["convert", text(&source), text(&home.path("out.pth"))]), ".safetensors");
    refused(
        &home.model(&["convert", text(&fixture("other.onnx")), text(&home.path("x.safetensors"))]),
        "not a Cellpose",
    );
    refused(&home.model(&["convert", "demo", text(&home.path("no/x.safetensors"))]), "cannot write");
    assert_eq!(files(home.0.path()), [".cellpose", "out.safetensors", "zip.pth"]);
}

#[test]
fn verify_compares_hashes() {
    let home = Home::new();
    let right = ["verify", text(&demo_path()), "--sha256", &hash(&demo())].map(String::from);
    let right: Vec<&str> = right.iter().map(String::as_str).collect();
    assert!(succeeded(&home.model(&right)).contains("is right"));
    let wrong = home.model(&["verify", text(&demo_path()), "--sha256", ZEROS]);
    refused(&wrong, "expected 0000");
    assert_eq!(wrong.status.code(), Some(1));
    // Without a hash, only published models can be verified.
    let unknown = home.model(&["verify", "demo"]);
    refused(&unknown, "--sha256");
    assert_eq!(unknown.status.code(), Some(1));
    // The right hash is not enough: the file must open.
    let page = home.put(&home.path("page"), b"<html>");
    refused(&home.model(&["verify", text(&page), "--sha256", &hash(b"<html>")]), "web page");
    home.put(&home.cellpose().join("cyto3"), &demo());
    refused(&home.model(&["verify", "cyto3"]), "fine-tuned");
}

#[test]
fn models_are_used_by_name() {
    let home = Home::new();
    home.put(&home.cellpose().join("CP_20230101_120000"), &demo());
    home.put(&home.cellpose().join("cyto3"), &demo());
    home.put(&home.cellpose().join("cyto2torch_0"), &demo());
    let photograph = root().join("models/demo.png");
    let segment = |model: &str| {
        let words = ["segment", text(&photograph), "--device", "cpu", "--output", "out", "--model", model];
        home.program().args(words).output().unwrap()
    };
    for name in ["CP_20230101_120000", "demo"] {
        assert!(succeeded(&segment(name)).contains("cells"), "{name}");
    }
    refused(&segment("cyto3"), "fine-tuned");
    refused(&segment("nuclei"), "model fetch nuclei");
    let unverified = segment("cyto2");
    succeeded(&unverified);
    assert!(String::from_utf8_lossy(&unverified.stderr).contains("no hash of cyto2 is known"));
    // A published name, and `demo`, never mean a file in the current folder.
    home.put(&home.path("nuclei"), &demo());
    home.put(&home.path("demo"), b"<html>");
    refused(&segment("nuclei"), "./nuclei");
    succeeded(&segment("./nuclei"));
    succeeded(&segment("demo"));
    refused(&segment("./demo"), "web page");
    // Cellpose's variable for its folder works here too.
    let elsewhere = home.path("elsewhere");
    home.put(&elsewhere.join("mine"), &demo());
    let mut command = home.program();
    command.env("CELLPOSE_LOCAL_MODELS_PATH", &elsewhere).args(["model", "inspect", "mine"]);
    assert!(succeeded(&command.output().unwrap()).contains("elsewhere"));
}

/// What a run says on standard error.
fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn size_models_and_restoration_networks_are_pinned_and_no_file_is_opened_silently() {
    let home = Home::new();
    let photograph = root().join("models/demo.png");
    // The demonstration network has a style of 64 channels.
    let size = home.put(&home.path("small_size.npy"), &size_model(64));
    home.put(&home.path("small"), &demo());
    let size_hash = hash(&std::fs::read(&size).unwrap());
    let segment = |words: &[&str]| {
        let words = [&["segment", text(&photograph), "--device", "cpu", "--output", "out"], words].concat();
        home.program().args(words).output().unwrap()
    };
    let auto = ["--model", "./small", "--diameter", "auto"];
    let output = segment(&auto);
    succeeded(&output);
    assert!(said(&output).contains("estimating diameters with ./small_size.npy"), "{}", said(&output));
    succeeded(&segment(&[&auto[..], &["--size-model-sha256", &size_hash]].concat()));
    refused(&segment(&[&auto[..], &["--size-model-sha256", ZEROS]].concat()), "expected 0000");
    let named = ["--model", "demo", "--size-model", text(&size)];
    let output = segment(&[&named[..], &["--size-model-sha256", &size_hash]].concat());
    succeeded(&output);
    assert!(!said(&output).contains("estimating"), "{}", said(&output));
    refused(&segment(&[&named[..], &["--size-model-sha256", ZEROS]].concat()), "expected 0000");
    let alone = ["--model", "demo", "--diameter", "auto", "--size-model-sha256", &size_hash];
    refused(&segment(&alone), "no size model");

    let denoise = std::fs::read(root().join("tests/fixtures/restore/denoise_small.safetensors")).unwrap();
    home.put(&home.path("denoise"), &denoise);
    let restored = ["--model", "demo", "--restore", "./denoise"];
    succeeded(&segment(&[&restored[..], &["--restore-sha256", &hash(&denoise)]].concat()));
    refused(&segment(&[&restored[..], &["--restore-sha256", ZEROS]].concat()), "expected 0000");
    refused(&segment(&["--model", "demo", "--restore-sha256", ZEROS]), "--restore");

    // An ONNX model's weights beside it.
    for name in ["dynamo_18.onnx", "dynamo_18.onnx.data"] {
        home.put(&home.path(name), &std::fs::read(fixture(name)).unwrap());
    }
    let output = segment(&["--model", "./dynamo_18.onnx"]);
    assert!(said(&output).contains("weights are in dynamo_18.onnx.data"), "{}", said(&output));
}

#[test]
fn without_a_model_cyto3_is_used_if_present_and_else_the_bundled_network() {
    let home = Home::new();
    let photograph = root().join("models/demo.png");
    let run = |words: &[&str]| {
        let words = [&["segment", text(&photograph), "--device", "cpu", "--output", "out"], words].concat();
        home.program().args(words).output().unwrap()
    };
    let output = run(&[]);
    succeeded(&output);
    for part in ["bundled network", "not for science", "cytoshade model fetch cyto3"] {
        assert!(said(&output).contains(part), "{part}: {}", said(&output));
    }
    let bundled = std::fs::read(home.path("out/demo_cp_masks.tif")).unwrap();
    succeeded(&run(&["--model", "demo"]));
    assert_eq!(std::fs::read(home.path("out/demo_cp_masks.tif")).unwrap(), bundled);
    // A required hash is not satisfied by a network that nobody named.
    refused(&run(&["--sha256", &hash(&demo())]), "--sha256 requires a network");

    // The file is not the published one, so its name demands another hash.
    home.put(&home.cellpose().join("cyto3"), &demo());
    refused(&run(&[]), "the published cyto3");
    let output = run(&["--sha256", &hash(&demo())]);
    succeeded(&output);
    assert!(said(&output).contains("using the network cyto3 (") && said(&output).contains(".cellpose"));
    refused(&run(&["--sha256", ZEROS]), "expected 0000");
}

#[test]
fn restore_without_a_model_says_which_to_pass() {
    let home = Home::new();
    let run = || home.program().args(["restore", "image.png", "--output", "out"]).output().unwrap();
    refused(&run(), "such as denoise_cyto3");
    home.put(&home.cellpose().join("deblur_nuclei"), &demo());
    refused(&run(), "in the model folders: deblur_nuclei");
}

/// A size model of `channels` channels, as numpy writes it.
fn size_model(channels: usize) -> Vec<u8> {
    let text = |text: &str| [&b"X"[..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let dtype = |name: &str| [&b"cnumpy\ndtype\n"[..], &text(name), b"K\0K\x01\x87R"].concat();
    let array = [
        &b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR(K\x01(K"[..],
        &[channels as u8],
        b"t",
        &dtype("f8"),
        b"\x89B",
        &(8 * channels as u32).to_le_bytes(),
        &vec![0; 8 * channels],
        b"tb",
    ]
    .concat();
    let number = b"G\x40\x3e\0\0\0\0\0\0";
    let zero = b"G\0\0\0\0\0\0\0\0";
    let entries =
        [&text("A")[..], &array, &text("smean"), &array, &text("diam_mean"), number, &text("ymean"), zero].concat();
    let object = [&b"}("[..], &entries, b"u"].concat();
    let head = format!("{:<117}\n", "{'descr': '|O', 'fortran_order': False, 'shape': (), }");
    let file = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\0tC\x01btR(K\x01)";
    [b"\x93NUMPY\x01\0v\0", head.as_bytes(), b"\x80\x04", file, &dtype("O8"), b"\x89](", &object, b"etb."].concat()
}

#[test]
fn list_and_remove_know_the_folders() {
    let home = Home::new();
    let own = home.put(&home.own().join("mine"), &demo());
    let cellpose = home.put(&home.cellpose().join("cyto3"), &demo());
    let said = succeeded(&home.model(&["list"]));
    for part in ["cyto3", "another size", "mine", "nuclei", "not present", "demo", text(&home.own())] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let said: Value = serde_json::from_str(&succeeded(&home.model(&["list", "--json"]))).unwrap();
    assert_eq!(said["others"][0]["name"], "mine");
    let cyto3 = &said["published"][0];
    assert_eq!((&cyto3["name"], &cyto3["files"][0]["path"]), (&"cyto3".into(), &text(&cellpose).into()));

    for name in ["cyto3", "no-such"] {
        refused(&home.model(&["remove", name]), "there is no");
    }
    for name in ["../.cellpose/models/cyto3", "..", text(&cellpose), "own/mine"] {
        refused(&home.model(&["remove", name]), "plain name");
    }
    assert!(own.exists() && cellpose.exists());
    succeeded(&home.model(&["remove", "mine"]));
    assert!(!own.exists() && cellpose.exists());
}

/// A server of the bundled network and of other responses.
fn models() -> Server {
    Server::new(|asked, stream| match asked.path.as_str() {
        "/page" => send(stream, &["200 OK", "Content-Length: 6"], b"<html>"),
        "/broken" if asked.range().is_none() => {
            let length = format!("Content-Length: {}", demo().len());
            send(stream, &["200 OK", &length, &format!("ETag: {TAG}")], &demo()[..100_000]);
        }
        "/slow" => {
            send(stream, &["200 OK", "Content-Length: 1000000"], b"");
            while std::io::Write::write_all(stream, &[7; 1000]).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
        }
        "/far" => send(stream, &["302 Found", "Location: http://models.example/x", "Content-Length: 0"], b""),
        "/endless" => {
            send(stream, &["200 OK"], b"");
            while std::io::Write::write_all(stream, &[7; 4096]).is_ok() {}
        }
        _ => send_file(asked, stream, &demo(), TAG),
    })
}

#[test]
fn fetch_keeps_what_has_the_hash_and_opens() {
    let (home, server) = (Home::new(), models());
    let (url, right) = (server.url("/mine"), hash(&demo()));
    let said = succeeded(&home.model(&["fetch", &url, "--sha256", &right]));
    assert!(said.contains(&right) && !said.contains("verifies"), "{said}");
    assert_eq!(files(&home.own()), [".fetch.lock", "mine"]);
    assert_eq!(std::fs::read(home.own().join("mine")).unwrap(), demo());
    // A second fetch downloads nothing.
    assert!(succeeded(&home.model(&["fetch", &url, "--sha256", &right])).contains("already"));
    assert_eq!(server.asked().len(), 1);
    refused(&home.model(&["fetch", &url, "--sha256", ZEROS]), "model remove");
    succeeded(&home.model(&["inspect", "mine"]));

    let said = succeeded(&home.model(&["fetch", &server.url("/x"), "--name", "other", "--accept-unverified"]));
    assert!(said.contains(&right) && said.contains("nothing verifies"), "{said}");
    let output = home.model(&["fetch", &server.url("/broken"), "--sha256", &right]);
    succeeded(&output);
    assert!(output.stderr.is_empty(), "a bar in a pipe: {}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(files(&home.own()), [".fetch.lock", "broken", "mine", "other"]);
}

#[test]
fn fetch_refuses_everything_else_and_leaves_nothing() {
    let (home, server) = (Home::new(), models());
    let url = |path: &str| server.url(path);
    refused(&home.model(&["fetch", "cyto9"]), "neither a URL nor a published model");
    refused(&home.model(&["fetch", "cyto2"]), "--accept-unverified");
    refused(&home.model(&["fetch", &url("/mine")]), "--accept-unverified");
    assert_eq!(server.asked().len(), 0, "it asked before it was allowed to");
    for address in ["http://models.example/mine", "ftp://models.example/mine", "https://me:secret@models.example/mine"]
    {
        refused(&home.model(&["fetch", address, "--accept-unverified"]), "cannot fetch from");
    }
    assert!(!home.own().exists(), "a folder was made for nothing");
    refused(&home.model(&["fetch", &url("/mine"), "--sha256", ZEROS]), "another file");
    refused(&home.model(&["fetch", &url("/page"), "--accept-unverified"]), "a web page");
    refused(&home.model(&["fetch", &url("/far"), "--accept-unverified"]), "not followed");
    refused(&home.model(&["fetch", &url("/mine"), "--accept-unverified", "--max-bytes", "1000"]), "limit of 1000");
    refused(&home.model(&["fetch", &url("/endless"), "--accept-unverified", "--max-bytes", "1000"]), "limit of 1000");
    let start = std::time::Instant::now();
    refused(
        &home.model(&["fetch", &url("/slow"), "--accept-unverified", "--deadline", "1"]),
        "incomplete after 1 seconds",
    );
    assert!(start.elapsed() < std::time::Duration::from_secs(20));
    std::fs::remove_file(home.own().join("slow.part")).unwrap();
    // A query may hold a key.
    for path in ["/page?key=secret", "/far?key=secret", "/mine?key=secret", "/a%2Fb?key=secret"] {
        let output = home.model(&["fetch", &url(path), "--accept-unverified", "--max-bytes", "1000"]);
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("secret"),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.status.success());
    }
    // Under a published name only the published file is accepted.
    refused(&home.model(&["fetch", &url("/cyto3"), "--accept-unverified"]), "expected 26566255");
    assert_eq!(files(&home.own()), [".fetch.lock"]);
}
