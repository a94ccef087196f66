//! Counts the memory and the work of reading a file before they are spent.

/// Limits on the memory and the work of reading one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLimits {
    /// Bytes allocated for the file. Default 2 GiB (1 GiB with 32-bit addresses).
    pub memory_bytes: u64,
    /// Bytes allocated per byte of the file, beyond the first 16 MiB. Default 8.
    ///
    /// A tensor of f16 doubles in size, and an inflated record is kept beside its values.
    pub memory_ratio: u64,
    /// Bytes of lists, maps and nodes: everything but values (weights, samples, unpacked bytes).
    ///
    /// Default 24 MiB for any file size.
    pub structure_bytes: u64,
    /// Steps: opcodes, visited values, nodes and edges of a graph, 64 bytes of compared or copied text.
    ///
    /// Default 2^22; the published networks take about 15,000.
    pub steps: u64,
}

impl Default for CostLimits {
    fn default() -> Self {
        let memory_bytes = if cfg!(target_pointer_width = "64") { 2 << 30 } else { 1 << 30 };
        Self { memory_bytes, memory_ratio: 8, structure_bytes: 24 << 20, steps: 1 << 22 }
    }
}

impl CostLimits {
    /// A meter for a file of `file_bytes` bytes.
    pub fn meter(&self, file_bytes: u64) -> Meter {
        /// Bytes allowed for every file, however small.
        const FREE: u64 = 16 << 20;
        let by_ratio = file_bytes.saturating_mul(self.memory_ratio).saturating_add(FREE);
        let memory = Count::new("memory in bytes", self.memory_bytes, "cost.memory_bytes");
        let by_ratio = Count::new("memory in bytes", by_ratio, "cost.memory_ratio");
        Meter {
            memory: if by_ratio.limit < memory.limit { by_ratio } else { memory },
            most: self.memory_bytes,
            structure: Count::new("lists and nodes in bytes", self.structure_bytes, "cost.structure_bytes"),
            steps: Count::new("number of steps", self.steps, "cost.steps"),
        }
    }
}

/// Counts the bytes allocated and the steps taken to read one file.
///
/// Every reader charges the meter before it allocates or loops, so a hostile file causes an error instead of exhausting
/// memory. A value that a file mentions repeatedly is charged for each copy. Freed bytes stay charged: the meter bounds
/// the total, and so the time as well as the peak.
///
/// ```
/// use cytoshade_safe_io::{CostLimits, MeterError};
/// let limits = CostLimits { structure_bytes: 1024, ..CostLimits::default() };
/// let mut meter = limits.meter(100);
/// let list: Vec<u32> = meter.list(200)?;
/// assert_eq!((list.capacity(), meter.bytes()), (200, 800));
/// assert!(matches!(meter.list::<u32>(200), Err(MeterError::Limit { field: "cost.structure_bytes", .. })));
/// # Ok::<(), MeterError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Meter {
    memory: Count,
    /// The maximum that [`Meter::extend`] can set.
    most: u64,
    structure: Count,
    steps: Count,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    what: &'static str,
    spent: u64,
    limit: u64,
    field: &'static str,
}

/// The refusal of a charge, or of a value over a limit of [`ValueLimits`](crate::ValueLimits). Readers turn it into an error
/// of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// The file exceeds a limit.
    #[error("the {what} is {found}, over the limit of {limit} (`{field}`)")]
    Limit {
        /// The counted quantity.
        what: &'static str,
        /// The count, including the refused charge.
        found: u64,
        /// The limit.
        limit: u64,
        /// The field that sets the limit.
        field: &'static str,
    },
    /// The system refused an allocation within the limits.
    #[error("no memory for {bytes} bytes")]
    Memory {
        /// Size of the allocation.
        bytes: u64,
    },
}

impl Meter {
    /// Raises the byte limit for an additional file of `part_bytes` bytes.
    pub fn extend(&mut self, part_bytes: u64, limits: &CostLimits) {
        let more = part_bytes.saturating_mul(limits.memory_ratio);
        self.memory.limit = self.memory.limit.saturating_add(more).min(self.most);
    }

    /// Bytes charged so far.
    pub fn bytes(&self) -> u64 {
        self.memory.spent
    }

    /// Steps charged so far.
    pub fn steps(&self) -> u64 {
        self.steps.spent
    }

    /// Charges the memory of a list, a map or nodes: `count` values of type `T`.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge<T>(&mut self, count: usize) -> Result<(), MeterError> {
        let bytes = bytes_of::<T>(count);
        self.structure.add(bytes)?;
        self.memory.add(bytes)
    }

    /// Charges the memory of values (weights, samples, unpacked bytes), which scale with the file.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_values<T>(&mut self, count: usize) -> Result<(), MeterError> {
        self.memory.add(bytes_of::<T>(count))
    }

    /// Charges steps before they are taken.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_steps(&mut self, steps: u64) -> Result<(), MeterError> {
        self.steps.add(steps)
    }

    /// Charges a scan or a copy of bytes as steps of 64 bytes.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_scan(&mut self, bytes: usize) -> Result<(), MeterError> {
        self.steps.add(bytes as u64 / 64)
    }

    /// An empty list with room for exactly `length` items, charged before it is allocated.
    ///
    /// # Errors
    /// [`MeterError::Limit`]; [`MeterError::Memory`] if the system refuses.
    pub fn list<T>(&mut self, length: usize) -> Result<Vec<T>, MeterError> {
        self.charge::<T>(length)?;
        reserve(length)
    }

    /// An empty vector with room for exactly `length` values, charged before it is allocated.
    ///
    /// Charged by [`Meter::charge_values`].
    ///
    /// # Errors
    /// As [`Meter::list`].
    pub fn values<T>(&mut self, length: usize) -> Result<Vec<T>, MeterError> {
        self.charge_values::<T>(length)?;
        reserve(length)
    }
}

/// An empty vector with room for exactly `length` values, already charged.
///
/// # Errors
/// [`MeterError::Memory`] if the system refuses.
pub fn reserve<T>(length: usize) -> Result<Vec<T>, MeterError> {
    let mut vec = Vec::new();
    vec.try_reserve_exact(length).map_err(|_| MeterError::Memory { bytes: bytes_of::<T>(length) })?;
    Ok(vec)
}

fn bytes_of<T>(count: usize) -> u64 {
    (count as u64).saturating_mul(size_of::<T>() as u64)
}

impl Count {
    fn new(what: &'static str, limit: u64, field: &'static str) -> Self {
        Self { what, spent: 0, limit, field }
    }

    fn add(&mut self, more: u64) -> Result<(), MeterError> {
        let Self { what, spent, limit, field } = *self;
        let found = spent.saturating_add(more);
        if found > limit {
            return Err(MeterError::Limit { what, found, limit, field });
        }
        self.spent = found;
        Ok(())
    }
}
