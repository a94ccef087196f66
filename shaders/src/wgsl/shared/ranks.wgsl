// Radix selection of four order statistics a region.
// An order statistic during the selection.
struct Rank {
    /// The upper bits of its key that are decided.
    prefix: u32,
    /// Samples with this prefix that lie below it.
    below: u32,
}

const RANKS = 4u;
const DIGITS = 256u;
// Counts of a region: one for each digit of each rank, and whether any value differs from the first.
const COUNTS = RANKS * DIGITS + 1u;
