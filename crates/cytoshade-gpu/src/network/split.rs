//! Splits batches to fit a device.

use std::ops::Range;

use crate::error::Error;

/// Divides `count` tiles into ranges of at most `most`.
///
/// If a range runs out of memory, it and all later ranges are halved.
pub(super) struct Split {
    pub(super) next: usize,
    pub(super) count: usize,
    pub(super) most: usize,
}

impl Split {
    /// The next tiles to run.
    pub(super) fn range(&self) -> Option<Range<usize>> {
        let end = self.count.min(self.next + self.most);
        (self.next < end).then_some(self.next..end)
    }

    /// Continues after a range; `None` if the range must run again in smaller parts.
    pub(super) fn after<T>(&mut self, result: Result<T, Error>) -> Result<Option<T>, Error> {
        let length = self.range().map_or(0, |range| range.len());
        match result {
            Ok(part) => {
                self.next += length;
                Ok(Some(part))
            }
            Err(Error::OutOfMemory { .. }) if length > 1 => {
                self.most = length.div_ceil(2);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_split_and_halved_where_memory_runs_out_and_every_tile_runs_once() {
        for (count, most, room) in [(0, 4, 9), (1, 1, 1), (10, 4, 9), (10, 100, 3), (121, 16, 1), (7, 7, 7)] {
            let mut ran = Vec::new();
            let mut split = Split { next: 0, count, most };
            while let Some(range) = split.range() {
                assert!(range.len() <= most);
                let fits = range.len() <= room;
                let result = if fits { Ok(()) } else { Err(Error::OutOfMemory { what: "a test" }) };
                if split.after(result).unwrap().is_some() {
                    ran.extend(range);
                }
            }
            assert_eq!(ran, (0..count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn one_tile_that_does_not_fit_and_other_errors_end_the_run() {
        let memory = Error::OutOfMemory { what: "a test" };
        let mut split = Split { next: 0, count: 5, most: 2 };
        assert_eq!(split.after::<()>(Err(memory.clone())), Ok(None));
        assert_eq!(split.after::<()>(Err(memory.clone())), Err(memory));
        let lost = Error::Lost { reason: String::new() };
        assert_eq!(Split { next: 0, count: 5, most: 4 }.after::<()>(Err(lost.clone())), Err(lost));
    }
}
