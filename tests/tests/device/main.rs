//! Devices: which there are, opening one, sharing one, and what surrounds the network on it.

mod adapters;
mod runtime;
mod shared;

fn main() {
    let gpu = cytoshade_tests::gpu::open();
    let trials = adapters::trials(&gpu).into_iter().chain(runtime::trials(&gpu)).chain(shared::trials(&gpu)).collect();
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
}
