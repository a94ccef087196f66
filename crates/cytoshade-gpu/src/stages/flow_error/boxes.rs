//! The boxes of the masks, in the shaders' format.

use cytoshade_shaders as shaders;

use super::strategy::DiffusionStrategy;
use crate::device::capabilities::Capabilities;
use crate::stages::masks::Mask;

/// Rows and columns of a tile of the shaders for masks whose heat is in memory.
const TILE: [u32; 3] = shaders::DIFFUSE.workgroup;

/// A mask's box with a border of one pixel, and the strategy for diffusing its heat.
#[derive(Clone, Debug)]
pub(super) struct MaskBox {
    /// The index of the mask.
    pub(super) mask: usize,
    pub(super) strategy: DiffusionStrategy,
    id: u32,
    top: u32,
    left: u32,
    height: u32,
    width: u32,
}

impl MaskBox {
    pub(super) fn new(at: usize, mask: &Mask, capabilities: &Capabilities) -> Self {
        let (height, width) = (mask.height as u32 + 2, mask.width as u32 + 2);
        let strategy = DiffusionStrategy::choose(capabilities, height, width);
        Self { mask: at, strategy, id: mask.id, top: mask.top as u32, left: mask.left as u32, height, width }
    }

    /// The box in the format of `shared/mask_flow.wgsl`.
    pub(super) fn words(&self) -> [u32; 6] {
        let rows = if let DiffusionStrategy::Workgroup { rows, .. } = self.strategy { rows } else { 0 };
        [self.id, self.top, self.left, self.height, self.width, rows]
    }

    /// Tiles of the box without its border.
    pub(super) fn tiles(&self) -> usize {
        let [across, down, _] = TILE;
        ((self.height - 2).div_ceil(down) * (self.width - 2).div_ceil(across)) as usize
    }

    /// Rounds of the diffusion.
    pub(super) fn rounds(&self) -> usize {
        2 * (self.height + self.width) as usize
    }
}

/// Groups boxes that one pipeline processes together.
pub(super) fn alike(boxes: &[MaskBox]) -> Vec<Vec<MaskBox>> {
    let mut groups: Vec<Vec<MaskBox>> = Vec::new();
    for mask_box in boxes {
        let is_alike = |first: &MaskBox| first.strategy.is_alike(mask_box.strategy);
        match groups.iter_mut().find(|group| group.first().is_some_and(is_alike)) {
            Some(group) => group.push(mask_box.clone()),
            None => groups.push(vec![mask_box.clone()]),
        }
    }
    groups
}

/// The tiles of boxes, row by row: box, and number of the tile in it.
pub(super) fn tiles(boxes: &[MaskBox]) -> Vec<[u32; 2]> {
    (0..).zip(boxes).flat_map(|(at, mask_box)| (0..mask_box.tiles() as u32).map(move |tile| [at, tile])).collect()
}
