//! Every stage of the pipeline on both backends, against the reference.
//!
//! A test is named after its stage and its backend: `follow_flows::gpu::random flows`.
//!
//! A stage on the CPU is compared with the reference's fixtures, each from the reference's own input, so that the
//! rounding of one stage is no failure of the next. On the GPU it is also compared with the CPU, on random inputs.

use cytoshade_tests::suite::Suite;

mod blend {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod channels {
    pub(crate) mod cpu;
}
mod dynamics {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod fill_holes {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod flow_error {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod follow_flows {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod histogram {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod masks {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod network {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu_planes;
}
mod normalize {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod resize {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
#[cfg(not(target_os = "wasi"))]
mod shapes;
mod tile {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod volume;

fn main() {
    let mut suite = Suite::new();
    channels::cpu::add(&mut suite.cpu("channels"));
    normalize::cpu::add(&mut suite.cpu("normalize"));
    resize::cpu::add(&mut suite.cpu("resize"));
    tile::cpu::add(&mut suite.cpu("tile"));
    blend::cpu::add(&mut suite.cpu("blend"));
    network::cpu::add(&mut suite.cpu("network"));
    follow_flows::cpu::add(&mut suite.cpu("follow_flows"));
    histogram::cpu::add(&mut suite.cpu("histogram"));
    masks::cpu::add(&mut suite.cpu("masks"));
    flow_error::cpu::add(&mut suite.cpu("flow_error"));
    fill_holes::cpu::add(&mut suite.cpu("fill_holes"));
    #[cfg(not(target_os = "wasi"))]
    add_gpu(&mut suite);
    volume::add(&mut suite);
    suite.run()
}

#[cfg(not(target_os = "wasi"))]
fn add_gpu(suite: &mut Suite) {
    normalize::gpu::add(&mut suite.gpu("normalize"));
    resize::gpu::add(&mut suite.gpu("resize"));
    tile::gpu::add(&mut suite.gpu("tile"));
    blend::gpu::add(&mut suite.gpu("blend"));
    network::gpu::add(&mut suite.gpu("network"));
    network::gpu_planes::add(&mut suite.gpu("network"));
    follow_flows::gpu::add(&mut suite.gpu("follow_flows"));
    histogram::gpu::add(&mut suite.gpu("histogram"));
    masks::gpu::add(&mut suite.gpu("masks"));
    flow_error::gpu::add(&mut suite.gpu("flow_error"));
    fill_holes::gpu::add(&mut suite.gpu("fill_holes"));
    dynamics::gpu::add(&mut suite.gpu("dynamics"));
}
