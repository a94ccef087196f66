//! How much of a pickle is believed.

use crate::Error;

/// What a pickle may make the reader take in, checked before the memory or time that it stands for is spent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Opcodes. Default 2^18.
    pub pickle_steps: u64,
    /// Entries of the memo. Default 2^17.
    pub memo_entries: u64,
    /// Things inside of things. Default 64.
    pub nesting: u64,
    /// Bytes of a string or byte string. They stay in the file and cost no memory of their own. Default 1 MiB.
    pub string_bytes: u64,
    /// Dimensions of an array. Default 8.
    pub dimensions: u64,
    /// Elements of an array. Default 2^28.
    pub elements: u64,
    /// Bytes of memory that a tree of values ([`crate::Plain`]) takes, beside what stays in the file. Default 32 MiB.
    pub memory_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pickle_steps: 1 << 18,
            memo_entries: 1 << 17,
            nesting: 64,
            string_bytes: 1 << 20,
            dimensions: 8,
            elements: 1 << 28,
            memory_bytes: 32 << 20,
        }
    }
}

impl Limits {
    pub(crate) fn check_steps(&self, found: u64) -> Result<(), Error> {
        check("number of pickle opcodes", found, self.pickle_steps, "pickle_steps")
    }

    pub(crate) fn check_memo(&self, found: u64) -> Result<(), Error> {
        check("number of memo entries", found, self.memo_entries, "memo_entries")
    }

    pub(crate) fn check_nesting(&self, found: u64) -> Result<(), Error> {
        check("nesting depth", found, self.nesting, "nesting")
    }

    pub(crate) fn check_string(&self, found: u64) -> Result<(), Error> {
        check("longest string in bytes", found, self.string_bytes, "string_bytes")
    }

    pub(crate) fn check_memory(&self, found: u64) -> Result<(), Error> {
        check("cost in bytes of memory", found, self.memory_bytes, "memory_bytes")
    }

    /// The number of elements of a shape, as the limits allow it.
    ///
    /// # Errors
    /// [`Error::Limit`] for too many dimensions or elements.
    pub fn elements(&self, shape: &[u64]) -> Result<usize, Error> {
        check("number of dimensions", shape.len() as u64, self.dimensions, "dimensions")?;
        // A product past 2^64 is a number past any limit, unless a later dimension is 0: such a shape is refused too.
        let product = shape.iter().try_fold(1u64, |product, &size| product.checked_mul(size)).unwrap_or(u64::MAX);
        check("number of elements", product, self.elements, "elements")?;
        usize::try_from(product).map_err(|_| Error::damaged("a shape has more elements than this machine can address"))
    }
}

fn check(what: &'static str, found: u64, limit: u64, field: &'static str) -> Result<(), Error> {
    if found > limit { Err(Error::Limit { what, found, limit, field }) } else { Ok(()) }
}
