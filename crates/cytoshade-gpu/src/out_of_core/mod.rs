//! Stages on planes of the host that are too large for one binding: strip by strip and window by window, with the result
//! that the whole plane would give. What is on the device at once is bounded by the largest binding, not by the plane.

use cytoshade_core::{EndPoints, Labels, Planes};
use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::{Kernel, Variant, plane_grid};
use crate::planes::GpuPlanes;
use crate::stages::flow_error::remove_bad;
use crate::stages::follow_flows::STEPS;
use crate::stages::histogram::bins;
use crate::stages::masks::GpuLabels;

const WHAT: &str = "the flow dynamics of a strip";
/// Rows around a strip that its window has too, so that few pixels leave it.
const AROUND: usize = 32;
/// Windows that are on the device at once: a strip's own and those on either side.
const WINDOWS: usize = 3;

/// Strips of a plane, each with a window of rows around it.
#[derive(Clone, Copy, Debug)]
struct Strips {
    height: usize,
    width: usize,
    /// Rows of a strip; the last one may have fewer.
    rows: usize,
    around: usize,
}

impl Strips {
    /// Strips whose windows' planes, 12 bytes a pixel, fit into `bytes`.
    fn new(bytes: u64, height: usize, width: usize) -> Result<Self, Error> {
        // A row more than a step can begin in: interpolation looks ahead.
        let room = (bytes / (12 * width.max(1)) as u64) as usize;
        let around = AROUND.min(room / 4);
        let rows = room.saturating_sub(2 * around + 1).min(height);
        if rows == 0 {
            let (needed, limit) = (24 * width as u64, "maxStorageBufferBindingSize");
            return Err(Error::Limit { what: WHAT, needed, limit, allowed: bytes });
        }
        Ok(Self { height, width, rows, around })
    }

    fn count(&self) -> usize {
        self.height.div_ceil(self.rows)
    }

    /// The rows of a strip.
    fn rows(&self, strip: usize) -> std::ops::Range<usize> {
        strip * self.rows..((strip + 1) * self.rows).min(self.height)
    }

    /// The rows in which steps can begin in a strip's window.
    fn window(&self, strip: usize) -> std::ops::Range<usize> {
        let rows = self.rows(strip);
        rows.start.saturating_sub(self.around)..(rows.end + self.around).min(self.height)
    }
}

/// What the steps in a strip's window are made of.
struct Window {
    strip: usize,
    field: wgpu::Buffer,
    positions: wgpu::Buffer,
}

/// [`follow_flows`](fn@crate::follow_flows) of planes (dY, dX, cellprob, ...) that are on the host, strip by strip. A pixel
/// that leaves the window of its strip waits, and goes on in the window where it is, until all steps are made.
///
/// # Errors
/// [`Error::Length`] where there are not three planes, [`Error::Limit`] where not even a few rows fit into the device's
/// `maxStorageBufferBindingSize` (12 bytes a pixel) or a side is longer than 65,535 pixels, and whatever the device says.
pub async fn follow_flows_in_strips(
    gpu: &Gpu,
    planes: &Planes,
    threshold: f32,
    niter: u32,
    interp: bool,
) -> Result<EndPoints, Error> {
    let (height, width) = (planes.height(), planes.width());
    if planes.channels() < 3 {
        let found = planes.channels() * height * width;
        return Err(Error::Length { what: "planes", found, expected: 3 * height * width });
    }
    plane_grid(gpu, WHAT, height, width)?;
    let euler = Variant::new(shaders::FOLLOW_STRIP).with(shaders::INTERP, interp);
    let [prepare, euler] = gpu.kernels_of([Variant::new(shaders::FLOW_FIELD), euler]).await?;
    let strips = Strips::new(gpu.largest_binding(), height, width)?;
    let mut walk = StripIntegrator { gpu, planes, strips, threshold, prepare, euler, windows: Vec::new() };
    let mut ends = EndPoints::default();
    for strip in 0..strips.count() {
        walk.strip(strip, niter, &mut ends).await?;
    }
    Ok(ends)
}

