//! A sequence of dispatches.

use super::Gpu;
use crate::pipeline::Bound;

/// Dispatches in order, each with its grid. Each sees the writes of the earlier ones.
#[derive(Debug, Default)]
pub(crate) struct DispatchList(Vec<(Bound, [u32; 3])>);

impl DispatchList {
    /// Appends a dispatch of `grid` workgroups.
    pub(crate) fn add(&mut self, bound: Bound, grid: [u32; 3]) {
        self.0.push((bound, grid));
    }

    /// The dispatches with their grids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bound, [u32; 3])> {
        self.0.iter().map(|(bound, grid)| (bound, *grid))
    }

    /// Submits the dispatches without waiting. Later submissions run after them.
    pub(crate) fn submit(&self, gpu: &Gpu, what: &'static str) {
        gpu.submit(what, &self.iter().collect::<Vec<_>>());
    }
}
