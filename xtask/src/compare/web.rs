//! Measures the browser package beside onnxruntime-web.

use std::path::PathBuf;
use std::process::Command;

use super::{Compare, setup, write};
use crate::shell::{Outcome, lines, root, run};
use crate::{browser, web};

/// The peer, in a fixed version, so that figures of different days are comparable.
const PEER: &str = "onnxruntime-web@1.30.0";

pub(super) fn compare(options: &Compare) -> Outcome {
    let folder = root().join("target/compare/web");
    let python = setup::interpreter(options)?;
    let bundled = || root().join("models/cytoshade-demo.safetensors");
    let model: PathBuf = options.model.clone().unwrap_or_else(bundled);
    run(Command::new(python).arg("benches/peers/prepare.py").args([&model, &folder]))?;
    run(Command::new("npm")
        .args(["install", "--ignore-scripts", "--no-audit", "--no-fund", PEER, "--prefix"])
        .arg(&folder))?;
    web::build()?;
    let mut table = browser::node(true)?;
    table.arg(root().join(web::FOLDER).join("tests/compare.mjs")).arg("--model").arg(model);
    table.arg("--onnx").arg(&folder);
    table.arg("--peer").arg(folder.join("node_modules/onnxruntime-web/dist"));
    table.args(["--threads", &options.threads.to_string(), "--rounds", &options.rounds(5).to_string()]);
    if options.quick {
        table.arg("wasm");
    }
    let table = lines(table)?.join("\n") + "\n";
    println!("{table}");
    write(&format!("{}-web.md", options.name), &table)
}
