//! Copies the WGSL files for the library to include, and generates the Rust that describes each shader.
//!
//! For browsers, to save bytes, the files lose their comments and indentation, and shaders that need more than WebGPU
//! are omitted.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

mod emit;
mod minify;
mod reflect;
mod table;
#[allow(dead_code, unreachable_pub)] // The library uses the rest.
#[path = "../src/types.rs"]
mod types;

use emit::Entry;
use table::{Row, SHADERS, Typed};
use types::{Needs, Precision, assemble};

const WGSL: &str = "src/wgsl";

fn main() -> Result<(), Box<dyn Error>> {
    for input in [WGSL, "src/types.rs", "build"] {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let browser = env::var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|arch| arch == "wasm32");
    copy(Path::new(WGSL), &out.join("wgsl"), if browser { minify::minify } else { str::to_owned })?;

    let built = SHADERS.iter().filter(|row| !browser || row.needs == Needs::Nothing);
    let mut entries = Vec::new();
    for row in built {
        match entry(row) {
            Ok(entry) => entries.push(entry),
            Err(error) => error.to_string().lines().for_each(|line| println!("cargo::error={line}")),
        }
    }
    fs::write(out.join("shaders.rs"), emit::rust(&entries)?)?;
    Ok(())
}

/// Copies the files of a folder through `change`.
fn copy(from: &Path, to: &Path, change: fn(&str) -> String) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target, change)?;
        } else {
            fs::write(target, change(&fs::read_to_string(entry.path())?))?;
        }
    }
    Ok(())
}

/// Reads a shader's interface from its source in f32; a test checks that f16 has the same.
fn entry(row: &Row) -> Result<Entry<'_>, Box<dyn Error>> {
    let activations = (row.typed == Typed::Activations).then_some(Precision::F32);
    let typed = activations.iter().flat_map(|_| ["shared/f32", "shared/fours", "shared/packed"].map(String::from));
    let texts = typed.chain(row.pieces()).map(|piece| {
        let file = format!("{WGSL}/{piece}.wgsl");
        fs::read_to_string(&file).map_err(|error| format!("the table of shaders names {file}: {error}"))
    });
    let texts = texts.collect::<Result<Vec<_>, _>>()?;
    let pieces: Vec<&str> = texts.iter().map(String::as_str).collect();
    let source = assemble(row.needs, activations, &pieces);
    let interface = reflect::interface(row.name, &source, reflect::capabilities(row.needs, activations))?;
    Ok(Entry { row, interface, comment: head(texts.last().map_or("", String::as_str)) })
}

/// The first paragraph of the comment at the start of a file.
fn head(text: &str) -> Vec<String> {
    let comment = text.lines().map_while(|line| line.strip_prefix("// "));
    comment.map(String::from).collect()
}
