//! Planes that are partly processed.

use std::collections::VecDeque;
use std::collections::vec_deque::{Drain, IterMut};
use std::ops::Range;
use std::time::Duration;

/// A plane that is partly processed.
#[derive(Debug)]
pub(super) struct OpenPlane<T> {
    pub(super) plane: T,
    tiles: usize,
    sent: usize,
    done: usize,
    /// The sum of the styles of the completed tiles, if the network has a style.
    style: Option<Vec<f32>>,
    /// The plane's share of the time of its batches.
    pub(super) time: Duration,
}

impl<T> OpenPlane<T> {
    pub(super) fn is_sent(&self) -> bool {
        self.sent == self.tiles
    }

    /// Adds the style of one tile of a batch.
    pub(super) fn add_style(&mut self, styles: &[f32], tile: usize) {
        let Some(sum) = &mut self.style else { return };
        let style = styles.chunks_exact(sum.len().max(1)).nth(tile).unwrap_or_default();
        sum.iter_mut().zip(style).for_each(|(sum, value)| *sum += value);
    }

    /// The style of the whole plane, of unit length.
    pub(super) fn take_style(&mut self) -> Option<Vec<f32>> {
        let mut style = self.style.take()?;
        let norm = style.iter().map(|value| value * value).sum::<f32>().sqrt();
        if norm > 0.0 {
            style.iter_mut().for_each(|value| *value /= norm);
        }
        Some(style)
    }
}

/// How the tiles of a plane are divided between batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parts {
    /// At any tile: every batch but the last is full.
    Any,
    /// As for the plane alone on a device that runs `most` tiles at once.
    Own { most: usize },
}

/// Open planes, the oldest first.
#[derive(Debug)]
pub(super) struct OpenPlanes<T>(VecDeque<OpenPlane<T>>);

impl<T> Default for OpenPlanes<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> OpenPlanes<T> {
    pub(super) fn push(&mut self, plane: T, tiles: usize, style_channels: Option<usize>) {
        let (style, time) = (style_channels.map(|channels| vec![0.0; channels]), Duration::ZERO);
        self.0.push_back(OpenPlane { plane, tiles, sent: 0, done: 0, style, time });
    }

