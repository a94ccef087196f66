//! The hashes that the browser package and its demo page state are those of this crate and of the bundled model.

use std::path::{Path, PathBuf};

use cytoshade_model::{PUBLISHED, Sha256};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `CYTOSHADE_WRITE_TABLES=1 cargo test -p cytoshade-model --test web` writes the table anew.
#[test]
fn the_package_has_the_table_of_published_hashes() {
    let mut expected = String::from(
        "/** SHA-256 of the published models, by the names of their files; written by the test `web` of `cytoshade-model`. */\n\
         export const PUBLISHED: Readonly<Record<string, string>> = {\n",
    );
    for model in PUBLISHED {
        if let Some(hash) = model.sha256 {
            expected += &format!("  \"{}\": \"{hash}\",\n", model.file);
        }
    }
    expected += "};\n";
    let path = root().join("crates/cytoshade-web/ts/published.ts");
    if std::env::var_os("CYTOSHADE_WRITE_TABLES").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert_eq!(text(&path), expected);
}

#[test]
fn the_demo_page_pins_its_model() {
    let model = std::fs::read(root().join("models/cytoshade-demo.safetensors")).unwrap();
    let page = text(&root().join("crates/cytoshade-web/demo/app.js"));
    assert!(page.contains(&format!("const MODEL_SHA256 = \"{}\";", Sha256::digest(&model))));
}