/// A plane on its way.
struct StripIntegrator<'a> {
    gpu: &'a Gpu,
    planes: &'a Planes,
    strips: Strips,
    threshold: f32,
    prepare: std::sync::Arc<Kernel>,
    euler: std::sync::Arc<Kernel>,
    windows: Vec<Window>,
}

impl StripIntegrator<'_> {
    /// Takes the pixels of a strip to their ends.
    async fn strip(&mut self, strip: usize, niter: u32, ends: &mut EndPoints) -> Result<(), Error> {
        let rows = self.strips.rows(strip);
        let (gpu, count) = (self.gpu, rows.len() * self.strips.width);
        // New buffers are all zeros.
        let made = gpu.with_error_scopes(WHAT, || gpu.storage(WHAT, 4 * count as u64)).await?;
        let positions = self.window(strip, strip).await?.positions.clone();
        // As many steps in one dispatch as no driver takes for a hang.
        for steps in (STEPS..niter).step_by(STEPS as usize).chain([niter]) {
            let mut next = Some(strip);
            while let Some(window) = next {
                let waiting = self.steps(strip, window, &positions, &made, steps).await?;
                next = waiting.iter().position(|&pixels| pixels > 0);
            }
        }
        let first = ((rows.start - self.strips.window(strip).start) * self.strips.width) as u64 * 8;
        let bytes = 8 * count as u64;
        let found = gpu.fetch(WHAT, &[(&positions, first..first + bytes)]).await?.values::<[f32; 2]>(0..bytes);
        for (pixel, [y, x]) in ((rows.start * self.strips.width) as u32..).zip(found) {
            if !y.is_sign_negative() {
                ends.pixels.push(pixel);
                ends.y.push(y);
                ends.x.push(x);
            }
        }
        Ok(())
    }

    /// Steps of a strip's pixels that are in a window. Returns how many pixels wait in each strip for more.
    async fn steps(
        &mut self,
        strip: usize,
        window: usize,
        positions: &wgpu::Buffer,
        made: &wgpu::Buffer,
        steps: u32,
    ) -> Result<Vec<u32>, Error> {
        let Strips { height, width, rows, .. } = self.strips;
        let (own, around) = (self.strips.rows(strip), self.strips.window(window));
        let skip = own.start - self.strips.window(strip).start;
        let params = [width, height, rows, skip, own.len(), around.start, around.end, steps as usize];
        let field = self.window(window, strip).await?.field.clone();
        let (gpu, bytes) = (self.gpu, 4 * self.strips.count() as u64);
        let waiting = gpu
            .with_error_scopes(WHAT, || {
                let waiting = gpu.storage(WHAT, bytes)?;
                let params = params.map(|value| value as u32);
                let bound = self.euler.bind(gpu, &params, &[&field, positions, made, &waiting]);
                gpu.submit(WHAT, &[(&bound, plane_grid(gpu, WHAT, own.len(), width)?)]);
                Ok(waiting)
            })
            .await?;
        Ok(gpu.fetch(WHAT, &[(&waiting, 0..bytes)]).await?.values(0..bytes))
    }

    /// A strip's window, brought to the device where it is not there; the furthest from `strip` makes room for it.
    async fn window(&mut self, window: usize, strip: usize) -> Result<&Window, Error> {
        let at = match self.windows.iter().position(|known| known.strip == window) {
            Some(at) => at,
            None => {
                let far = |known: &&Window| known.strip.abs_diff(strip);
                if self.windows.len() == WINDOWS
                    && let Some(furthest) = self.windows.iter().max_by_key(far).map(|known| known.strip)
                {
                    self.windows.retain(|known| known.strip != furthest);
                }
                let new = self.load(window).await?;
                self.windows.push(new);
                self.windows.len() - 1
            }
        };
        self.windows.get(at).ok_or(Error::Refused { what: WHAT, reason: "a window is missing".into() })
    }

    async fn load(&self, strip: usize) -> Result<Window, Error> {
        let (gpu, width) = (self.gpu, self.strips.width);
        let rows = self.strips.window(strip);
        let rows = rows.start..(rows.end + 1).min(self.strips.height);
        let values = [0, 1, 2].map(|channel| in_rows(self.planes.plane(channel), &rows, width)).concat();
        let (field, positions, submission) = gpu
            .with_error_scopes(WHAT, || {
                let planes = gpu.upload(WHAT, &values)?;
                let bytes = 8 * (rows.len() * width) as u64;
                let (field, positions) = (gpu.storage(WHAT, bytes)?, gpu.storage(WHAT, bytes)?);
                let params = [width as u32, rows.len() as u32, rows.start as u32, self.threshold.to_bits()];
                let bound = self.prepare.bind(gpu, &params, &[&planes, &field, &positions]);
                let submission = gpu.submit(WHAT, &[(&bound, plane_grid(gpu, WHAT, rows.len(), width)?)]);
                Ok((field, positions, submission))
            })
            .await?;
        // The planes that were brought there are free from here on.
        gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
        Ok(Window { strip, field, positions })
    }
}

