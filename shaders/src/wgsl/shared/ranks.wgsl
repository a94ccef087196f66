// Radix selection: what is known of each order statistic that is looked for, four a channel.
struct Rank {
    // The upper bits of its key, as many as were decided.
    prefix: u32,
    // How many samples that have this prefix are below it.
    below: u32,
}

const RANKS = 4u;
const DIGITS = 256u;
// Counts of a channel: of each digit for each rank, and whether any value differs from the first.
const COUNTS = RANKS * DIGITS + 1u;
