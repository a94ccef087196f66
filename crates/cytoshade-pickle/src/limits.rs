//! Limits on single values of a pickle; the meter limits memory and steps in total.

use crate::Error;

/// Limits on single values, each checked before memory or time is spent.
///
/// Readers of other formats (safetensors, ONNX) use `dimensions` and `elements` for their tensors, too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Opcodes of a pickle.
    ///
    /// Default 2^19; the published networks have about 13,000, a `_seg.npy` some hundreds.
    pub opcodes: u64,
    /// Entries of a pickle's memo. Default 2^18; the published networks have about 4,000.
    pub memo_entries: u64,
    /// Nesting depth of values, and number of open marks. Default 64.
    pub nesting: u64,
    /// Bytes of a string or byte string, which are borrowed from the file. Default 1 MiB.
    pub string_bytes: u64,
    /// Bytes of a dictionary's key and of a tensor's name.
    ///
    /// Default 4096; those of the published networks have up to 60.
    ///
    /// Many entries can share one key, which is compared for each.
    pub key_bytes: u64,
    /// Dimensions of an array or a tensor. Default 8; networks have up to 4.
    pub dimensions: u64,
    /// Elements of an array or a tensor. Default 2^28.
    pub elements: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            opcodes: 1 << 19,
            memo_entries: 1 << 18,
            nesting: 64,
            string_bytes: 1 << 20,
            key_bytes: 4096,
            dimensions: 8,
            elements: 1 << 28,
        }
    }
}

impl Limits {
    pub(crate) fn check_opcodes(&self, found: u64) -> Result<(), Error> {
        check("number of opcodes", found, self.opcodes, "values.opcodes")
    }

    pub(crate) fn check_memo(&self, found: u64) -> Result<(), Error> {
        check("number of memo entries", found, self.memo_entries, "values.memo_entries")
    }

    /// Refuses values nested deeper than the limit.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn check_nesting(&self, found: u64) -> Result<(), Error> {
        check("nesting depth", found, self.nesting, "values.nesting")
    }

    pub(crate) fn check_string(&self, found: u64) -> Result<(), Error> {
        check("longest string in bytes", found, self.string_bytes, "values.string_bytes")
    }

    /// Refuses keys of dictionaries, and names of tensors, longer than the limit in bytes.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn check_key(&self, found: usize) -> Result<(), Error> {
        check("longest key or name in bytes", found as u64, self.key_bytes, "values.key_bytes")
    }

    /// Refuses shapes of more dimensions than the limit. Call it before copying a shape.
    ///
    /// # Errors
    /// [`Error::Limit`].
    pub fn check_dimensions(&self, found: usize) -> Result<(), Error> {
        check("number of dimensions", found as u64, self.dimensions, "values.dimensions")
    }

    /// The number of elements of a shape.
    ///
    /// # Errors
    /// [`Error::Limit`] for too many dimensions or elements.
    pub fn elements(&self, shape: &[u64]) -> Result<usize, Error> {
        self.check_dimensions(shape.len())?;
        // A product above 2^64 exceeds any limit. If a later dimension is 0, the shape is refused too.
        let product = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size)).unwrap_or(u64::MAX);
        check("number of elements", product, self.elements, "values.elements")?;
        usize::try_from(product).map_err(|_| Error::damaged("a shape has more elements than this machine can address"))
    }
}

fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found > limit { Err(Error::Limit { what, found, limit, field }) } else { Ok(()) }
}
