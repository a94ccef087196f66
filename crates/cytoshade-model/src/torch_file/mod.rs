//! Files of `torch.save`: a pickle that describes tensors, and storages that hold their values.
//!
//! The zip form (torch 1.6 and later) keeps each storage as a record, the legacy form one after the other behind the
//! pickle. What the pickle may mention is listed in [`rebuild`]; its calls are read as descriptions and never made.

mod legacy_form;
mod rebuild;
mod storage;
mod zip_form;

pub(crate) use legacy_form::{read as read_legacy, recognizes as recognizes_legacy};
pub(crate) use zip_form::read as read_zip;
