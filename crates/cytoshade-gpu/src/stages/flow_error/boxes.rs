//! The boxes of the masks, and how the heat of each is made. Plain numbers, tested without a GPU.

use cytoshade_shaders as shaders;

use crate::device::Gpu;
use crate::operators::conv3x3::Capabilities;
use crate::stages::masks::Mask;

/// Invocations of a mask that fits into workgroup memory, of which the first are taken that are enough.
const LANES: [u32; 1] = [256];
/// The same for software adapters, which run a few invocations at a time and pay for each at every barrier.
const SOFTWARE_LANES: [u32; 3] = [32, 64, 256];
/// Subgroups below each other for a mask in registers, of which the first are taken that are enough.
const STACKS: [u32; 3] = [2, 4, 8];
/// The least invocations of a subgroup that make registers pay.
const SUBGROUP: u32 = 8;
/// A side of a tile of the shaders for masks whose heat is in memory.
const TILE: usize = 16;

/// How the heat of a mask is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiffusionStrategy {
    /// All rounds by one workgroup in its memory, of which so many invocations have so many rows each.
    Workgroup { lanes: u32, rows: u32 },
    /// All rounds by one workgroup in registers, the heat left in memory: on software adapters.
    Columns(Columns),
    /// One round a dispatch, all in memory.
    Rounds,
}

/// The invocations of a workgroup that has a mask in registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// Whether an invocation has 8 columns, not 4.
    pub(super) wide: bool,
    /// Invocations of a subgroup.
    pub(super) lanes: u32,
    /// Subgroups below each other.
    pub(super) stack: u32,
}

impl DiffusionStrategy {
    /// The strategy for a box of `height` x `width`, its border of one pixel and all.
    fn choose(capabilities: &Capabilities, height: u32, width: u32) -> Self {
        if let Some(columns) = Columns::choose(capabilities, height, width) {
            return DiffusionStrategy::Columns(columns);
        }
        if u64::from(height) * u64::from(width) > u64::from(shaders::FLOW_ERROR_CELLS) {
            return DiffusionStrategy::Rounds;
        }
        let choice = if capabilities.software { &SOFTWARE_LANES[..] } else { &LANES[..] };
        let enough = |&lanes: &u32| {
            let fits = |rows: &u32| width * height.div_ceil(*rows) <= lanes;
            (1..=shaders::FLOW_ERROR_ROWS).find(fits).map(|rows| DiffusionStrategy::Workgroup { lanes, rows })
        };
        choice.iter().find_map(enough).unwrap_or(DiffusionStrategy::Rounds)
    }
}

impl Columns {
    fn choose(capabilities: &Capabilities, height: u32, width: u32) -> Option<Self> {
        let (lanes, largest) = capabilities.subgroups?;
        // Known where it is compiled, so that a browser does not load the rest.
        if cfg!(target_arch = "wasm32") || !capabilities.software || lanes != largest || lanes < SUBGROUP {
            return None;
        }
        let (height, width) = (height - 2, width - 2);
        let narrow = lanes * shaders::DIFFUSE_COLUMNS;
        let enough = |stack: &u32| height <= stack * shaders::DIFFUSE_ROWS;
        let stack = STACKS.into_iter().find(enough)?;
        (width <= 2 * narrow && stack * lanes <= shaders::DIFFUSE_INVOCATIONS).then_some(Self {
            wide: width > narrow,
            lanes,
            stack,
        })
    }
}

/// A mask's box with a border of one pixel, as the shaders know it, and which mask it is.
#[derive(Clone, Debug)]
pub(super) struct MaskBox {
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

    pub(super) fn words(&self) -> [u32; 6] {
        let rows = if let DiffusionStrategy::Workgroup { rows, .. } = self.strategy { rows } else { 0 };
        [self.id, self.top, self.left, self.height, self.width, rows]
    }

    /// Tiles of 16 x 16 without the border.
    pub(super) fn tiles(&self) -> usize {
        (self.height as usize - 2).div_ceil(TILE) * (self.width as usize - 2).div_ceil(TILE)
    }

    pub(super) fn rounds(&self) -> usize {
        2 * (self.height + self.width) as usize
    }

    /// What the boxes of one dispatch have in common.
    fn kind(&self) -> DiffusionStrategy {
        match self.strategy {
            DiffusionStrategy::Workgroup { lanes, .. } => DiffusionStrategy::Workgroup { lanes, rows: 0 },
            strategy => strategy,
        }
    }
}

/// Boxes that one pipeline can take together.
pub(super) fn alike(boxes: &[MaskBox]) -> Vec<Vec<MaskBox>> {
    let mut groups: Vec<Vec<MaskBox>> = Vec::new();
    for mask_box in boxes {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.kind() == mask_box.kind())) {
            Some(group) => group.push(mask_box.clone()),
            None => groups.push(vec![mask_box.clone()]),
        }
    }
    groups
}

/// The tiles of boxes: box, and place in it, row by row.
pub(super) fn tiles(boxes: &[MaskBox]) -> Vec<[u32; 2]> {
    (0..).zip(boxes).flat_map(|(at, mask_box)| (0..mask_box.tiles() as u32).map(move |tile| [at, tile])).collect()
}

/// The grid of a shader that takes a tile a workgroup.
pub(super) fn grid(gpu: &Gpu, tiles: usize) -> [u32; 3] {
    let rows = tiles.div_ceil(gpu.limits().max_compute_workgroups_per_dimension as usize).max(1);
    [tiles.div_ceil(rows) as u32, rows as u32, 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_for_software_and_for_what_fits() {
        let llvmpipe = Capabilities { software: true, subgroups: Some((8, 8)), ..Capabilities::default() };
        let strategy = |height, width| DiffusionStrategy::choose(&llvmpipe, height, width);
        let columns = |wide, stack| DiffusionStrategy::Columns(Columns { wide, lanes: 8, stack });
        assert_eq!(strategy(3, 3), columns(false, 2));
        assert_eq!(strategy(34, 34), columns(false, 2));
        assert_eq!(strategy(35, 34), columns(false, 4));
        assert_eq!(strategy(34, 35), columns(true, 2));
        assert_eq!(strategy(130, 66), columns(true, 8));
        assert_eq!(strategy(131, 66), DiffusionStrategy::Rounds);
        assert_eq!(strategy(130, 67), DiffusionStrategy::Rounds);
        assert_eq!(strategy(20, 67), DiffusionStrategy::Workgroup { lanes: 256, rows: 7 });
        for capabilities in [
            Capabilities { software: false, ..llvmpipe.clone() },
            Capabilities { subgroups: None, ..llvmpipe.clone() },
            Capabilities { subgroups: Some((4, 4)), ..llvmpipe.clone() },
            Capabilities { subgroups: Some((8, 16)), ..llvmpipe.clone() },
        ] {
            assert!(
                matches!(DiffusionStrategy::choose(&capabilities, 30, 30), DiffusionStrategy::Workgroup { .. }),
                "{capabilities:?}"
            );
            assert_eq!(DiffusionStrategy::choose(&capabilities, 70, 70), DiffusionStrategy::Rounds);
        }
        let wider = Capabilities { subgroups: Some((16, 16)), ..llvmpipe };
        let columns = |wide, stack| DiffusionStrategy::Columns(Columns { wide, lanes: 16, stack });
        assert_eq!(DiffusionStrategy::choose(&wider, 34, 66), columns(false, 2));
        assert_eq!(DiffusionStrategy::choose(&wider, 130, 130), columns(true, 8));
    }
}
