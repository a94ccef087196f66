//! The photograph and the network that are compiled into the program.

/// Nuclei of the Data Science Bowl 2018 (BBBC038), CC0; see `models/README.md`.
pub(crate) const IMAGE: &[u8] = include_bytes!("../bundled/demo.png");
/// A small network trained for this demonstration; see its card, `models/README.md`.
pub(crate) const MODEL: &[u8] = include_bytes!("../bundled/cytoshade-demo.safetensors");

// A checkout without symbolic links has files with the paths of their targets.
const _: () = assert!(
    IMAGE.len() > 1024 && MODEL.len() > 1024,
    "crates/cytoshade-cli/bundled holds links that the checkout did not make: run `git config core.symlinks true` and \
     `git checkout -- crates/cytoshade-cli/bundled`, or copy their targets from models/ there"
);
