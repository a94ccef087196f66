// Radix selection of four order statistics per region.
// An order statistic during the selection.
struct Rank {
    /// The upper bits of its key that are known.
    prefix: u32,
    /// Samples with this prefix below it.
    below: u32,
}

const RANKS = 4u;
const DIGITS = 256u;
// Counts of a region: one for each digit of each rank, and whether any value differs from the first.
const COUNTS = RANKS * DIGITS + 1u;
