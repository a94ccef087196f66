//! The memory and the work that one file costs, counted before they are spent.

/// Counts the bytes that are allocated and the steps that are taken to read one file.
///
/// Every reader charges the meter before it allocates or loops, so a hostile file ends in an error and not in a machine
/// without memory. A value that a file mentions often is charged each time that it is copied. Bytes that are freed again
/// stay charged: the meter bounds the total, and so the time as well as the peak.
///
/// One step is the handling of one item: an opcode, a visited value, a compared key, a graph's node or edge.
///
/// ```
/// use cytoshade_safe_io::{Meter, MeterError};
/// let mut meter = Meter::new((1024, "memory_bytes"), (100, "steps"));
/// let values: Vec<u32> = meter.vec(200)?;
/// assert_eq!((values.capacity(), meter.bytes()), (200, 800));
/// assert!(matches!(meter.vec::<u32>(200), Err(MeterError::Limit { field: "memory_bytes", .. })));
/// # Ok::<(), MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Meter {
    bytes: Count,
    steps: Count,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    spent: u64,
    limit: u64,
    field: &'static str,
}

/// Why a meter refuses a charge. Readers turn it into an error of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// The file costs more than its limit.
    #[error("the {what} is {found}, over the limit of {limit} (`{field}`)")]
    Limit {
        /// The quantity that was counted.
        what: &'static str,
        /// The count, with the charge that was refused.
        found: u64,
        /// The limit.
        limit: u64,
        /// The name of the option that sets it.
        field: &'static str,
    },
    /// The system has no memory for an allocation that is within the limits.
    #[error("no memory for {bytes} bytes")]
    Memory {
        /// Size of the allocation.
        bytes: u64,
    },
}

impl Meter {
    /// A meter with limits of bytes and of steps, each with the name of the option that sets it.
    pub const fn new(bytes: (u64, &'static str), steps: (u64, &'static str)) -> Self {
        Self {
            bytes: Count { spent: 0, limit: bytes.0, field: bytes.1 },
            steps: Count { spent: 0, limit: steps.0, field: steps.1 },
        }
    }

    /// The meter of a file of `file_bytes`: at most `memory_bytes`, and `memory_ratio` bytes for each byte of the file,
    /// beyond the first 16 MiB, which every file may cost. Errors name the limit that is the smaller one.
    pub fn for_file(file_bytes: u64, memory_bytes: u64, memory_ratio: u64, steps: u64) -> Self {
        const FREE: u64 = 16 << 20;
        let by_ratio = file_bytes.saturating_mul(memory_ratio).saturating_add(FREE);
        let bytes =
            if by_ratio < memory_bytes { (by_ratio, "memory_ratio") } else { (memory_bytes, "memory_bytes") };
        Self::new(bytes, (steps, "steps"))
    }

    /// Raises the limit of bytes, up to `most`: for a part of the file that lies beside it.
    pub fn extend(&mut self, bytes: u64, most: u64) {
        self.bytes.limit = self.bytes.limit.saturating_add(bytes).min(most);
    }

    /// Bytes charged so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.spent
    }

    /// Steps charged so far.
    pub fn steps(&self) -> u64 {
        self.steps.spent
    }

    /// Charges bytes that are allocated next.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_bytes(&mut self, bytes: u64) -> Result<(), MeterError> {
        self.bytes.add(bytes, "memory in bytes")
    }

    /// Charges the memory of `count` values of type `T`.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge<T>(&mut self, count: usize) -> Result<(), MeterError> {
        self.charge_bytes((count as u64).saturating_mul(size_of::<T>() as u64))
    }

    /// Charges steps that are taken next.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_steps(&mut self, steps: u64) -> Result<(), MeterError> {
        self.steps.add(steps, "number of steps")
    }

    /// Charges a scan or a copy of bytes as steps: 64 bytes are one.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_scan(&mut self, bytes: usize) -> Result<(), MeterError> {
        self.charge_steps(bytes as u64 / 64)
    }

    /// An empty vector with room for exactly `length` values, charged before it is allocated.
    ///
    /// # Errors
    /// [`MeterError::Limit`]; [`MeterError::Memory`] if the system refuses.
    pub fn vec<T>(&mut self, length: usize) -> Result<Vec<T>, MeterError> {
        self.charge::<T>(length)?;
        let mut vec = Vec::new();
        let bytes = (length as u64).saturating_mul(size_of::<T>() as u64);
        vec.try_reserve_exact(length).map_err(|_| MeterError::Memory { bytes })?;
        Ok(vec)
    }
}

impl Count {
    fn add(&mut self, more: u64, what: &'static str) -> Result<(), MeterError> {
        let found = self.spent.saturating_add(more);
        if found > self.limit {
            return Err(MeterError::Limit { what, found, limit: self.limit, field: self.field });
        }
        self.spent = found;
        Ok(())
    }
}
