//! Work that is shared among threads, where there are any.

use crate::Error;

/// Does `work` on each item, on all threads of rayon's pool; the first error that is met ends it.
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

/// Does `work` on each item; the first error ends it.
#[cfg(target_family = "wasm")]
pub(crate) fn for_each<T>(items: Vec<T>, work: impl Fn(T) -> Result<(), Error>) -> Result<(), Error> {
    items.into_iter().try_for_each(work)
}

/// How many items are worked on at the same time.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn threads() -> usize {
    rayon::current_num_threads()
}

/// How many items are worked on at the same time.
#[cfg(target_family = "wasm")]
pub(crate) fn threads() -> usize {
    1
}
