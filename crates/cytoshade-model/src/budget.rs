//! Memory that a file may still cost.

use crate::limits::check;
use crate::{Error, ReadLimits};

/// What every file may cost, however small it is: a large graph has many nodes of few bytes.
const FREE: u64 = 16 << 20;

/// Counts the bytes that are made of a file, before they are made.
#[derive(Debug)]
pub(crate) struct Budget {
    spent: u64,
    limit: u64,
    field: &'static str,
}

impl Budget {
    /// The budget of a file of so many bytes.
    pub(crate) fn new(file_bytes: u64, limits: &ReadLimits) -> Self {
        let by_ratio = file_bytes.saturating_mul(limits.memory_ratio).saturating_add(FREE);
        if by_ratio < limits.memory_bytes {
            Self { spent: 0, limit: by_ratio, field: "memory_ratio" }
        } else {
            Self { spent: 0, limit: limits.memory_bytes, field: "memory_bytes" }
        }
    }

    /// Makes room for so many bytes more of the file, which lie beside it.
    pub(crate) fn grow(&mut self, file_bytes: u64, limits: &ReadLimits) {
        let by_ratio = self.limit.saturating_add(file_bytes.saturating_mul(limits.memory_ratio));
        self.limit = by_ratio.min(limits.memory_bytes);
    }

    pub(crate) fn spend(&mut self, bytes: u64) -> Result<(), Error> {
        self.spent = self.spent.saturating_add(bytes);
        check("cost in bytes of memory", self.spent, self.limit, self.field)
    }

    /// Spends the f32 values of a tensor.
    pub(crate) fn spend_values(&mut self, elements: usize) -> Result<(), Error> {
        self.spend((elements as u64).saturating_mul(size_of::<f32>() as u64))
    }
}
