//! Exact percentiles of planes by radix selection.
//!
//! Each of four passes over the values determines 8 bits of the order statistics.

use std::sync::Arc;

use cytoshade_core::percentile::{Rank, steps};
use cytoshade_shaders as shaders;

use crate::device::{DispatchList, Gpu};
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};
use crate::planes::GpuPlanes;

const WHAT: &str = "the percentiles";

/// Minimum number of values per workgroup.
const SHARE: usize = 4096;
/// Maximum number of workgroups per region.
const GROUPS: usize = 512;
/// Counters per region: one for each digit of each rank, and whether its values differ.
const COUNTS: usize = shaders::percentile_count::COUNTS as usize;

/// Maximum number of regions per pass: their counters fit one binding and take at most 16 MiB.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn together(gpu: &Gpu) -> usize {
    (gpu.largest_binding() / (4 * COUNTS) as u64).clamp(1, 4096) as usize
}

/// The contrast with which `percentile_pick` returns the percentiles instead of a range.
const THEMSELVES: f32 = f32::MIN;

/// Equally sized parts of planes, each with its own percentiles.
#[derive(Clone, Debug)]
pub(crate) struct Regions {
    /// The index of each region's first value in the planes.
    firsts: Vec<u32>,
    /// Z-slices, rows of each, and columns; z-slices are stacked vertically.
    size: [usize; 3],
    /// Strides along z-slices, rows and columns.
    steps: [usize; 3],
}

impl Regions {
    /// Consecutive regions of `depth` z-slices of `height` rows and all columns.
    ///
    /// Large regions are sampled, as in the reference.
    pub(crate) fn blocks(planes: &GpuPlanes, depth: usize, height: usize) -> Self {
        let size = [depth, height, planes.width];
        let values = size.iter().product::<usize>().max(1);
        let count = planes.channels * planes.height * planes.width / values;
        Self { firsts: (0..count).map(|at| (at * values) as u32).collect(), size, steps: steps(size) }
    }

    /// Regions of `height` x `width` pixels that begin at given indices into the planes.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn tiles(firsts: Vec<u32>, height: usize, width: usize) -> Self {
        Self { firsts, size: [1, height, width], steps: [1; 3] }
    }
}

/// The pipelines of the selection.
#[derive(Debug)]
pub(crate) struct Percentiles {
    count: Arc<Kernel>,
    pick: Arc<Kernel>,
}

impl Percentiles {
    pub(crate) async fn new(gpu: &Gpu) -> Result<Self, Error> {
        let count = gpu.kernel(Variant::new(&shaders::PERCENTILE_COUNT)).await?;
        Ok(Self { count, pick: gpu.kernel(Variant::new(&shaders::PERCENTILE_PICK)).await? })
    }

    /// Appends the selection of the percentiles `low` and `high` of every region.
    ///
    /// Returns the bounds for `normalize`, four values per region. Regions whose percentiles differ by at most
    /// `contrast`, and constant ones, get the range 0; constant ones are not inverted.
    pub(crate) fn add(
        &self,
        gpu: &Gpu,
        work: &mut DispatchList,
        planes: &GpuPlanes,
        regions: &Regions,
        (low, high): (f32, f32),
        (contrast, invert): (f32, bool),
    ) -> Result<wgpu::Buffer, Error> {
        let Regions { firsts, size, steps } = regions;
        let samples = size.iter().zip(steps).map(|(side, step)| side.div_ceil(*step)).product();
        let rank = |q| Rank::new(samples, q).ok_or(Error::Length { what: "planes", found: 0, expected: 1 });
        let (low, high) = (rank(low)?, rank(high)?);
        let (needed, allowed) = (firsts.len() as u64, u64::from(gpu.limits().max_compute_workgroups_per_dimension));
        if needed > allowed {
            return Err(Error::Limit { what: WHAT, needed, limit: "maxComputeWorkgroupsPerDimension", allowed });
        }
        let wanted = [low.below, low.above, high.below, high.above].map(|below| [0, below as u32]);
        let ranks = gpu.upload(WHAT, &vec![wanted; firsts.len()])?;
        // A new buffer holds zeros.
        let counts = gpu.storage(WHAT, (4 * COUNTS * firsts.len()) as u64)?;
        let bounds = gpu.storage(WHAT, (16 * firsts.len()) as u64)?;
        let places = gpu.upload(WHAT, firsts)?;
        let values = size.iter().product::<usize>();
        let groups = values.div_ceil(SHARE).clamp(1, GROUPS) as u32;
        let grid = |x| [x, 1, firsts.len() as u32];
        for shift in [24, 16, 8, 0] {
            let [_, height, width] = *size;
            let params = [width, height, values, planes.width, steps[0], steps[1], steps[2], shift];
            let storage = [&planes.buffer, &places, &ranks, &counts];
            work.add(gpu.bind(&self.count, &params.map(|value| value as u32), &storage), grid(groups));
            let params =
                [shift as u32, low.gamma.to_bits(), high.gamma.to_bits(), contrast.to_bits(), u32::from(invert)];
            work.add(gpu.bind(&self.pick, &params, &[&ranks, &counts, &bounds]), grid(1));
        }
        Ok(bounds)
    }

    /// The percentiles `low` and `high` of every region, after all submitted work.
    pub(crate) async fn read(
        &self,
        gpu: &Gpu,
        planes: &GpuPlanes,
        regions: &Regions,
        ends: (f32, f32),
    ) -> Result<Vec<(f32, f32)>, Error> {
        let bounds = gpu
            .with_error_scopes(WHAT, || {
                let mut work = DispatchList::default();
                let bounds = self.add(gpu, &mut work, planes, regions, ends, (THEMSELVES, false))?;
                work.submit(gpu, WHAT);
                Ok(bounds)
            })
            .await?;
        let bytes = 16 * regions.firsts.len() as u64;
        let bounds = gpu.fetch(WHAT, &[(&bounds, 0..bytes)]).await?.values::<[f32; 4]>(0..bytes);
        Ok(bounds.iter().map(|&[low, high, ..]| (low, high)).collect())
    }
}

/// The percentiles `low` and `high` of each channel, as in numpy's `percentile` for float32.
///
/// Above 224^3 pixels, every n-th row and column is sampled.
///
/// # Errors
/// [`Error::Length`] for planes without pixels, and errors of the device.
pub async fn percentiles(gpu: &Gpu, planes: &GpuPlanes, low: f32, high: f32) -> Result<Vec<(f32, f32)>, Error> {
    let regions = Regions::blocks(planes, 1, planes.height);
    Percentiles::new(gpu).await?.read(gpu, planes, &regions, (low, high)).await
}
