//! The book, by mdBook.

use std::path::PathBuf;
use std::process::Command;

use crate::shell::{Outcome, cargo, run, succeeds, target_folder};

const VERSION: &str = "0.5.4";

/// Builds the book into target/book.
pub(super) fn build() -> Outcome {
    let program = mdbook()?;
    let out = target_folder().join("book");
    run(Command::new(program).args(["build", "docs", "--dest-dir"]).arg(&out))?;
    println!("{}", out.join("index.html").display());
    Ok(())
}

/// A fixed version of mdBook, installed into target/tools if missing.
fn mdbook() -> Result<PathBuf, String> {
    let folder = target_folder().join("tools").join(format!("mdbook-{VERSION}"));
    let program = folder.join("bin").join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if !succeeds(&program.to_string_lossy(), &["--version"]) {
        let version = format!("={VERSION}");
        let mut install = cargo(&["install", "--locked", "mdbook", "--version", &version]);
        // Neither its server nor its watcher is used.
        install.args(["--no-default-features", "--features", "search", "--root"]).arg(&folder);
        // Without a target folder, cargo builds in a temporary one and removes it.
        run(install.env_remove("CARGO_TARGET_DIR"))?;
    }
    Ok(program)
}
