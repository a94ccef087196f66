//! Euler integration of host planes in strips.

use std::ops::Range;
use std::sync::Arc;

use cytoshade_core::{EndPoints, Planes};
use cytoshade_shaders::{self as shaders, overrides};

use super::in_rows;
use crate::device::Gpu;
use crate::device::buffers::WAIT_TIMEOUT;
use crate::error::Error;
use crate::pipeline::{Kernel, Variant};
use crate::stages::follow_flows::STEPS;

const WHAT: &str = "the flow dynamics of a strip";
/// Margin rows of a strip's window, so that few pixels leave it.
const AROUND: usize = 32;
/// Maximum number of windows on the device: a strip's and its neighbours'.
const WINDOWS: usize = 3;

/// Strips of a plane, each with a window of rows around it.
#[derive(Clone, Copy, Debug)]
struct Strips {
    height: usize,
    width: usize,
    /// Rows per strip; the last strip may have fewer.
    rows: usize,
    around: usize,
}

impl Strips {
    /// Strips whose windows' planes, at 12 bytes per pixel, fit into `bytes`.
    fn new(bytes: u64, height: usize, width: usize) -> Result<Self, Error> {
        // One row beyond the rows in which steps begin, for interpolation.
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
    fn rows(&self, strip: usize) -> Range<usize> {
        strip * self.rows..((strip + 1) * self.rows).min(self.height)
    }

    /// The rows of a strip's window in which steps can begin.
    fn window(&self, strip: usize) -> Range<usize> {
        let rows = self.rows(strip);
        rows.start.saturating_sub(self.around)..(rows.end + self.around).min(self.height)
    }
}

/// A strip's window on the device.
struct Window {
    strip: usize,
    field: wgpu::Buffer,
    positions: wgpu::Buffer,
}

/// [`follow_flows`](fn@crate::follow_flows) for host planes (dY, dX, cellprob, ...), in strips.
///
/// A pixel that leaves its strip's window waits, then continues in the window that it has entered, until all steps are
/// done. The end points are bit-identical to those of the whole plane.
///
/// # Errors
/// [`Error::Length`] for fewer than three planes, [`Error::Limit`] if not even a few rows fit into the device's
/// `maxStorageBufferBindingSize` (12 bytes a pixel) or a side is longer than 65,535 pixels, and errors of the device.
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
    gpu.plane_grid(WHAT, height, width)?;
    let euler = Variant::new(&shaders::FOLLOW_STRIP).with(overrides::INTERP, interp);
    let [prepare, euler] = gpu.kernels_of([Variant::new(&shaders::FLOW_FIELD), euler]).await?;
    let strips = Strips::new(gpu.largest_binding(), height, width)?;
    let mut integrator = StripIntegrator { gpu, planes, strips, threshold, prepare, euler, windows: Vec::new() };
    let mut ends = EndPoints::default();
    for strip in 0..strips.count() {
        integrator.strip(strip, niter, &mut ends).await?;
    }
    Ok(ends)
}

/// The integration of a plane.
struct StripIntegrator<'a> {
    gpu: &'a Gpu,
    planes: &'a Planes,
    strips: Strips,
    threshold: f32,
    prepare: Arc<Kernel>,
    euler: Arc<Kernel>,
    windows: Vec<Window>,
}

impl StripIntegrator<'_> {
    /// Follows the pixels of a strip to their end points.
    async fn strip(&mut self, strip: usize, niter: u32, ends: &mut EndPoints) -> Result<(), Error> {
        let rows = self.strips.rows(strip);
        let (gpu, count) = (self.gpu, rows.len() * self.strips.width);
        // New buffers hold zeros.
        let done = gpu.with_error_scopes(WHAT, || gpu.storage(WHAT, 4 * count as u64)).await?;
        let positions = self.window(strip, strip).await?.positions.clone();
        // Few enough steps per dispatch that no driver reports a hang.
        for steps in (STEPS..niter).step_by(STEPS as usize).chain([niter]) {
            let mut next = Some(strip);
            while let Some(window) = next {
                let waiting = self.steps(strip, window, &positions, &done, steps).await?;
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

    /// Runs the steps of a strip's pixels within a window, up to `steps` in total.
    ///
    /// Returns the number of waiting pixels in each strip.
    async fn steps(
        &mut self,
        strip: usize,
        window: usize,
        positions: &wgpu::Buffer,
        done: &wgpu::Buffer,
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
                let bound = gpu.bind(&self.euler, &params, &[&field, positions, done, &waiting]);
                gpu.submit(WHAT, &[(&bound, gpu.plane_grid(WHAT, own.len(), width)?)]);
                Ok(waiting)
            })
            .await?;
        Ok(gpu.fetch(WHAT, &[(&waiting, 0..bytes)]).await?.values(0..bytes))
    }

    /// A strip's window, uploaded if not yet on the device.
    ///
    /// Replaces the window furthest from `strip` if there is no room.
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
                let bound = gpu.bind(&self.prepare, &params, &[&planes, &field, &positions]);
                let submission = gpu.submit(WHAT, &[(&bound, gpu.plane_grid(WHAT, rows.len(), width)?)]);
                Ok((field, positions, submission))
            })
            .await?;
        // The uploaded planes are dropped here.
        gpu.wait(WHAT, submission, WAIT_TIMEOUT)?;
        Ok(Window { strip, field, positions })
    }
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
}
