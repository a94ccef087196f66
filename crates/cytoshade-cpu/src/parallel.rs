//! Loops over all threads: rayon's, or sequential ones of the same names in WebAssembly, which has one thread here.
//! Rayon would only add a hundred kilobytes to the download.

#[cfg(not(target_family = "wasm"))]
pub(crate) use rayon::{current_num_threads, prelude::*, scope};

/// Runs `work` on a thread of the current rayon pool, the global one outside of any pool, and returns its result.
#[cfg(not(target_family = "wasm"))]
pub fn in_pool<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    scope(|_| work())
}

#[cfg(target_family = "wasm")]
pub(crate) use in_turn::*;

#[cfg(target_family = "wasm")]
mod in_turn {
    use std::slice::{Chunks, ChunksExact, ChunksExactMut, ChunksMut, Iter, IterMut};

    pub(crate) fn current_num_threads() -> usize {
        1
    }

    /// Runs `work`; nothing can be spawned into the scope.
    pub(crate) fn scope<T>(work: impl FnOnce(()) -> T) -> T {
        work(())
    }

    pub(crate) trait ParallelSlice<T> {
        fn par_iter(&self) -> Iter<'_, T>;
        fn par_iter_mut(&mut self) -> IterMut<'_, T>;
        fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
        fn par_chunks_exact(&self, size: usize) -> ChunksExact<'_, T>;
        fn par_chunks_exact_mut(&mut self, size: usize) -> ChunksExactMut<'_, T>;
    }

    impl<T> ParallelSlice<T> for [T] {
        fn par_iter(&self) -> Iter<'_, T> {
            self.iter()
        }

        fn par_iter_mut(&mut self) -> IterMut<'_, T> {
            self.iter_mut()
        }

        fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
            self.chunks(size)
        }

        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
            self.chunks_mut(size)
        }

        fn par_chunks_exact(&self, size: usize) -> ChunksExact<'_, T> {
            self.chunks_exact(size)
        }

        fn par_chunks_exact_mut(&mut self, size: usize) -> ChunksExactMut<'_, T> {
            self.chunks_exact_mut(size)
        }
    }

    pub(crate) trait IntoParallelIterator: IntoIterator + Sized {
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<T: IntoIterator> IntoParallelIterator for T {}

    pub(crate) trait ParallelIterator: Iterator + Sized {
        fn with_min_len(self, _: usize) -> Self {
            self
        }

        fn reduce_with(self, join: impl FnMut(Self::Item, Self::Item) -> Self::Item) -> Option<Self::Item> {
            self.reduce(join)
        }
    }

    impl<T: Iterator> ParallelIterator for T {}
}
