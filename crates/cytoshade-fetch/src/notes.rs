//! The notes beside an interrupted transfer: the version of the bytes in the `.part`.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::Address;

/// Longer notes, in bytes, are ignored.
pub(crate) const MAX_NOTES_BYTES: u64 = 64 << 10;
/// Longer `ETag`s, in bytes, are not kept.
const MAX_VALIDATOR_BYTES: usize = 1024;

/// The version of the file in a `.part`, kept beside it in `.part.json`.
///
/// A query may hold a key, so only its hash is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notes {
    /// The requested address, without its query.
    address: String,
    /// SHA-256 of the query, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    query_sha256: Option<String>,
    /// The server's `ETag`, else its `Last-Modified`.
    pub(crate) validator: String,
}

impl Notes {
    /// The notes for a file at an address; `None` if the server's validator is too long.
    pub(crate) fn new(address: &Address, validator: &str) -> Option<Self> {
        let (place, query) = address.parts();
        let query_sha256 = query.map(|query| Sha256::digest(query).iter().map(|byte| format!("{byte:02x}")).collect());
        let fits = validator.len() <= MAX_VALIDATOR_BYTES;
        fits.then(|| Self { address: place.to_string(), query_sha256, validator: validator.to_string() })
    }

    /// Whether the notes belong to the file at this address.
    pub(crate) fn is_of(&self, address: &Address) -> bool {
        Self::new(address, &self.validator).as_ref() == Some(self)
    }

    /// Parses notes; `None` for anything that this module did not write.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }

    pub(crate) fn to_json(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_of_one_address_and_hold_no_query() {
        let address = |text: &str| Address::parse(text).unwrap();
        let with_key = address("https://models.example/a?key=secret");
        let notes = Notes::new(&with_key, "\"v1\"").unwrap();
        let json = notes.to_json().unwrap();
        assert!(!json.contains("secret") && json.contains("https://models.example/a"), "{json}");
        let read = Notes::parse(json.as_bytes()).unwrap();
        assert_eq!(read, notes);
        assert!(read.is_of(&with_key));
        for other in
            ["https://models.example/a", "https://models.example/a?key=other", "https://models.example/b?key=secret"]
        {
            assert!(!read.is_of(&address(other)), "{other}");
        }
        let plain = Notes::new(&address("https://models.example/a"), "\"v1\"").unwrap();
        assert!(plain.is_of(&address("https://models.example/a")) && !plain.is_of(&with_key));
        assert_eq!(Notes::new(&with_key, &"x".repeat(MAX_VALIDATOR_BYTES + 1)), None);
        for wrong in [&b""[..], b"{", b"[]", b"{\"address\":1,\"validator\":\"\"}", b"{\"validator\":\"\"}", b"\xff"] {
            assert_eq!(Notes::parse(wrong), None);
        }
    }
}
