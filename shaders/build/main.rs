//! Copies every WGSL file to where `src/lib.rs` includes it from: as it is, or for a browser, which loads every byte,
//! without comments and indentation.

use std::path::{Path, PathBuf};
use std::{env, fs, io};

mod minify;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=src/wgsl");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?).join("wgsl");
    let for_browser = env::var_os("CARGO_CFG_TARGET_ARCH").is_some_and(|arch| arch == "wasm32");
    copy(Path::new("src/wgsl"), &out, if for_browser { minify::minify } else { str::to_owned })
}

fn copy(from: &Path, to: &Path, change: fn(&str) -> String) -> io::Result<()> {
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
