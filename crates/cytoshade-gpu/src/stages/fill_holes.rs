//! Fills holes and drops small masks (the reference's `utils.fill_holes_and_remove_small_masks`).

use cytoshade_core::Labels;
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};
use crate::stages::masks::{GpuLabels, Mask, renumber, table, table_bytes};
use crate::stages::plane_limits::check_plane;

const WHAT: &str = "the filling of holes";
/// Masks per submission: drivers stop work that runs for seconds.
const MASKS: usize = 4096;
/// Words of boxes processed together; one larger box is processed alone.
const WORDS: usize = 1 << 20;

/// Fills the holes of masks and drops masks of fewer than `min_size` pixels.
///
/// Returns labels 1, 2, ... without gaps. Labels of another size are first resized to `height` x `width`. A `min_size`
/// of 0 drops no mask. A hole is background, or another mask, that no path over four neighbours connects to the border
/// of the mask's box.
///
/// # Errors
/// [`Error::Limit`] if the plane is too large for the device's `maxStorageBufferBindingSize`, and errors of the device.
pub async fn fill_holes_and_remove_small(
    gpu: &Gpu,
    mut labels: GpuLabels,
    (height, width): (usize, usize),
    min_size: usize,
) -> Result<Labels, Error> {
    if (labels.height, labels.width) != (height, width) {
        check_plane(gpu, height, width)?;
        labels = labels.relabel(gpu, height, width).await?;
        labels.masks = labels.counted(gpu, false).await?.0;
    }
    remove_small(&mut labels.masks, min_size);
    // From here on numbers have no gaps. Holes are filled in their order.
    number(&mut labels.masks);
    let mut filled = labels.relabel(gpu, height, width).await?;
    let (mut masks, mut values) = filled.counted(gpu, true).await?;
    if values.is_empty() {
        filled = labels.relabel(gpu, height, width).await?;
        (masks, values) = filled.in_order(gpu).await?;
    }
    drop(labels);
    remove_small(&mut masks, min_size);
    number(&mut masks);
    filled.masks = masks;
    // Usually no further mask was dropped, and the labels from the table are final.
    let unchanged = filled.masks.len() + 1 == filled.end && filled.masks.iter().all(|mask| mask.id == mask.number);
    if unchanged { filled.labels(values) } else { filled.read(gpu).await }
}

/// Drops masks of fewer than `min_size` pixels and renumbers the others in the order in which they first appear.
fn remove_small(masks: &mut Vec<Mask>, min_size: usize) {
    if min_size == 0 {
        return;
    }
    masks.retain(|mask| mask.size >= min_size);
    renumber(masks);
}

/// Numbers the masks without gaps, keeping their order.
fn number(masks: &mut [Mask]) {
    masks.iter_mut().zip(1..).for_each(|(mask, number)| mask.number = number);
}

/// A mask's box in the shader's format, and twice its number of words.
fn boxed(mask: &Mask, offset: usize) -> ([u32; 6], usize) {
    let numbers = [mask.top, mask.left, mask.height, mask.width, offset].map(|value| value as u32);
    let [top, left, height, width, offset] = numbers;
    ([mask.id, top, left, height, width, offset], 2 * mask.height * mask.width.div_ceil(32))
}

impl GpuLabels {
    /// The masks, with holes filled if `fill` is set; then the labels too.
    ///
    /// Without labels if a hole contains another mask: then the order matters, and this plane cannot be used.
    async fn counted(&self, gpu: &Gpu, fill: bool) -> Result<(Vec<Mask>, Vec<u32>), Error> {
        let table_of = gpu.with_error_scopes(WHAT, || gpu.storage(WHAT, table_bytes(self.end))).await?;
        if fill {
            self.fill(gpu, &table_of, false).await?;
        }
        self.measure(gpu, &table_of).await?;
        let (entries, plane) = (table_bytes(self.end), if fill { 4 * (self.height * self.width) as u64 } else { 0 });
        let bytes = gpu.fetch(WHAT, &[(&table_of, 0..entries), (&self.ids, 0..plane)]).await?;
        let nested = bytes.values::<u32>(0..4) != [0];
        let masks = table(&bytes, self.end, self.width);
        Ok((masks, if nested { Vec::new() } else { bytes.values(entries..entries + plane) }))
    }

    /// Fills the holes mask by mask. Returns the masks and the labels.
    async fn in_order(&self, gpu: &Gpu) -> Result<(Vec<Mask>, Vec<u32>), Error> {
        let table_of = gpu.with_error_scopes(WHAT, || gpu.storage(WHAT, table_bytes(self.end))).await?;
        self.fill(gpu, &table_of, true).await?;
        self.measure(gpu, &table_of).await?;
        let (entries, plane) = (table_bytes(self.end), 4 * (self.height * self.width) as u64);
        let bytes = gpu.fetch(WHAT, &[(&table_of, 0..entries), (&self.ids, 0..plane)]).await?;
        Ok((table(&bytes, self.end, self.width), bytes.values(entries..entries + plane)))
    }

    /// Fills the holes of all masks: mask by mask if `ordered` is set, else only background.
    async fn fill(&self, gpu: &Gpu, table: &wgpu::Buffer, ordered: bool) -> Result<(), Error> {
        let [kernel] = gpu.kernels_of([Variant::new(&shaders::FILL_HOLES)]).await?;
        let mut rest = self.masks.as_slice();
        let mut submissions = Vec::new();
        while !rest.is_empty() {
            let (mut boxes, mut words) = (Vec::new(), 0);
            for mask in rest.iter().take(MASKS) {
                let (found, more) = boxed(mask, words);
                if !boxes.is_empty() && words + more > WORDS {
                    break;
                }
                words += more;
                boxes.push(found);
            }
            rest = &rest[boxes.len()..];
            let work = || self.submit_fill(gpu, &kernel, &boxes, words, table, ordered);
            submissions.push(gpu.with_error_scopes(WHAT, work).await?);
        }
        for submission in submissions {
            gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
        }
        Ok(())
    }

    fn submit_fill(
        &self,
        gpu: &Gpu,
        kernel: &std::sync::Arc<Kernel>,
        boxes: &[[u32; 6]],
        words: usize,
        table: &wgpu::Buffer,
        ordered: bool,
    ) -> Result<wgpu::SubmissionIndex, Error> {
        let (of, bits) = (gpu.upload(WHAT, boxes)?, gpu.storage(WHAT, 4 * words as u64)?);
        let bind = |first: u32| {
            let params = [self.width as u32, first, u32::from(ordered)];
            gpu.bind(kernel, &params, &[&of, &self.ids, &bits, table])
        };
        let count = boxes.len() as u32;
        if !ordered {
            return Ok(gpu.submit(WHAT, &[(&bind(0), [count, 1, 1])]));
        }
        let bound: Vec<_> = (0..count).map(bind).collect();
        let work: Vec<_> = bound.iter().map(|bound| (bound, [1; 3])).collect();
        Ok(gpu.submit(WHAT, &work))
    }
}
