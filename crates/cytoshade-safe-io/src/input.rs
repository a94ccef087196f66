//! A bounds-checked cursor over untrusted bytes: little-endian numbers and slices.

/// The bytes end before a value does. Readers turn it into an error of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what} ends too early: {expected} more bytes expected, {found} found")]
pub struct EndOfInput {
    /// The bytes, as [`Input::new`] was called with them.
    pub what: &'static str,
    /// The number of bytes that the value has.
    pub expected: u64,
    /// The number of bytes that are left.
    pub found: usize,
}

/// A cursor over a file's bytes.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    rest: &'a [u8],
    /// The name of the bytes in the message about an early end.
    what: &'static str,
}

impl<'a> Input<'a> {
    /// A cursor at the start of `bytes`; error messages call them `what`, for instance "the pickle".
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Whether all bytes are read.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The unread bytes.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `length` bytes.
    ///
    /// # Errors
    /// [`EndOfInput`] if the bytes end too early.
    pub fn take(&mut self, length: u64) -> Result<&'a [u8], EndOfInput> {
        let (taken, rest) = usize::try_from(length)
            .ok()
            .and_then(|length| self.rest.split_at_checked(length))
            .ok_or_else(|| self.ends(length))?;
        self.rest = rest;
        Ok(taken)
    }

    /// The bytes up to the next line feed, which is consumed too.
    ///
    /// # Errors
    /// [`EndOfInput`] if there is none.
    pub fn line(&mut self) -> Result<&'a [u8], EndOfInput> {
        let end = self.rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| self.ends(1))?;
        let line = self.take(end as u64)?;
        self.take(1)?;
        Ok(line)
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// [`EndOfInput`] if the bytes end too early.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], EndOfInput> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or_else(|| self.ends(N as u64))?;
        self.rest = rest;
        Ok(*taken)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`EndOfInput`] if the bytes end too early.
    pub fn u8(&mut self) -> Result<u8, EndOfInput> {
        Ok(u8::from_le_bytes(self.array()?))
    }

    /// The next two bytes, little-endian.
    ///
    /// # Errors
    /// [`EndOfInput`] if the bytes end too early.
    pub fn u16(&mut self) -> Result<u16, EndOfInput> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    /// The next four bytes, little-endian.
    ///
    /// # Errors
    /// [`EndOfInput`] if the bytes end too early.
    pub fn u32(&mut self) -> Result<u32, EndOfInput> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// The next eight bytes, little-endian.
    ///
    /// # Errors
    /// [`EndOfInput`] if the bytes end too early.
    pub fn u64(&mut self) -> Result<u64, EndOfInput> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn ends(&self, expected: u64) -> EndOfInput {
        EndOfInput { what: self.what, expected, found: self.rest.len() }
    }
}
