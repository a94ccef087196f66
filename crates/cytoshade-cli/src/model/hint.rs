//! Advice for a model argument that names no model.

use std::path::Path;

use cytoshade::{Error, ModelDirs, PUBLISHED, Published};
use cytoshade_safe_io::printable;

use super::source::DEMO;
use crate::nearest::nearest;

/// The number of a folder's files that are listed.
const LISTED: usize = 8;

/// Suggests an argument in place of a folder or an unknown name.
pub(super) fn hint(typed: &Path, error: &Error) -> Option<String> {
    match error {
        // The error for the name of a published model says how to fetch it.
        Error::ModelNotFound { name, .. } if Published::named(name).is_some() => None,
        _ if typed.is_dir() => files_in(typed),
        Error::ModelNotFound { name, .. } => similar(name, &ModelDirs::from_env()),
        _ => None,
    }
}

/// The most similar name of a published or present model.
fn similar(name: &str, folders: &ModelDirs) -> Option<String> {
    let present = folders.list().into_iter().map(|file| file.name);
    let names = PUBLISHED.iter().map(|published| published.name.to_owned()).chain(present).chain([DEMO.to_owned()]);
    nearest(name, names).map(|known| format!("did you mean {}?", printable(known)))
}

/// The files of a folder, by name.
fn files_in(folder: &Path) -> Option<String> {
    let files = std::fs::read_dir(folder).ok()?.flatten().filter(|entry| entry.path().is_file());
    let mut names: Vec<String> = files.map(|file| printable(file.file_name().as_encoded_bytes())).collect();
    names.sort();
    let more = if names.len() > LISTED { " and others" } else { "" };
    names.truncate(LISTED);
    (!names.is_empty()).then(|| format!("pass one of its files: {}{more}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let folders = tempfile::tempdir().unwrap();
        std::fs::write(folders.path().join("livecell_2023"), "").unwrap();
        let folders = ModelDirs { own: Some(folders.path().into()), cellpose: None };
        let suggested = |name| similar(name, &folders);
        assert_eq!(suggested("cyt3").as_deref(), Some("did you mean cyto3?"));
        assert_eq!(suggested("livecell2023").as_deref(), Some("did you mean livecell_2023?"));
        assert_eq!(suggested("zebra"), None);
    }

    #[test]
    fn the_files_of_a_folder_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(files_in(folder.path()), None);
        for name in ["nuclei", "cyto3"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(files_in(folder.path()).as_deref(), Some("pass one of its files: cyto3, nuclei"));
    }
}