/// Rows of a plane of a width.
fn in_rows<'p, T>(plane: &'p [T], rows: &std::ops::Range<usize>, width: usize) -> &'p [T] {
    plane.get(rows.start * width..rows.end * width).unwrap_or_default()
}

/// [`remove_bad`] of labels and flows that are on the host, in windows of rows that hold whole masks. A mask that is
/// higher than any window is left to `exact`.
///
/// # Errors
/// [`Error::Length`] where `flows` has another size than `labels`, and those of [`remove_bad`].
pub async fn remove_bad_in_windows(
    gpu: &Gpu,
    labels: &mut Labels,
    flows: &Planes,
    threshold: f64,
    exact: impl Fn(&Labels, &Planes) -> Option<f64>,
) -> Result<(), Error> {
    let (height, width) = (labels.height(), labels.width());
    if (flows.height(), flows.width()) != (height, width) || flows.channels() < 2 {
        let found = flows.channels() * flows.height() * flows.width();
        return Err(Error::Length { what: "flows", found, expected: 2 * height * width });
    }
    if threshold <= 0.0 {
        return Ok(());
    }
    let spans = spans(labels);
    let mut keep = vec![true; spans.len()];
    let room = rows_within(gpu.largest_binding(), width);
    for (rows, masks) in windows(&spans, room) {
        let (part, flows) = part(labels, flows, &rows, &masks)?;
        if rows.len() > room {
            if let ([mask], Some(error)) = (masks.as_slice(), exact(&part, &flows)) {
                keep[*mask] = error <= threshold;
            }
            continue;
        }
        let mut there = GpuLabels::upload(gpu, &part).await?;
        remove_bad(gpu, &mut there, &GpuPlanes::upload(gpu, &flows).await?, threshold, &exact).await?;
        masks.iter().for_each(|&mask| keep[mask] = false);
        for kept in &there.masks {
            keep[masks[kept.id as usize - 1]] = true;
        }
    }
    for label in labels.as_mut_slice() {
        if *label > 0 && !keep[*label as usize - 1] {
            *label = 0;
        }
    }
    Ok(())
}

/// Rows of a window of labels and flows: as many as [`check_plane`](crate::stages::follow_flows::check_plane) allows.
fn rows_within(bytes: u64, width: usize) -> usize {
    let fits = |rows: &usize| (8 * rows * width).max(4 * bins(*rows, width)) as u64 <= bytes;
    // The rows that fit without a histogram, or less those of its margin.
    let most = (bytes / (8 * width.max(1)) as u64) as usize;
    (0..=most).rev().find(fits).unwrap_or(0)
}