    pub(super) fn iter_mut(&mut self) -> IterMut<'_, OpenPlane<T>> {
        self.0.iter_mut()
    }

    pub(super) fn drain(&mut self) -> Drain<'_, OpenPlane<T>> {
        self.0.drain(..)
    }

    /// Tiles that are not sent yet.
    pub(super) fn waiting(&self) -> usize {
        self.0.iter().map(|open| open.tiles - open.sent).sum()
    }

    /// Completed tiles.
    pub(super) fn done(&self) -> usize {
        self.0.iter().map(|open| open.done).sum()
    }

    /// Marks the next tiles, at most `batch_size`, as sent. Returns each plane's share of them.
    pub(super) fn send(&mut self, batch_size: usize, parts: Parts) -> impl Iterator<Item = (&mut T, Range<usize>)> {
        let mut room = match parts {
            Parts::Any => batch_size,
            Parts::Own { most } => batch_size.min(most),
        };
        self.0.iter_mut().filter(|open| !open.is_sent()).map_while(move |open| {
            let end = match parts {
                Parts::Any => open.sent + room,
                Parts::Own { most } => (open.sent + most).min((open.sent + 1).next_multiple_of(batch_size)),
            };
            let range = open.sent..end.min(open.tiles);
            // A part that does not fit ends the batch, so that tiles stay in order.
            room = room.checked_sub(range.len()).filter(|_| !range.is_empty())?;
            open.sent = range.end;
            Some((&mut open.plane, range))
        })
    }

    /// Each plane's share of the oldest `tiles` tiles in flight.
    pub(super) fn oldest(&self, tiles: usize) -> impl Iterator<Item = (&T, Range<usize>)> {
        let mut room = tiles;
        self.0.iter().filter(|open| open.done < open.sent).map_while(move |open| {
            let range = open.done..open.sent.min(open.done + room);
            room -= range.len();
            (!range.is_empty()).then_some((&open.plane, range))
        })
    }

    /// Marks the oldest `tiles` tiles as completed; together they took `time`.
    ///
    /// Calls `each` with the plane of each tile, the tile's number in the plane, and its number among `tiles`.
    pub(super) fn settle(
        &mut self,
        tiles: usize,
        time: Duration,
        mut each: impl FnMut(&mut OpenPlane<T>, usize, usize),
    ) {
        let mut at = 0;
        for open in &mut self.0 {
            let count = (open.sent - open.done).min(tiles - at);
            for _ in 0..count {
                let tile = open.done;
                each(open, tile, at);
                open.done += 1;
                at += 1;
            }
            open.time += time.mul_f64(count as f64 / tiles.max(1) as f64);
        }
    }

    /// The oldest plane, if all its tiles are done.
    pub(super) fn pop_done(&mut self) -> Option<OpenPlane<T>> {
        self.0.pop_front_if(|open| open.done == open.tiles)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every batch for planes of the given numbers of tiles, as (plane, first tile, end).
    fn batches(planes: &[usize], batch_size: usize, parts: Parts) -> Vec<Vec<(usize, usize, usize)>> {
        let mut open = OpenPlanes::default();
        planes.iter().enumerate().for_each(|(plane, &tiles)| open.push(plane, tiles, None));
        let mut batches = Vec::new();
        while open.waiting() > 0 {
            let sent = open.send(batch_size, parts).map(|(plane, tiles)| (*plane, tiles.start, tiles.end));
            batches.push(sent.collect());
        }
        batches
    }

    #[test]
    fn batches_are_full_or_divide_planes_as_if_each_were_alone() {
        let planes = [4, 6, 3, 11];
        let any = batches(&planes, 8, Parts::Any);
        assert_eq!(any, [vec![(0, 0, 4), (1, 0, 4)], vec![(1, 4, 6), (2, 0, 3), (3, 0, 3)], vec![(3, 3, 11)]]);
        let own = batches(&planes, 8, Parts::Own { most: 100 });
        assert_eq!(own, [vec![(0, 0, 4)], vec![(1, 0, 6)], vec![(2, 0, 3)], vec![(3, 0, 8)], vec![(3, 8, 11)]]);
        for most in [3, 5, 8] {
            let own: Vec<_> = batches(&planes, 8, Parts::Own { most }).concat();
            let alone = |(plane, &tiles)| -> Vec<_> {
                let parts = batches(&[tiles], 8, Parts::Own { most }).concat();
                parts.into_iter().map(|(_, start, end)| (plane, start, end)).collect()
            };
            assert_eq!(own, planes.iter().enumerate().flat_map(alone).collect::<Vec<_>>());
            assert!(own.iter().all(|(_, start, end)| end - start <= most));
        }
    }

    #[test]
    fn styles_are_summed_to_unit_length_and_may_be_absent() {
        let mut open = OpenPlanes::default();
        open.push((), 2, Some(2));
        open.push((), 1, None);
        assert_eq!(open.send(3, Parts::Any).count(), 2);
        assert_eq!(open.oldest(3).map(|(_, tiles)| tiles).collect::<Vec<_>>(), [0..2, 0..1]);
        assert!(open.oldest(1).map(|(_, tiles)| tiles).eq(std::iter::once(0..1)));
        let styles = [1.0, 1.0, 2.0, 3.0, 9.0, 9.0];
        open.settle(3, Duration::from_secs(3), |open, _, tile| open.add_style(&styles, tile));
        let mut first = open.pop_done().unwrap();
        assert_eq!((first.take_style(), first.time), (Some(vec![0.6, 0.8]), Duration::from_secs(2)));
        assert_eq!(open.pop_done().unwrap().take_style(), None);
    }
}
