//! The browser package beside onnxruntime-web, on the bundled network.

use std::process::Command;

use super::{Compare, setup};
use crate::shell::{Outcome, root, run};
use crate::{browser, web};

/// The peer, of one version, so that figures of two days can be told apart.
const PEER: &str = "onnxruntime-web@1.30.0";

pub(super) fn compare(options: &Compare) -> Outcome {
    let folder = root().join("target/compare/web");
    let python = setup::interpreter(options)?;
    run(Command::new(python).args(["benches/peers/prepare.py", "models/cytoshade-demo.safetensors"]).arg(&folder))?;
    run(Command::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", PEER, "--prefix"])
        .arg(&folder))?;
    web::build()?;
    let backends: &[&str] = if options.quick { &["cpu"] } else { &["cpu", "webgpu"] };
    let mut figures = browser::node(true)?;
    figures.arg(root().join(web::FOLDER).join("tests/figures.mjs")).args(backends);
    figures.arg("--onnx").arg(folder.join("network_1.onnx"));
    run(figures.arg("--peer").arg(folder.join("node_modules/onnxruntime-web/dist")))
}
