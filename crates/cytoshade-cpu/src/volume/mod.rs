//! The stages of stacks. A module that replaces a stage of images has its name.

pub mod fill_holes;
pub mod follow_flows;
pub mod masks;
pub mod resize;
pub mod smooth;
pub mod stitch;
