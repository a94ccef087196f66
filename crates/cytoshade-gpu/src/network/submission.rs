//! Tiles of planes that are on the device through the network, and back into planes: nothing goes over the host but
//! styles.

use std::ops::Range;
use std::sync::Arc;

use cytoshade_core::tiling::{TileLayout, Tiling};
use cytoshade_core::{BatchTimes, Recorder, StepCost};
use cytoshade_shaders as shaders;

use super::Network;
use super::profile::Clock;
use super::split::Split;
use crate::buffers::WAIT_TIMEOUT;
use crate::device::{Gpu, lock};
use crate::dispatch_list::DispatchList;
use crate::error::Error;
use crate::planes::GpuPlanes;
use crate::tile::TiledPlanes;

const WHAT: &str = "a batch of tiles";

/// Some tiles of some planes.
pub type Part<'a> = (&'a TiledPlanes, Range<usize>);

/// A batch of tiles that the device was given. Their outputs are in the planes once it is done.
#[derive(Debug)]
pub struct Submission {
    gpu: Gpu,
    tiles: usize,
    style_channels: Option<usize>,
    back: wgpu::Buffer,
    bytes: u64,
    submission: wgpu::SubmissionIndex,
    times: Option<Times>,
}

/// What a batch is timed with.
#[derive(Debug)]
struct Times {
    clock: Clock,
    submitted: u64,
    steps: Arc<[StepCost]>,
}

impl Submission {
    /// Number of tiles.
    pub fn tiles(&self) -> usize {
        self.tiles
    }

    /// Waits until the batch is done. Returns the style vectors of its tiles, of shape [tiles, style channels], which are
    /// empty if the network has no style. Those
    /// that were submitted before it must be waited for first, for the time limit is this batch's alone. The `recorder`
    /// that [`Network::start`] had hears what each step took.
    ///
    /// # Errors
    /// Whatever the device says.
    pub async fn styles(self, recorder: Option<&Recorder>) -> Result<Vec<f32>, Error> {
        let patience = WAIT_TIMEOUT * self.tiles as u32;
        let bytes = self.gpu.read(WHAT, &self.back, self.submission.clone(), patience).await?;
        if let (Some(recorder), Some(Times { clock, submitted, steps })) = (recorder, self.times) {
            let nanoseconds = clock.read(&self.gpu, self.submission).await?;
            recorder.add(BatchTimes { tiles: self.tiles, lane: 0, submitted, steps, nanoseconds });
        }
        Ok(super::styles(&bytes, 0..self.bytes, self.style_channels))
    }
}

impl Network {
    /// Planes [inputs, height, width] made ready to go through the network as the tiles of `tile_layout`.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::TileSize`] where the network cannot take them, and those of [`TiledPlanes::new`].
    pub async fn tiled(&self, planes: GpuPlanes, tile_layout: &TileLayout) -> Result<TiledPlanes, Error> {
        let inputs = self.description.inputs;
        if planes.channels != inputs {
            return Err(Error::Length { what: "planes", found: planes.channels, expected: inputs });
        }
        self.check_tile(tile_layout.tiling.height, tile_layout.tiling.width)?;
        TiledPlanes::new(&self.gpu, planes, tile_layout, self.description.outputs.count).await
    }

    /// Submits a batch of tiles, all of one size, and does not wait. Batches that the device cannot take at once are
    /// split, and halved where its memory runs out: then it is several. Each is timed where there is a `recorder`.
    ///
    /// # Errors
    /// [`Error::Length`] where the tiles are of several sizes, [`Error::Limit`] and [`Error::OutOfMemory`] where not
    /// even one tile fits, and whatever the device says.
    pub async fn start(&self, parts: &[Part<'_>], recorder: Option<&Recorder>) -> Result<Vec<Submission>, Error> {
        let Some((TiledPlanes { tile_layout: TileLayout { tiling: Tiling { height, width, .. }, .. }, .. }, _)) =
            parts.first()
        else {
            return Ok(Vec::new());
        };
        if let Some((other, _)) = parts
            .iter()
            .find(|(part, _)| (&part.tile_layout.tiling.height, &part.tile_layout.tiling.width) != (height, width))
        {
            return Err(Error::Length {
                what: "tiles",
                found: other.tile_layout.tiling.height * other.tile_layout.tiling.width,
                expected: height * width,
            });
        }
        let count = parts.iter().map(|(_, tiles)| tiles.len()).sum();
        let most = self.most(*height, *width)?;
        let mut flights = Vec::new();
        let mut split = Split { next: 0, count, most };
        while let Some(range) = split.range() {
            let flight = self.submit_parts(&within(parts, &range), [range.len(), *height, *width], recorder).await;
            if flight.is_err() {
                // Whatever went wrong, the memory is worth more than the buffers, which batches before this one may
                // still use.
                *lock(&self.arena) = None;
                self.gpu.wait_idle(WHAT)?;
            }
            flights.extend(split.after(flight)?);
        }
        Ok(flights)
    }

    async fn submit_parts(
        &self,
        parts: &[Part<'_>],
        [tiles, height, width]: [usize; 3],
        recorder: Option<&Recorder>,
    ) -> Result<Submission, Error> {
        let arena = self.arena(tiles, height, width).await?;
        let times = match recorder {
            Some(recorder) => self.times([tiles, height, width], recorder).await?,
            None => None,
        };
        let cut = self.gpu.kernel(self.stored(shaders::TILE)).await?;
        let blend = self.gpu.kernel(self.stored(shaders::BLEND)).await?;
        let bytes = arena.sizes(&self.plan, tiles).styles;
        let (back, submission) = self
            .gpu
            .with_error_scopes(WHAT, || {
                let back = self.gpu.readback(WHAT, bytes)?;
                let (mut before, mut after) = (DispatchList::default(), DispatchList::default());
                let mut at = 0;
                for (tiled, range) in parts {
                    tiled.cut(&self.gpu, &cut, &mut before, range, at, arena.packed())?;
                    tiled.blend(&self.gpu, &blend, &mut after, range, at, arena.result())?;
                    at += range.len();
                }
                let clock = times.as_ref().map(|times| &times.clock);
                Ok((back.clone(), arena.submit_between(&self.gpu, tiles, (&before, &after), &back, clock)?))
            })
            .await?;
        let style_channels = self.description.style;
        Ok(Submission { gpu: self.gpu.clone(), tiles, style_channels, back, bytes, submission, times })
    }

    /// What a batch that is handed over now is timed with, where the device has a clock.
    async fn times(&self, tiles: [usize; 3], recorder: &Recorder) -> Result<Option<Times>, Error> {
        let Some(clock) = self.clock(recorder).await? else { return Ok(None) };
        let mut steps = self.costs(tiles);
        // What is at the ends of a batch that comes from the host.
        if let [tile, .., blend] = steps.as_mut_slice() {
            (tile.name, blend.name) = ("tile".into(), "blend".into());
        }
        Ok(Some(Times { clock, submitted: recorder.now(), steps: steps.into() }))
    }
}

/// What of the parts lies in a range of all their tiles.
fn within<'a>(parts: &[Part<'a>], range: &Range<usize>) -> Vec<Part<'a>> {
    let mut before = 0;
    let mut found = Vec::new();
    for (tiled, tiles) in parts {
        let from = range.start.clamp(before, before + tiles.len()) - before;
        let to = range.end.clamp(before, before + tiles.len()) - before;
        if from < to {
            found.push((*tiled, tiles.start + from..tiles.start + to));
        }
        before += tiles.len();
    }
    found
}
