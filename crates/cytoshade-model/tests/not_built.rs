//! A file of a format that the build lacks is recognised and refused; every other file opens.

mod common;

use common::{fixture, network, try_load};
use cytoshade_model::{Error, Format, LoadOptions, Sha256, load_size_model};

/// Fails if the result is not an error that names the feature in a build without it, and a success in a build with it.
fn assert_follows<T: std::fmt::Debug>(found: Result<T, Error>, feature: &str, is_built: bool) {
    match found {
        Ok(_) => assert!(is_built, "a build without {feature} opened the file"),
        Err(error @ Error::NotBuilt { .. }) => {
            assert!(!is_built, "{error}");
            assert!(error.to_string().contains(&format!("`{feature}`")), "{error}");
        }
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn formats_open_with_their_features_alone() {
    let files = [
        ("zip.pth", Format::TorchZip, "torch", cfg!(feature = "torch")),
        ("legacy.pth", Format::TorchLegacy, "torch", cfg!(feature = "torch")),
        ("script_11.onnx", Format::Onnx, "onnx", cfg!(feature = "onnx")),
    ];
    for (name, format, feature, is_built) in files {
        let bytes = fixture(name);
        assert_eq!(Format::detect(&bytes), Some(format), "{name}");
        assert_follows(try_load(&bytes), feature, is_built);
    }
}

#[test]
fn size_models_open_with_torch_alone() {
    let size_model = load_size_model(&fixture("size_model.npy"), &LoadOptions::default());
    assert_follows(size_model, "torch", cfg!(feature = "torch"));
}

#[test]
fn every_build_reads_safetensors() {
    network("plain.safetensors");
}

/// The hash is that of the file, and not a matter of its format.
#[test]
fn the_hash_is_checked_first() {
    let options = LoadOptions { sha256: Some(Sha256::digest(b"another file")), ..LoadOptions::default() };
    for name in ["zip.pth", "script_11.onnx"] {
        let found = cytoshade_model::load(&fixture(name), &options);
        assert!(matches!(found, Err(Error::Hash { .. })), "{name}: {found:?}");
    }
    let found = load_size_model(&fixture("size_model.npy"), &options);
    assert!(matches!(found, Err(Error::Hash { .. })), "{found:?}");
}
