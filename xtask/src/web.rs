//! The npm package for browsers and its demo page, in `dist/`.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::shell::{Outcome, cargo, installed, root, run, succeeds, target_folder};

const TARGET: &str = "wasm32-unknown-unknown";
/// The package's sources, tools and tests.
pub(crate) const FOLDER: &str = "crates/cytoshade-web";
/// Limits of the wasm file in bytes: uncompressed, and gzipped.
const SIZES: (usize, usize) = (1_500_000, 600_000);

/// Features in Chromium, Firefox and Safari for years; `--all-features` would enable newer ones.
const WASM_FEATURES: [&str; 7] = [
    "--enable-bulk-memory",
    "--enable-reference-types",
    "--enable-multivalue",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-simd",
];

/// Files of the demo page that are elsewhere in the repository.
const DEMO_FILES: [&str; 4] =
    ["dist/cytoshade.js", "dist/cytoshade.wasm", "models/cytoshade-demo.safetensors", "models/demo.png"];

/// Builds the package and the demo page.
pub(crate) fn build() -> Outcome {
    npm()?;
    glue(&compile()?)?;
    let dist = root().join("dist");
    reset(&dist)?;
    optimize(&dist.join("cytoshade.wasm"))?;
    bundle()?;
    package(&dist)?;
    demo(&dist)
}

/// Installs the tools of the lock file.
fn npm() -> Outcome {
    if !succeeds("npm", &["--version"]) {
        return Err("npm is missing: install Node.js 20 or later".into());
    }
    run(Command::new("npm").args(["ci", "--no-fund", "--no-audit"]).current_dir(root().join(FOLDER)))
}

/// Compiles the wasm file, before wasm-bindgen and wasm-opt.
fn compile() -> Result<PathBuf, String> {
    run(Command::new("rustup").args(["target", "add", TARGET]))?;
    // Panics name their source file: 200 times the path of this machine's registry, which must not be published.
    let registry = cargo_home().join("registry/src");
    let flags = format!("target.{TARGET}.rustflags=['--remap-path-prefix={}=']", registry.display());
    run(cargo(&["build", "--config", &flags, "--package", "cytoshade-web", "--profile", "web", "--target", TARGET]))?;
    Ok(target_folder().join(TARGET).join("web/cytoshade_web.wasm"))
}

/// Cargo's home folder, with its downloads.
fn cargo_home() -> PathBuf {
    let of_home = || std::env::home_dir().unwrap_or_default().join(".cargo");
    std::env::var_os("CARGO_HOME").map_or_else(of_home, PathBuf::from)
}

/// Generates the JavaScript between page and wasm with wasm-bindgen's program.
fn glue(wasm: &Path) -> Outcome {
    let out = root().join(FOLDER).join("ts/wasm");
    run(Command::new(wasm_bindgen()?).args(["--target", "web", "--out-dir"]).args([&out, wasm]))
}

/// wasm-bindgen's program, of exactly the crate's version.
fn wasm_bindgen() -> Result<PathBuf, String> {
    let version = locked("wasm-bindgen")?;
    installed("wasm-bindgen-cli", "wasm-bindgen", &version)
}

/// A crate's version in the lock file.
fn locked(name: &str) -> Result<String, String> {
    let lock = read(&root().join("Cargo.lock"))?;
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = {name:?}"));
    let version = lines.nth(1).and_then(|line| line.strip_prefix("version = "));
    version.map(|version| version.trim_matches('"').into()).ok_or(format!("Cargo.lock has no {name}"))
}

/// Optimizes the wasm file for size, and fails if it is over the limits.
fn optimize(out: &Path) -> Outcome {
    let mut command = tool("wasm-opt");
    // Loops over values stay separate functions, for the reason given in the network of `cytoshade-cpu`.
    command.arg("--no-inline=*cytoshade_c*");
    // Functions with similar names have similar code: as neighbours they are 2 % smaller gzipped. Names are stripped afterwards.
    command.args(["-Os", "--converge", "--reorder-functions-by-name", "--strip-debug", "--strip-producers"]);
    // Larger functions are not inlined even for a single caller: browsers compile a function at its first call, and the
    // first call of half a reader would wait for all of it. This is also smaller gzipped.
    command.arg("--one-caller-inline-max-function-size=60");
    command.args(WASM_FEATURES);
    run(command.arg(format!("{FOLDER}/ts/wasm/cytoshade_web_bg.wasm")).arg("-o").arg(out))?;
    let wasm = fs::read(out).map_err(|error| error.to_string())?;
    let sizes = (wasm.len(), gzipped(&wasm)?);
    eprintln!("cytoshade.wasm: {} bytes, {} gzipped", sizes.0, sizes.1);
    if sizes.0 > SIZES.0 || sizes.1 > SIZES.1 {
        return Err(format!("cytoshade.wasm is over the limit of {} bytes, {} gzipped", SIZES.0, SIZES.1));
    }
    Ok(())
}

fn gzipped(bytes: &[u8]) -> Result<usize, String> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map(|out| out.len()).map_err(|error| error.to_string())
}

/// Bundles the TypeScript sources into one JavaScript module, and writes its types.
fn bundle() -> Outcome {
    let tsconfig = format!("{FOLDER}/tsconfig.json");
    run(tool("tsc").args(["--project", &tsconfig, "--outDir", "dist/types"]))?;
    let entry = format!("{FOLDER}/ts/index.ts");
    let options = ["--bundle", "--format=esm", "--minify", "--target=es2022", "--log-level=warning"];
    run(tool("esbuild").arg(entry).args(options).arg("--outfile=dist/cytoshade.js"))
}

/// A program of an npm package that is installed in the web crate.
fn tool(name: &str) -> Command {
    Command::new(root().join(FOLDER).join("node_modules/.bin").join(name))
}

/// Writes the files that npm needs beside the code.
fn package(dist: &Path) -> Outcome {
    let from = root().join(FOLDER).join("npm");
    let manifest = read(&from.join("package.json"))?.replace("0.0.0", env!("CARGO_PKG_VERSION"));
    write(&dist.join("package.json"), &manifest)?;
    copy(&from.join("README.md"), dist)?;
    ["LICENSE-MIT", "LICENSE-APACHE"].iter().try_for_each(|name| copy(&root().join(name), dist))
}

/// Assembles the demo page, and lists its files for the service worker's offline cache.
fn demo(dist: &Path) -> Outcome {
    let folder = dist.join("demo");
    reset(&folder)?;
    for file in files(&root().join(FOLDER).join("demo"))?.iter().map(PathBuf::as_path) {
        copy(file, &folder)?;
    }
    DEMO_FILES.iter().try_for_each(|file| copy(&root().join(file), &folder))?;
    let mut version = Sha256::new();
    let mut names = Vec::new();
    for file in files(&folder)? {
        version.update(fs::read(&file).map_err(|error| error.to_string())?);
        names.push(format!("{:?}", file.file_name().unwrap_or_default().to_string_lossy()));
    }
    let version: String = version.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let list = format!("self.VERSION = \"{version}\";\nself.FILES = [{}];\n", names.join(", "));
    write(&folder.join("files.js"), &list)
}

/// The files in a folder, by name.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    Ok(files)
}

fn reset(folder: &Path) -> Outcome {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

fn copy(file: &Path, folder: &Path) -> Outcome {
    let to = folder.join(file.file_name().unwrap_or_default());
    fs::copy(file, to).map(|_| ()).map_err(|error| format!("{}: {error}", file.display()))
}
