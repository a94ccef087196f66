//! Dispatches that follow one another.

use crate::device::Gpu;
use crate::pipeline::Bound;

/// Dispatches in their order, each with its grid. Each sees what those before it wrote.
#[derive(Debug, Default)]
pub(crate) struct DispatchList(Vec<(Bound, [u32; 3])>);

impl DispatchList {
    pub(crate) fn add(&mut self, bound: Bound, grid: [u32; 3]) {
        self.0.push((bound, grid));
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Bound, [u32; 3])> {
        self.0.iter().map(|(bound, grid)| (bound, *grid))
    }

    /// Submits them alone. Nothing waits for them; what is submitted later comes after them.
    pub(crate) fn submit(&self, gpu: &Gpu, what: &'static str) {
        gpu.submit(what, &self.iter().collect::<Vec<_>>());
    }
}
