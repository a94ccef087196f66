//! Compiles every pipeline of Cytoshade with the compilers of GPUs that are not there, and counts.
//!
//! Mesa's drivers for AMD, NVIDIA, Intel and Apple compile without the hardware: RADV by itself, the others over no-op
//! kernel drivers. [`pipelines`] lists the pipelines of a device, [`spirv`] compiles them as wgpu does, and [`vulkan`]
//! hands them to a driver in a child process, since a compiler may abort or hang. [`figures`] reads registers, spills
//! and occupancy from the driver's statistics, [`isa`] counts instructions in its text, [`table`] prints both, and
//! [`limits`] holds what must not get worse. `cargo xtask gpu-lab` sets up the drivers and runs the program.
//!
//! The drivers are not those of the makers, and nothing runs: figures of registers, memory and instructions are facts
//! of these compilers, times are unknown.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod child;
pub mod devices;
pub mod error;
pub mod figures;
pub mod isa;
pub mod lab;
pub mod limits;
pub mod pipelines;
pub mod product;
pub mod report;
pub mod spirv;
pub mod table;
pub mod vulkan;
