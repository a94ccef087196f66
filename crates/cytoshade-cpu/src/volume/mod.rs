//! The stages of a stack that is segmented in 3-D. Each has the name of the 2-D stage whose place it takes.

pub mod fill_holes;
pub mod follow_flows;
pub mod masks;
pub mod resize;
pub mod smooth;
pub mod stitch;
