//! Caches measurements of a device for the next run.

use std::path::{Path, PathBuf};

use cytoshade_gpu::AdapterInfo;
use cytoshade_model::Sha256;
use cytoshade_safe_io::{read_private_file, write_private_file};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Largest cache entry in bytes; a larger file is ignored.
const MAX_ENTRY_BYTES: u64 = 1 << 16;

/// Identifies a measurement. An entry with a different key is ignored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    /// The quantity that was measured.
    what: String,
    version: String,
    adapter: String,
    backend: String,
    driver: String,
    /// Identifies the network: a shape or a hash.
    network: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<T> {
    key: Key,
    value: T,
}

/// The file of one cache entry.
#[derive(Debug)]
pub(crate) struct Slot {
    path: PathBuf,
    key: Key,
}

impl Slot {
    /// The entry for `what`, an adapter and a network, in a private folder.
    pub(crate) fn new(folder: &Path, what: &str, adapter: &AdapterInfo, network: String) -> Self {
        let key = Key {
            what: what.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            adapter: adapter.name.clone(),
            backend: adapter.backend.clone(),
            driver: adapter.driver.clone(),
            network,
        };
        // The file name is derived from the key, so that entries do not overwrite each other.
        let hash = Sha256::digest(format!("{key:?}").as_bytes()).to_string();
        Self { path: folder.join(format!("{what}-{}.json", &hash[..16])), key }
    }

    /// The cached value.
    ///
    /// `None` if the file is missing, damaged, too large, writable by others, or has another key.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        let bytes = read_private_file(&self.path, MAX_ENTRY_BYTES).ok()?;
        let entry: Entry<T> = serde_json::from_slice(&bytes).ok()?;
        (entry.key == self.key).then_some(entry.value)
    }

    /// Caches a value. Failures are ignored: the next run measures again.
    pub(crate) fn write<T: Serialize>(&self, value: T) {
        let entry = Entry { key: self.key.clone(), value };
        if let Ok(bytes) = serde_json::to_vec_pretty(&entry)
            && bytes.len() as u64 <= MAX_ENTRY_BYTES
        {
            let _ = write_private_file(&self.path, &bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_only_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let key = |network: &str| Key {
            what: "tune".into(),
            version: "1".into(),
            adapter: "a".into(),
            backend: "b".into(),
            driver: "c".into(),
            network: network.into(),
        };
        let path = folder.path().join("own").join("entry.json");
        let slot = Slot { path: path.clone(), key: key("n") };
        assert_eq!(slot.read::<Vec<u32>>(), None);
        slot.write([1u32, 2]);
        assert_eq!(slot.read::<Vec<u32>>(), Some(vec![1, 2]));
        let other = Slot { path: path.clone(), key: key("m") };
        assert_eq!(other.read::<Vec<u32>>(), None, "another network's key");
        assert_eq!(slot.read::<String>(), None, "of another kind");
        let whole = std::fs::read(&path).unwrap();
        let odd: [&[u8]; 5] = [b"", b"{}", &whole[..whole.len() - 1], &[&whole[..], b"x"].concat(), &[b' '; 1 << 17]];
        for bytes in odd {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(slot.read::<Vec<u32>>(), None);
        }
        std::fs::write(&path, [&b" ".repeat(1 << 16)[..], &whole].concat()).unwrap();
        assert_eq!(slot.read::<Vec<u32>>(), None, "too large");
        let text = String::from_utf8(whole).unwrap();
        std::fs::write(&path, text.replacen('{', "{ \"more\": 1,", 1)).unwrap();
        assert_eq!(slot.read::<Vec<u32>>(), None, "with more in it");
        slot.write([3u32]);
        assert_eq!(slot.read::<Vec<u32>>(), Some(vec![3]), "and replaced");
    }
}
