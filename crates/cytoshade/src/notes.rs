//! What was found out about a device, noted for the next run.

use std::path::{Path, PathBuf};

use cytoshade_files::{read_own, write_own};
use cytoshade_gpu::AdapterInfo;
use cytoshade_model::Sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Most bytes of a note: a larger file is none.
const MAX_NOTE_BYTES: u64 = 1 << 16;

/// What a note is about. Where anything of it is another, the note is not read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct About {
    /// What was found out.
    what: String,
    version: String,
    adapter: String,
    backend: String,
    driver: String,
    /// The network, as far as it matters.
    network: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note<T> {
    about: About,
    found: T,
}

/// The place of a note.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    about: About,
}

impl Place {
    /// The note on `what` about an adapter and a network, in a folder of the user's own.
    pub(crate) fn new(folder: &Path, what: &str, adapter: &AdapterInfo, network: String) -> Self {
        let about = About {
            what: what.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            adapter: adapter.name.clone(),
            backend: adapter.backend.clone(),
            driver: adapter.driver.clone(),
            network,
        };
        // What it is about decides the name, so that notes do not take one another's place.
        let hash = Sha256::of(format!("{about:?}").as_bytes()).to_string();
        Self { path: folder.join(format!("{what}-{}.json", &hash[..16])), about }
    }

    /// What was noted; nothing where the file is not there, not the user's own, damaged, too large or about anything else.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        let bytes = read_own(&self.path, MAX_NOTE_BYTES).ok()?;
        let note: Note<T> = serde_json::from_slice(&bytes).ok()?;
        (note.about == self.about).then_some(note.found)
    }

    /// Notes something. Where it cannot be written the next run finds it out again.
    pub(crate) fn write<T: Serialize>(&self, found: T) {
        let note = Note { about: self.about.clone(), found };
        if let Ok(bytes) = serde_json::to_vec_pretty(&note)
            && bytes.len() as u64 <= MAX_NOTE_BYTES
        {
            let _ = write_own(&self.path, &bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_only_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let about = |network: &str| About {
            what: "tune".into(),
            version: "1".into(),
            adapter: "a".into(),
            backend: "b".into(),
            driver: "c".into(),
            network: network.into(),
        };
        let path = folder.path().join("own").join("note.json");
        let place = Place { path: path.clone(), about: about("n") };
        assert_eq!(place.read::<Vec<u32>>(), None);
        place.write([1u32, 2]);
        assert_eq!(place.read::<Vec<u32>>(), Some(vec![1, 2]));
        let other = Place { path: path.clone(), about: about("m") };
        assert_eq!(other.read::<Vec<u32>>(), None, "about another network");
        assert_eq!(place.read::<String>(), None, "of another kind");
        let whole = std::fs::read(&path).unwrap();
        let odd: [&[u8]; 5] = [b"", b"{}", &whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), &[b' '; 1 << 17]];
        for bytes in odd {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(place.read::<Vec<u32>>(), None);
        }
        std::fs::write(&path, [&b" ".repeat(1 << 16)[..], &whole].concat()).unwrap();
        assert_eq!(place.read::<Vec<u32>>(), None, "too large");
        let text = String::from_utf8(whole).unwrap();
        std::fs::write(&path, text.replacen('{', "{ \"more\": 1,", 1)).unwrap();
        assert_eq!(place.read::<Vec<u32>>(), None, "with more in it");
        place.write([3u32]);
        assert_eq!(place.read::<Vec<u32>>(), Some(vec![3]), "and replaced");
    }
}
