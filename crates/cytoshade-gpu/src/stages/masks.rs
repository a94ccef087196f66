//! Turns end points into masks (the reference's `dynamics.get_masks_torch`).
//!
//! Maxima of the histogram are seeds, seeds grow over the surrounding bins, and each pixel takes the label of its end
//! point's bin.
//!
//! On the device, the labels are seed ids without an order. The host has a table of the masks, numbers them and drops
//! some, and [`GpuLabels::relabel`] writes the final numbers once.

use cytoshade_core::{Labels, ascending};
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::device::buffers::Bytes;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::follow_flows::GpuEndPoints;
use crate::stages::histogram::GpuHistogram;
use crate::stages::plane_limits::{bins, check_plane};

const WHAT: &str = "the masks";
/// A seed has more end points than this, which bounds the number of seeds.
const SEED_COUNT: usize = 10;
/// Masks in the first readback; if there are more, a second one follows.
const FIRST: usize = 8192;
/// Bytes of a label's entry in the table of `measure`.
const ENTRY: u64 = 32;

/// Labels of a plane of [height, width] on the device, and the table of the masks.
#[derive(Clone, Debug)]
pub struct GpuLabels {
    /// Per pixel: the `id` of a mask, perhaps a dropped one, or 0.
    pub(crate) ids: wgpu::Buffer,
    /// All ids are below this.
    pub(crate) end: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// In the order of their numbers.
    pub(crate) masks: Vec<Mask>,
}

/// A mask in the host's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mask {
    /// Its id in the device's labels.
    pub(crate) id: u32,
    /// Its label.
    pub(crate) number: u32,
    /// Number of pixels.
    pub(crate) size: usize,
    /// Its first pixel: row * width + column.
    pub(crate) first: usize,
    /// First row and column, height and width of its box.
    pub(crate) top: usize,
    pub(crate) left: usize,
    pub(crate) height: usize,
    pub(crate) width: usize,
    /// The sums of its rows and of its columns.
    pub(crate) sums: [u64; 2],
}

impl Mask {
    /// A mask from its entry in the table of `measure`; `None` for a label without pixels.
    fn new(id: u32, [size, first, bottom, left, right, sum_y, sum_x, carry]: [u32; 8], width: usize) -> Option<Self> {
        let (first, left) = (!first as usize, !left as usize);
        let top = first / width.max(1);
        (size > 0).then(|| Self {
            id,
            number: id,
            size: size as usize,
            first,
            top,
            left,
            height: (bottom as usize + 1).saturating_sub(top),
            width: (right as usize + 1).saturating_sub(left),
            sums: [(sum_y, carry & 0xffff), (sum_x, carry >> 16)]
                .map(|(low, high)| u64::from(high) << 32 | u64::from(low)),
        })
    }
}

/// The masks of the table of `measure` for labels 0, 1, ....
pub(crate) fn table(bytes: &Bytes, labels: usize, width: usize) -> Vec<Mask> {
    let entries = bytes.values::<[u32; 8]>(0..ENTRY * labels as u64);
    (0..).zip(entries).skip(1).filter_map(|(id, entry)| Mask::new(id, entry, width)).collect()
}

/// Bytes of the table for labels 0 to `labels` - 1.
pub(crate) fn table_bytes(labels: usize) -> u64 {
    ENTRY * labels as u64
}

/// Numbers masks 1, 2, ... in the order of their first pixels, row by row (`fastremap.renumber`).
pub(crate) fn renumber(masks: &mut Vec<Mask>) {
    let order = ascending(masks.iter().map(|mask| mask.first));
    *masks = order.into_iter().zip(1..).map(|(mask, number)| Mask { number, ..masks[mask].clone() }).collect();
}

/// Makes masks from end points: labels 1, 2, ... in the order of their first pixels, row by row.
///
/// Masks of more than `max_size_fraction` of the plane are dropped.
///
/// # Errors
/// [`Error::Limit`] if the plane is too large for the device's `maxStorageBufferBindingSize` (4 bytes a bin), and errors
/// of the device.
pub async fn masks(
    gpu: &Gpu,
    ends: &GpuEndPoints,
    histogram: &GpuHistogram,
    max_size_fraction: f64,
) -> Result<GpuLabels, Error> {
    let (height, width) = (ends.height, ends.width);
    let [grow, label, measure] =
        gpu.kernels_of([&shaders::GROW, &shaders::LABEL, &shaders::MEASURE].map(Variant::new)).await?;
    let most = height * width / (SEED_COUNT + 1) + 1;
    let (ids, counted) = gpu
        .with_error_scopes(WHAT, || {
            let grid = gpu.plane_grid(WHAT, height, width)?;
            let size = [width as u32, height as u32];
            let storage = |count: usize| gpu.storage(WHAT, 4 * count as u64);
            let (grown, seeds) = (storage(bins(height, width))?, storage(bins(height, width))?);
            let ids = storage(height * width)?;
            let table = gpu.storage(WHAT, table_bytes(most))?;
            let grow = gpu.bind(&grow, &size, &[&histogram.counts, &grown, &seeds, &table]);
            let label = gpu.bind(&label, &size, &[&ends.positions, &grown, &seeds, &ids]);
            let measure = gpu.bind(&measure, &size, &[&ids, &table]);
            gpu.submit(WHAT, &[(&grow, grid), (&label, grid), (&measure, grid)]);
            Ok((ids, table))
        })
        .await?;
    let at_once = most.min(FIRST);
    let mut bytes = gpu.fetch(WHAT, &[(&counted, 0..table_bytes(at_once))]).await?;
    let end = (bytes.values::<u32>(0..4)[0] as usize + 1).min(most);
    if end > at_once {
        bytes = gpu.fetch(WHAT, &[(&counted, 0..table_bytes(end))]).await?;
    }
    let mut masks = table(&bytes, end, width);
    let limit = (height * width) as f64 * max_size_fraction;
    masks.retain(|mask| mask.size as f64 <= limit);
    renumber(&mut masks);
    Ok(GpuLabels { ids, end, height, width, masks })
}

