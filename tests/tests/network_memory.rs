//! Stage `network` on the CPU allocates nothing after the first tile. A separate binary, since it counts allocations.

use cytoshade_cpu::network::Network;
use cytoshade_tests::random::Random;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static MEMORY: &StatsAlloc<std::alloc::System> = &INSTRUMENTED_SYSTEM;

#[test]
fn network_allocates_nothing_for_later_tiles() {
    let mut random = Random(7);
    // Convolutions with and without upsampling, with and without Winograd, and style projections.
    let network = Network::new(&random.cpnet(&[2, 8, 24, 33], 3).network());
    let tiles = random.vector(9 * 2 * 48 * 36, -1.0, 3.0);
    // With more threads, one of them might see its first tile late.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let allocations = |count: usize| {
            let region = Region::new(MEMORY);
            let batch = network.run(&tiles[..count * 2 * 48 * 36], count, 48, 36, &mut |_| Ok(())).unwrap();
            let allocations = region.change().allocations;
            assert_eq!(batch.outputs.len(), count * 3 * 48 * 36);
            allocations
        };
        let first = allocations(1);
        let (second, more) = (allocations(1), allocations(9));
        // Rayon's queues allocate occasionally, but less than once per tile.
        assert!(more < second + 8, "{second} allocations for a tile, {more} for nine");
        // The counter works: the first tile allocates the buffers.
        assert!(first > second + 8, "{first} allocations for the first tile, {second} for another");
    });
}
