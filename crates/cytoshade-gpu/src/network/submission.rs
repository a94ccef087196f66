//! Batches of tiles cut from planes on the device and blended into planes there.
//!
//! Only styles return to the host.

use std::ops::Range;
use std::sync::Arc;

use cytoshade_core::tiling::{TileLayout, Tiling};
use cytoshade_core::{BatchTimes, Recorder, StepCost};

use super::Network;
use super::arena::FLAG;
use super::profile::Clock;
use super::run::styles;
use super::split::Split;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::device::sync::lock;
use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::planes::GpuPlanes;
use crate::stages::tile::TiledPlanes;

const WHAT: &str = "a batch of tiles";

/// Some tiles of some planes.
pub type Part<'a> = (&'a TiledPlanes, Range<usize>);

/// A submitted batch of tiles. When it completes, the planes hold its outputs.
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

/// The clock of a batch, and its timed steps.
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

    /// Waits for the batch and returns its style vectors, of shape [tiles, style channels].
    ///
    /// Empty if the network has no style. `None` if outputs of the batch are not finite: [`Network::diagnose`] then
    /// finds the layer.
    ///
    /// Wait for earlier submissions first: the time limit is for this batch alone. The `recorder` of [`Network::start`]
    /// receives the times of the steps.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn styles(self, recorder: Option<&Recorder>) -> Result<Option<Vec<f32>>, Error> {
        let timeout = WAIT_TIMEOUT * self.tiles as u32;
        let bytes = self.gpu.read(WHAT, &self.back, self.submission.clone(), timeout).await?;
        if let (Some(recorder), Some(Times { clock, submitted, steps })) = (recorder, self.times) {
            let nanoseconds = clock.read(&self.gpu, self.submission).await?;
            recorder.add(BatchTimes { tiles: self.tiles, lane: 0, submitted, steps, nanoseconds });
        }
        let is_finite = bytes.values::<u32>(0..FLAG) == [0];
        Ok(is_finite.then(|| styles(&bytes, FLAG..FLAG + self.bytes, self.style_channels)))
    }
}

impl Network {
    /// Prepares planes [inputs, height, width] for the network, as the tiles of `tile_layout`.
    ///
    /// # Errors
    /// [`Error::Length`] and [`Error::TileSize`] if they do not match the network, and those of [`TiledPlanes::new`].
    pub async fn tiled(&self, planes: GpuPlanes, tile_layout: &TileLayout) -> Result<TiledPlanes, Error> {
        let inputs = self.description.inputs;
        if planes.channels != inputs {
            return Err(Error::Length { what: "planes", found: planes.channels, expected: inputs });
        }
        self.check_tile(tile_layout.tiling.height, tile_layout.tiling.width)?;
        TiledPlanes::new(&self.gpu, planes, tile_layout, self.description.outputs.count).await
    }

    /// Submits a batch of tiles, all of one size, without waiting.
    ///
    /// A batch that exceeds a limit of the device is split, and halved if memory runs out; it then becomes several
    /// submissions. With a `recorder`, each is timed.
    ///
    /// # Errors
    /// [`Error::Length`] for tiles of several sizes, [`Error::Limit`] and [`Error::OutOfMemory`] if not even one tile fits,
    /// and errors of the device.
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
        let mut submissions = Vec::new();
        let mut split = Split { next: 0, count, most };
        while let Some(range) = split.range() {
            let submission = self.submit_parts(&within(parts, &range), [range.len(), *height, *width], recorder).await;
            if submission.is_err() {
                // After an error, free memory matters more than buffers for the next batch. Earlier batches may still
                // use them.
                *lock(&self.arena) = None;
                self.gpu.wait_idle(WHAT)?;
            }
            submissions.extend(split.after(submission)?);
        }
        Ok(submissions)
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
        let cut = self.gpu.kernel(self.tile_variant()).await?;
        let blend = self.gpu.kernel(self.blend_variant()).await?;
        let bytes = arena.sizes(&self.plan, tiles).styles;
        let (back, submission) = self
            .gpu
            .with_error_scopes(WHAT, || {
                let back = self.gpu.readback(WHAT, bytes + FLAG)?;
                let not_finite = self.gpu.storage(WHAT, FLAG)?;
                let (mut before, mut after) = (DispatchList::default(), DispatchList::default());
                let mut at = 0;
                for (tiled, range) in parts {
                    tiled.cut(&self.gpu, &cut, &mut before, range, at, arena.packed())?;
                    tiled.blend(&self.gpu, &blend, &mut after, range, at, [arena.result(), &not_finite])?;
                    at += range.len();
                }
                let clock = times.as_ref().map(|times| &times.clock);
                let submission =
                    arena.submit_between(&self.gpu, tiles, (&before, &after), (&back, &not_finite), clock)?;
                Ok((back, submission))
            })
            .await?;
        let style_channels = self.description.style;
        Ok(Submission { gpu: self.gpu.clone(), tiles, style_channels, back, bytes, submission, times })
    }

    /// The clock of the next batch, if the device has timestamps.
    async fn times(&self, tiles: [usize; 3], recorder: &Recorder) -> Result<Option<Times>, Error> {
        let Some(clock) = self.clock(recorder).await? else { return Ok(None) };
        let mut steps = self.costs(tiles);
        // In place of packing and unpacking.
        if let [tile, .., blend] = steps.as_mut_slice() {
            (tile.name, blend.name) = ("tile".into(), "blend".into());
        }
        Ok(Some(Times { clock, submitted: recorder.now(), steps: steps.into() }))
    }
}

/// The parts within a range of all tiles.
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
