//! Work shared among threads, in builds with threads.

use crate::Error;

/// Runs `work` on each item on all threads of rayon's pool. Stops at the first error.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn for_each<T: Send>(
    items: Vec<T>,
    work: impl Fn(T) -> Result<(), Error> + Send + Sync,
) -> Result<(), Error> {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    if items.len() < 2 {
        return items.into_iter().try_for_each(work);
    }
    items.into_par_iter().try_for_each(work)
}

/// Runs `work` on each item. Stops at the first error.
#[cfg(target_family = "wasm")]
pub(crate) fn for_each<T>(items: Vec<T>, work: impl Fn(T) -> Result<(), Error>) -> Result<(), Error> {
    items.into_iter().try_for_each(work)
}

/// Number of items processed at one time.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// Number of items processed at one time.
#[cfg(target_family = "wasm")]
pub(crate) fn threads() -> usize {
    1
}
