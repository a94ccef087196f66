//! The memory and the work that one file costs, counted before they are spent.

/// Limits of the memory and the work that one file may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostLimits {
    /// Bytes of everything that is made of the file. Default 2 GiB (1 GiB with addresses of 32 bits).
    pub memory_bytes: u64,
    /// Bytes that are made of the file for each byte of it, beyond the first 16 MiB. Default 8: a tensor of f16 becomes
    /// twice its size, and a deflated record is kept beside its values.
    pub memory_ratio: u64,
    /// Bytes of lists, maps and nodes: of everything but values (weights, samples, unpacked bytes). Default 24 MiB, however
    /// large the file is.
    pub structure_bytes: u64,
    /// Steps: opcodes, visited values, nodes and edges of a graph, 64 bytes of text that is compared or copied. Default
    /// 2^22; the published networks take about 15,000.
    pub steps: u64,
}

impl Default for CostLimits {
    fn default() -> Self {
        let memory_bytes = if cfg!(target_pointer_width = "64") { 2 << 30 } else { 1 << 30 };
        Self { memory_bytes, memory_ratio: 8, structure_bytes: 24 << 20, steps: 1 << 22 }
    }
}

impl CostLimits {
    /// The meter of a file of so many bytes.
    pub fn meter(&self, file_bytes: u64) -> Meter {
        /// Bytes that may be made of every file, however small it is.
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

/// Counts the bytes that are allocated and the steps that are taken to read one file.
///
/// Every reader charges the meter before it allocates or loops, so a hostile file ends in an error and not in a machine
/// without memory. A value that a file mentions often is charged each time that it is copied. Bytes that are freed again
/// stay charged: the meter bounds the total, and so the time as well as the peak.
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
    /// The highest limit that [`Meter::extend`] sets.
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
    /// The file costs more than its limit.
    #[error("the {what} is {found}, over the limit of {limit} (`{field}`)")]
    Limit {
        /// The quantity that was counted.
        what: &'static str,
        /// The count, with the charge that was refused.
        found: u64,
        /// The limit.
        limit: u64,
        /// The field that sets it.
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
    /// Raises the limit of bytes by those of a part that lies beside the file.
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

    /// Charges the memory of values, whose number follows from the size of the file: weights, samples, unpacked bytes.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_values<T>(&mut self, count: usize) -> Result<(), MeterError> {
        self.memory.add(bytes_of::<T>(count))
    }

    /// Charges steps that are taken next.
    ///
    /// # Errors
    /// [`MeterError::Limit`].
    pub fn charge_steps(&mut self, steps: u64) -> Result<(), MeterError> {
        self.steps.add(steps)
    }

    /// Charges a scan or a copy of bytes as steps: 64 bytes are one.
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

    /// An empty vector with room for exactly `length` values ([`Meter::charge_values`]), charged before it is allocated.
    ///
    /// # Errors
    /// As [`Meter::list`].
    pub fn values<T>(&mut self, length: usize) -> Result<Vec<T>, MeterError> {
        self.charge_values::<T>(length)?;
        reserve(length)
    }
}

/// An empty vector with room for exactly `length` values that were charged before.
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
