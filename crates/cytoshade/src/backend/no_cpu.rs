//! The CPU network in builds without the feature `cpu`: a type without values.
//!
//! The CPU's other stages remain: they stand in for a GPU that lacks the capacity.

use cytoshade_core::{Recorder, Span};

use super::{Batch, Done, TileBatch};
use crate::{DeviceInfo, Error};

#[derive(Debug)]
pub(crate) enum Cpu {}

impl Cpu {
    pub(crate) fn info(&self) -> DeviceInfo {
        match *self {}
    }

    pub(crate) fn phases(&self) -> Vec<Span> {
        match *self {}
    }

    pub(crate) fn run(&self, _: &TileBatch, _: &mut Done<'_>, _: Option<&Recorder>) -> Result<Batch, Error> {
        match *self {}
    }
}
