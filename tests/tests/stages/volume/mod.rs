//! The stages of stacks, named like those of images.

use cytoshade_tests::suite::Suite;

mod fill_holes {
    pub(crate) mod cpu;
}
mod follow_flows {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
mod masks {
    pub(crate) mod cpu;
    #[cfg(not(target_os = "wasi"))]
    pub(crate) mod gpu;
}
#[cfg(not(target_os = "wasi"))]
mod normalize {
    pub(crate) mod gpu;
}
#[cfg(not(target_os = "wasi"))]
mod resize {
    pub(crate) mod gpu;
}
#[cfg(not(target_os = "wasi"))]
mod slice {
    pub(crate) mod gpu;
}
#[cfg(not(target_os = "wasi"))]
mod smooth {
    pub(crate) mod gpu;
}
#[cfg(not(target_os = "wasi"))]
mod stacks;
mod stitch {
    pub(crate) mod cpu;
}

pub(crate) fn add(suite: &mut Suite) {
    follow_flows::cpu::add(&mut suite.cpu("volume::follow_flows"));
    masks::cpu::add(&mut suite.cpu("volume::masks"));
    fill_holes::cpu::add(&mut suite.cpu("volume::fill_holes"));
    stitch::cpu::add(&mut suite.cpu("volume::stitch"));
    #[cfg(not(target_os = "wasi"))]
    add_gpu(suite);
}

#[cfg(not(target_os = "wasi"))]
fn add_gpu(suite: &mut Suite) {
    slice::gpu::add(&mut suite.gpu("volume::slice"));
    normalize::gpu::add(&mut suite.gpu("volume::normalize"));
    resize::gpu::add(&mut suite.gpu("volume::resize"));
    smooth::gpu::add(&mut suite.gpu("volume::smooth"));
    follow_flows::gpu::add(&mut suite.gpu("volume::follow_flows"));
    masks::gpu::add(&mut suite.gpu("volume::masks"));
}
