//! SHA-256 of the parsed bytes.

use std::fmt;
use std::str::FromStr;

use sha2::Digest;

use crate::Error;

/// A SHA-256, written as 64 hexadecimal digits.
///
/// ```
/// use cytoshade_model::Sha256;
/// let empty: Sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855".parse()?;
/// assert_eq!(Sha256::digest(b""), empty);
/// # Ok::<(), cytoshade_model::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

impl Sha256 {
    /// The hash of `bytes`.
    pub fn digest(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = || Error::HashText { found: text.chars().take(80).collect() };
        let digits: Vec<u8> =
            text.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>().ok_or_else(refuse)?;
        if digits.len() != 64 {
            return Err(refuse());
        }
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(hash))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256({self})")
    }
}

/// Refuses bytes with another hash.
pub(crate) fn check(bytes: &[u8], expected: Sha256) -> Result<(), Error> {
    let found = Sha256::digest(bytes);
    if found == expected { Ok(()) } else { Err(Error::Hash { found, expected }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_hash_are_refused() {
        for text in ["", "ab", &"g".repeat(64), &"é".repeat(32), &"a".repeat(65)] {
            assert!(matches!(text.parse::<Sha256>(), Err(Error::HashText { .. })), "{text}");
        }
        let upper: Sha256 = "AB".repeat(32).parse().unwrap();
        assert_eq!(upper.to_string(), "ab".repeat(32));
    }
}
