//! Cellpose's `_seg.npy`: a numpy file of one pickled dictionary.
//!
//! Sources: `io.masks_flows_to_seg`, `gui/io.py` `_save_sets` and `_load_seg` of Cellpose 0.6 to 4.

mod read;
mod write;

pub use read::{Seg, read_seg};
pub use write::{SegParts, write_seg};

/// Every key that a version of Cellpose has written.
const KEYS: [&str; 23] = [
    "masks",
    "outlines",
    "colors",
    "chan_choose",
    "current_channel",
    "ismanual",
    "filename",
    "flows",
    "est_diam",
    "diameter",
    "img",
    "imgs",
    "img_restore",
    "restore",
    "ratio",
    "zdraw",
    "manual_changes",
    "model_path",
    "flow_threshold",
    "cellprob_threshold",
    "normalize_params",
    "X2",
    "resize",
];
