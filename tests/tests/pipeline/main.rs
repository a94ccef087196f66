//! Whole pipelines through the library, on the CPU and on the best adapter, software included.
//!
//! A test is named after its module and its backend: `stack::gpu::balls`.

mod batch;
mod equivariance;
mod image;
mod limits;
mod option_matrix;
mod restore;
mod shared_device;
mod stack;

fn main() {
    let trials = [
        image::trials(),
        stack::trials(),
        restore::trials(),
        option_matrix::trials(),
        equivariance::trials(),
        batch::trials(),
        shared_device::trials(),
        limits::trials(),
    ];
    let trials = trials.into_iter().flatten().collect();
    libtest_mimic::run(&libtest_mimic::Arguments::from_args(), trials).exit();
}
