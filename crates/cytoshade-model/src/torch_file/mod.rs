//! Files of `torch.save`: a pickle that describes tensors, and storages that hold their values.
//!
//! The zip form (torch 1.6 and later) keeps each storage as a record, the legacy form one after the other behind the
//! pickle. What the pickle may mention is listed in [`rebuild`]; its calls are read as descriptions and never made.

mod legacy_form;
mod rebuild;
mod storage;
mod zip_form;

use crate::budget::Budget;
use crate::tensor::Tensors;
use crate::{Error, ReadLimits};

/// Whether the bytes begin as the zip form does.
pub(crate) fn recognizes_zip(bytes: &[u8]) -> bool {
    crate::zip_archive::recognizes(bytes)
}

/// Whether the bytes begin as the legacy form does: a pickle of its magic number.
pub(crate) fn recognizes_legacy(bytes: &[u8]) -> bool {
    legacy_form::recognizes(bytes)
}

/// Every float tensor of the state dict, as f32.
pub(crate) fn read(bytes: &[u8], limits: &ReadLimits, budget: &mut Budget) -> Result<Tensors, Error> {
    if recognizes_zip(bytes) { zip_form::read(bytes, limits, budget) } else { legacy_form::read(bytes, limits, budget) }
}