/// The rows that each label 1, 2, ... spans; none where no pixel has it.
fn spans(labels: &Labels) -> Vec<std::ops::Range<usize>> {
    let mut spans = vec![0..0; labels.max() as usize];
    for (y, row) in labels.as_slice().chunks_exact(labels.width().max(1)).enumerate() {
        for &label in row.iter().filter(|&&label| label > 0) {
            let span = &mut spans[label as usize - 1];
            *span = if span.end == 0 { y } else { span.start }..y + 1;
        }
    }
    spans
}

/// Windows of at most `room` rows and the masks that they hold, of those spans that are not empty; for a higher mask one of
/// its own.
fn windows(spans: &[std::ops::Range<usize>], room: usize) -> Vec<(std::ops::Range<usize>, Vec<usize>)> {
    let mut rest: Vec<usize> = (0..spans.len()).filter(|&mask| !spans[mask].is_empty()).collect();
    rest.sort_by_key(|&mask| spans[mask].start);
    let mut windows = Vec::new();
    while let Some(&first) = rest.first() {
        let start = spans[first].start;
        if spans[first].len() > room {
            windows.push((spans[first].clone(), vec![first]));
            rest.remove(0);
            continue;
        }
        let (held, later): (Vec<usize>, Vec<usize>) =
            rest.into_iter().partition(|&mask| spans[mask].end <= start + room);
        let end = held.iter().map(|&mask| spans[mask].end).max().unwrap_or(start);
        windows.push((start..end, held));
        rest = later;
    }
    windows
}

/// The labels of some masks in some rows as 1, 2, ..., and the flows there.
fn part(
    labels: &Labels,
    flows: &Planes,
    rows: &std::ops::Range<usize>,
    masks: &[usize],
) -> Result<(Labels, Planes), Error> {
    let width = labels.width();
    let mut numbers = vec![0u32; labels.max() as usize + 1];
    for (number, &mask) in (1..).zip(masks) {
        numbers[mask + 1] = number;
    }
    let ids = in_rows(labels.as_slice(), rows, width).iter().map(|&label| numbers[label as usize]).collect();
    let values = [0, 1].map(|channel| in_rows(flows.plane(channel), rows, width)).concat();
    let refused = |error: cytoshade_core::Error| Error::Refused { what: WHAT, reason: error.to_string() };
    let labels = Labels::new(ids, rows.len(), width).map_err(refused)?;
    Ok((labels, Planes::new(values, 2, rows.len(), width).map_err(refused)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_cover_the_plane_and_fit() {
        for (bytes, height, width) in [(12 * 100 * 40, 1000, 100), (12 * 7 * 4, 50, 7), (12 * 9 * 2, 5, 9)] {
            let strips = Strips::new(bytes, height, width).unwrap();
            let rows: Vec<usize> = (0..strips.count()).flat_map(|strip| strips.rows(strip)).collect();
            assert_eq!(rows, (0..height).collect::<Vec<_>>());
            for strip in 0..strips.count() {
                let (rows, window) = (strips.rows(strip), strips.window(strip));
                assert!(window.start <= rows.start && rows.end <= window.end);
                assert!(12 * ((window.len() + 1) * width) as u64 <= bytes, "{bytes}: {window:?}");
            }
        }
        assert!(Strips::new(12 * 9, 5, 9).is_err());
    }

    #[test]
    fn every_mask_is_whole_in_one_window() {
        let spans = [0..3, 2..9, 0..0, 8..12, 1..5, 30..60, 11..13];
        let windows = windows(&spans, 10);
        let mut held = Vec::new();
        for (rows, masks) in windows {
            assert!(rows.len() <= 10 || masks == [5]);
            for mask in masks {
                assert!(rows.start <= spans[mask].start && spans[mask].end <= rows.end);
                held.push(mask);
            }
        }
        held.sort_unstable();
        assert_eq!(held, [0, 1, 3, 4, 5, 6]);
    }
}
