//! Runs batches of tiles from host memory.

use std::ops::Range;
use std::sync::Arc;

use cytoshade_core::{BatchTimes, Recorder};

use super::arena::Arena;
use super::profile::Clock;
use super::split::Split;
use super::{Batch, Network};
use crate::device::buffers::{Bytes, WAIT_TIMEOUT};
use crate::device::sync::lock;
use crate::error::Error;

impl Network {
    /// Runs `count` tiles of shape [count, channels, height, width].
    ///
    /// Both sides must be multiples of [`cytoshade_core::TileRule::multiple`].
    ///
    /// A batch that exceeds a limit of the device is split; if memory runs out, it is halved.
    ///
    /// # Errors
    /// [`Error::TileSize`] and [`Error::Length`] for a wrong shape, [`Error::Limit`] and [`Error::OutOfMemory`] if not
    /// even one tile fits, [`Error::NotFinite`], and errors of the device.
    pub async fn run(&self, tiles: &[f32], count: usize, height: usize, width: usize) -> Result<Batch, Error> {
        self.run_recorded(tiles, count, height, width, None).await
    }

    /// [`Network::run`] with a `recorder` for the times of the steps.
    ///
    /// The recorder receives the device times of the steps, or the reason that the device has no timestamps.
    ///
    /// # Errors
    /// As [`Network::run`].
    pub async fn run_recorded(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
        recorder: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        let tile = self.check_tiles(tiles, count, height, width)?;
        let mut batch = Batch::default();
        let mut split = Split { next: 0, count, most: self.most(height, width)? };
        while let Some(range) = split.range() {
            let tiles = &tiles[range.start * tile..range.end * tile];
            let part = self.run_single_submission(tiles, range.len(), height, width, recorder).await;
            if part.is_err() {
                // After an error, free memory matters more than buffers for the next batch.
                *lock(&self.arena) = None;
            }
            if let Some(part) = split.after(part)? {
                self.check_outputs(&part, tiles, [range.len(), height, width]).await?;
                batch.append(part);
            }
        }
        Ok(batch)
    }

    /// Fails if the sides of a tile do not match the network.
    pub(super) fn check_tile(&self, height: usize, width: usize) -> Result<(), Error> {
        let multiple = self.description.tile.multiple;
        if height == 0 || width == 0 || !height.is_multiple_of(multiple) || !width.is_multiple_of(multiple) {
            return Err(Error::TileSize { height, width, multiple });
        }
        Ok(())
    }

    /// Fails for tiles of a wrong shape. Returns the number of values per tile.
    pub(super) fn check_tiles(&self, tiles: &[f32], count: usize, height: usize, width: usize) -> Result<usize, Error> {
        self.check_tile(height, width)?;
        let tile = self.description.inputs.saturating_mul(height).saturating_mul(width);
        let expected = count.saturating_mul(tile);
        if tiles.len() != expected {
            return Err(Error::Length { what: "tiles", found: tiles.len(), expected });
        }
        Ok(tile)
    }

    /// Runs a batch in one submission and waits for it.
    async fn run_single_submission(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
        recorder: Option<&Recorder>,
    ) -> Result<Batch, Error> {
        let clock = match recorder {
            Some(recorder) => self.clock(recorder).await?,
            None => None,
        };
        let submitted = recorder.map_or(0, Recorder::now);
        let (batch, submission) = self.submit(tiles, count, height, width, clock.as_ref()).await?;
        if let (Some(recorder), Some(clock)) = (recorder, clock) {
            let nanoseconds = clock.read(&self.gpu, submission).await?;
            let steps = self.costs([count, height, width]).into();
            recorder.add(BatchTimes { tiles: count, lane: 0, submitted, steps, nanoseconds });
        }
        Ok(batch)
    }

    /// Submits a batch and reads its results.
    pub(super) async fn submit(
        &self,
        tiles: &[f32],
        count: usize,
        height: usize,
        width: usize,
        clock: Option<&Clock>,
    ) -> Result<(Batch, wgpu::SubmissionIndex), Error> {
        const WHAT: &str = "a batch of tiles";
        let arena = self.arena(count, height, width).await?;
        let sizes = arena.sizes(&self.plan, count);
        let (back, submission) = self
            .gpu
            .with_error_scopes(WHAT, || {
                let back = self.gpu.readback(WHAT, sizes.outputs + sizes.styles)?;
                let submission = arena.submit(&self.gpu, tiles, count, &back, &sizes, clock)?;
                Ok((back, submission))
            })
            .await?;
        let bytes = self.gpu.read(WHAT, &back, submission.clone(), WAIT_TIMEOUT * count as u32).await?;
        let styles = styles(&bytes, sizes.outputs..sizes.outputs + sizes.styles, self.description.style);
        Ok((Batch { outputs: bytes.values(0..sizes.outputs), styles }, submission))
    }

    /// Buffers for at least `count` tiles of a size: the last batch's if large enough, else new ones.
    pub(super) async fn arena(&self, count: usize, height: usize, width: usize) -> Result<Arc<Arena>, Error> {
        {
            let mut held = lock(&self.arena);
            match held.as_ref() {
                Some(arena) if arena.fits(count, height, width) => return Ok(Arc::clone(arena)),
                // Frees the old buffers before allocating new ones.
                _ => *held = None,
            }
        }
        let arena = Arc::new(self.new_arena(count, height, width).await?);
        *lock(&self.arena) = Some(Arc::clone(&arena));
        Ok(arena)
    }

    /// New buffers for `count` tiles of a size.
    pub(super) async fn new_arena(&self, count: usize, height: usize, width: usize) -> Result<Arena, Error> {
        let mut kernels = Vec::new();
        for variant in self.variants([height, width]) {
            kernels.push(self.gpu.kernel(variant).await?);
        }
        let make = || Arena::new(self, &kernels, count, height, width);
        self.gpu.with_error_scopes("the network's intermediates", make).await
    }
}

/// The style vectors without padding channels; none for a network without style.
pub(super) fn styles(bytes: &Bytes, range: Range<u64>, channels: Option<usize>) -> Vec<f32> {
    let Some(channels) = channels else { return Vec::new() };
    let padded: Vec<f32> = bytes.values(range);
    padded.chunks(channels.next_multiple_of(4)).flat_map(|style| &style[..channels]).copied().collect()
}
