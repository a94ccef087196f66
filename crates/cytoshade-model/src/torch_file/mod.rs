//! Files of `torch.save`: a pickle that describes tensors, and storages that hold their values.
//!
//! The zip form (torch 1.6 and later) keeps each storage as a record, the legacy form concatenates them after the
//! pickle. [`GLOBALS`] lists the names allowed in the pickle; its calls are read as descriptions and never made.

mod legacy_form;
mod rebuild;
mod state_dict;
mod storage;
mod zip_form;

use cytoshade_pickle::{CONTAINERS, Global, NAMESPACES, PATHS, numpy};

pub(crate) use legacy_form::read as read_legacy;
pub(crate) use zip_form::read as read_zip;

/// Every name allowed in a torch file's pickle: tensors, and plain values of training scripts.
const GLOBALS: &[&[Global]] = &[rebuild::GLOBALS, storage::GLOBALS, CONTAINERS, NAMESPACES, PATHS, numpy::GLOBALS];
