//! Limits of single values. [`Meter`](crate::Meter) bounds the memory and the steps of all values together.

use crate::MeterError;

/// Limits of single values, each checked before the memory or time that it stands for is spent.
///
/// All of them bound pickles. `key_bytes`, `dimensions` and `elements` bound the tensors of other formats too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueLimits {
    /// Opcodes of a pickle. Default 2^19; the published networks have about 13,000, a `_seg.npy` some hundreds.
    pub opcodes: u64,
    /// Entries of a pickle's memo. Default 2^18; the published networks have about 4,000.
    pub memo_entries: u64,
    /// Depth of values within values, and of open marks. Default 64.
    pub nesting: u64,
    /// Bytes of a string or byte string. They stay in the file and cost no memory of their own. Default 1 MiB.
    pub string_bytes: u64,
    /// Bytes of a dictionary's key and of a tensor's name: many entries may share one, which is compared for each. Default
    /// 4096; those of the published networks have up to 60.
    pub key_bytes: u64,
    /// Dimensions of an array or a tensor. Default 8; networks have up to 4.
    pub dimensions: u64,
    /// Elements of an array or a tensor. Default 2^28.
    pub elements: u64,
}

impl Default for ValueLimits {
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

impl ValueLimits {
    /// Refuses pickles of more opcodes than the limit.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn check_opcodes(&self, found: u64) -> Result<(), MeterError> {
        check("number of opcodes", found, self.opcodes, "values.opcodes")
    }

    /// Refuses memos of more entries than the limit.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn check_memo(&self, found: u64) -> Result<(), MeterError> {
        check("number of memo entries", found, self.memo_entries, "values.memo_entries")
    }

    /// Refuses values that lie deeper than the limit.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn check_nesting(&self, found: u64) -> Result<(), MeterError> {
        check("nesting depth", found, self.nesting, "values.nesting")
    }

    /// Refuses strings of more bytes than the limit.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn check_string(&self, found: u64) -> Result<(), MeterError> {
        check("longest string in bytes", found, self.string_bytes, "values.string_bytes")
    }

    /// Refuses keys of dictionaries, and names of tensors, of more bytes than the limit.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn check_key(&self, found: usize) -> Result<(), MeterError> {
        check("longest key or name in bytes", found as u64, self.key_bytes, "values.key_bytes")
    }

    /// Refuses shapes of more dimensions than the limit. To be called before a shape is copied.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn check_dimensions(&self, found: usize) -> Result<(), MeterError> {
        check("number of dimensions", found as u64, self.dimensions, "values.dimensions")
    }

    /// The number of elements of a shape.
    ///
    /// # Errors
    /// [`MeterError::Limit`] for too many dimensions or elements; [`MeterError::Memory`] for more elements than this machine
    /// can address.
    pub fn elements(&self, shape: &[u64]) -> Result<usize, MeterError> {
        self.check_dimensions(shape.len())?;
        // A product past 2^64 is past any limit, unless a later dimension is 0: such a shape is refused too.
        let product = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size)).unwrap_or(u64::MAX);
        check("number of elements", product, self.elements, "values.elements")?;
        // An element has at least one byte.
        usize::try_from(product).map_err(|_| MeterError::Memory { bytes: product })
    }
}

fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), MeterError> {
    if found > limit { Err(MeterError::Limit { what, found, limit, field }) } else { Ok(()) }
}