impl GpuLabels {
    /// Uploads labels.
    ///
    /// # Errors
    /// [`Error::Limit`] if the plane is too large, and errors of the device.
    pub async fn upload(gpu: &Gpu, labels: &Labels) -> Result<Self, Error> {
        let (height, width) = (labels.height(), labels.width());
        check_plane(gpu, height, width)?;
        let ids = gpu.with_error_scopes(WHAT, || gpu.upload(WHAT, labels.as_slice())).await?;
        let mut labels = Self { ids, end: labels.max() as usize + 1, height, width, masks: Vec::new() };
        let table_of = gpu.with_error_scopes(WHAT, || gpu.storage(WHAT, table_bytes(labels.end))).await?;
        labels.measure(gpu, &table_of).await?;
        labels.masks = table(&gpu.fetch(WHAT, &[(&table_of, 0..table_bytes(labels.end))]).await?, labels.end, width);
        Ok(labels)
    }

    /// Counts and measures the labels into a table of zeros.
    pub(crate) async fn measure(&self, gpu: &Gpu, table: &wgpu::Buffer) -> Result<(), Error> {
        let [measure] = gpu.kernels_of([Variant::new(&shaders::MEASURE)]).await?;
        gpu.with_error_scopes(WHAT, || {
            let measure = gpu.bind(&measure, &[self.width as u32, self.height as u32], &[&self.ids, table]);
            gpu.submit(WHAT, &[(&measure, gpu.plane_grid(WHAT, self.height, self.width)?)]);
            Ok(())
        })
        .await
    }

    /// The labels with the masks' numbers, resized to `height` x `width`.
    ///
    /// Pixels without a mask become 0. The resize is OpenCV's INTER_NEAREST. Sizes and boxes in the table remain those
    /// of the source.
    pub(crate) async fn relabel(&self, gpu: &Gpu, height: usize, width: usize) -> Result<GpuLabels, Error> {
        let [kernel] = gpu.kernels_of([Variant::new(&shaders::RELABEL)]).await?;
        let mut numbers = vec![0u32; self.end];
        for mask in &self.masks {
            if let Some(number) = numbers.get_mut(mask.id as usize) {
                *number = mask.number;
            }
        }
        let mut places = corners(self.height, height);
        places.extend(corners(self.width, width));
        let ids = gpu
            .with_error_scopes(WHAT, || {
                let grid = gpu.plane_grid(WHAT, height, width)?;
                let ids = gpu.storage(WHAT, 4 * (height * width) as u64)?;
                let (numbers, places) = (gpu.upload(WHAT, &numbers)?, gpu.upload(WHAT, &places)?);
                let params = [width as u32, height as u32, self.width as u32];
                gpu.submit(WHAT, &[(&gpu.bind(&kernel, &params, &[&self.ids, &numbers, &places, &ids]), grid)]);
                Ok(ids)
            })
            .await?;
        let masks: Vec<Mask> = self.masks.iter().map(|mask| Mask { id: mask.number, ..mask.clone() }).collect();
        let end = masks.iter().map(|mask| mask.number as usize + 1).max().unwrap_or(1);
        Ok(Self { ids, end, height, width, masks })
    }

    /// Reads the labels back.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn read(&self, gpu: &Gpu) -> Result<Labels, Error> {
        let labels = self.relabel(gpu, self.height, self.width).await?;
        let bytes = 4 * (self.height * self.width) as u64;
        let values = gpu.fetch(WHAT, &[(&labels.ids, 0..bytes)]).await?.values(0..bytes);
        self.labels(values)
    }

    /// Converts labels of this size on the host.
    pub(crate) fn labels(&self, values: Vec<u32>) -> Result<Labels, Error> {
        Labels::new(values, self.height, self.width)
            .map_err(|error| Error::Refused { what: WHAT, reason: error.to_string() })
    }
}

/// For each output sample, the input sample at its corner.
fn corners(from: usize, to: usize) -> Vec<u32> {
    let step = 1.0 / (to as f64 / from as f64);
    (0..to).map(|at| ((at as f64 * step) as usize).min(from.saturating_sub(1)) as u32).collect()
}
