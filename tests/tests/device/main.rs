//! Devices: listing, opening, checking and sharing them, and the runtime of the network on them.

mod adapters;
mod check;
mod runtime;
mod shared;

fn main() {
    let gpu = cytoshade_tests::gpu::open();
    let trials = adapters::trials(&gpu).into_iter().chain(check::trials(&gpu));
    let trials = trials.chain(runtime::trials(&gpu)).chain(shared::trials(&gpu)).collect();
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
}
