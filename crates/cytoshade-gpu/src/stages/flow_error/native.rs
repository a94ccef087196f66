//! Diffuses heat in registers, on software adapters. Browsers have no subgroups for it; see `web`.

use cytoshade_shaders::{self as shaders, overrides};

use super::boxes::MaskBox;
use super::heat::wait;
use super::{MASKS, WHAT};
use crate::device::Gpu;
use crate::device::capabilities::Capabilities;
use crate::error::Error;
use crate::pipeline::Variant;
use crate::stages::masks::GpuLabels;

/// Subgroups stacked for one mask; the first sufficient number is used.
const STACKS: [u32; 3] = [2, 4, 8];
/// The smallest subgroup size at which registers are faster.
const SMALLEST_SUBGROUP: u32 = 8;
/// Maximum workgroup size: each invocation has four entries of `edges` in workgroup memory.
const MAX_INVOCATIONS: u32 = shaders::diffuse_narrow::EDGES / 4;

/// The invocations of a workgroup that holds a mask in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Whether an invocation has 8 columns instead of 4.
    pub(super) wide: bool,
    /// Invocations per subgroup.
    pub(super) lanes: u32,
    /// Number of stacked subgroups.
    pub(super) stack: u32,
}

impl Columns {
    /// The invocations for a box of `height` x `width`, with its border of one pixel.
    ///
    /// `None` if the box does not fit into registers or they would be slower.
    pub(super) fn choose(capabilities: &Capabilities, height: u32, width: u32) -> Option<Self> {
        let (lanes, largest) = capabilities.subgroups?;
        if !capabilities.software || lanes != largest || lanes < SMALLEST_SUBGROUP {
            return None;
        }
        let (height, width) = (height - 2, width - 2);
        let (narrow, wide) = (lanes * shaders::diffuse_narrow::COLUMNS, lanes * shaders::diffuse_wide::COLUMNS);
        let enough = |stack: &u32| height <= stack * shaders::diffuse_narrow::ROWS;
        let stack = STACKS.into_iter().find(enough)?;
        let fits = width <= wide && stack * lanes <= MAX_INVOCATIONS;
        fits.then_some(Self { wide: width > narrow, lanes, stack })
    }

    /// Runs all rounds of some masks and writes their heat to memory.
    pub(super) async fn diffuse(
        &self,
        gpu: &Gpu,
        labels: &GpuLabels,
        nearest: &wgpu::Buffer,
        boxes: &[MaskBox],
        heat: &wgpu::Buffer,
    ) -> Result<(), Error> {
        let shader = if self.wide { &shaders::DIFFUSE_WIDE } else { &shaders::DIFFUSE_NARROW };
        let variant = Variant::new(shader).with(overrides::LANES, self.lanes).with(overrides::STACK, self.stack);
        let [kernel] = gpu.kernels_of([variant]).await?;
        let submissions = gpu
            .with_error_scopes(WHAT, || {
                let words: Vec<[u32; 6]> = boxes.iter().map(MaskBox::words).collect();
                let words = gpu.upload(WHAT, &words)?;
                let submit = |first: usize| {
                    let params = [labels.width as u32, first as u32];
                    let bound = gpu.bind(&kernel, &params, &[&words, &labels.ids, nearest, heat]);
                    gpu.submit(WHAT, &[(&bound, [MASKS.min(boxes.len() - first) as u32, 1, 1])])
                };
                Ok((0..boxes.len()).step_by(MASKS).map(submit).collect::<Vec<_>>())
            })
            .await?;
        wait(gpu, submissions)
    }
}
