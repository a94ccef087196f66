//! The boxes of the masks, and how the heat of each is made. Plain numbers, tested without a GPU.

use cytoshade_shaders as shaders;

use crate::convolution::Facts;
use crate::device::Gpu;
use crate::masks::Mask;

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
pub(super) enum Way {
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

impl Way {
    /// The way for a box of `height` x `width`, its border of one pixel and all.
    fn choose(facts: &Facts, height: u32, width: u32) -> Self {
        if let Some(columns) = Columns::choose(facts, height, width) {
            return Way::Columns(columns);
        }
        if u64::from(height) * u64::from(width) > u64::from(shaders::FLOW_ERROR_CELLS) {
            return Way::Rounds;
        }
        let choice = if facts.software { &SOFTWARE_LANES[..] } else { &LANES[..] };
        let enough = |&lanes: &u32| {
            let fits = |rows: &u32| width * height.div_ceil(*rows) <= lanes;
            (1..=shaders::FLOW_ERROR_ROWS).find(fits).map(|rows| Way::Workgroup { lanes, rows })
        };
        choice.iter().find_map(enough).unwrap_or(Way::Rounds)
    }
}

impl Columns {
    fn choose(facts: &Facts, height: u32, width: u32) -> Option<Self> {
        let (lanes, largest) = facts.subgroups?;
        // Known where it is compiled, so that a browser does not load the rest.
        if cfg!(target_arch = "wasm32") || !facts.software || lanes != largest || lanes < SUBGROUP {
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
pub(super) struct Boxed {
    pub(super) mask: usize,
    pub(super) way: Way,
    id: u32,
    top: u32,
    left: u32,
    height: u32,
    width: u32,
}

impl Boxed {
    pub(super) fn new(at: usize, mask: &Mask, facts: &Facts) -> Self {
        let (height, width) = (mask.height as u32 + 2, mask.width as u32 + 2);
        let way = Way::choose(facts, height, width);
        Self { mask: at, way, id: mask.id, top: mask.top as u32, left: mask.left as u32, height, width }
    }

    pub(super) fn words(&self) -> [u32; 6] {
        let rows = if let Way::Workgroup { rows, .. } = self.way { rows } else { 0 };
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
    fn kind(&self) -> Way {
        match self.way {
            Way::Workgroup { lanes, .. } => Way::Workgroup { lanes, rows: 0 },
            way => way,
        }
    }
}

/// Boxes that one pipeline can take together.
pub(super) fn alike(boxes: &[Boxed]) -> Vec<Vec<Boxed>> {
    let mut groups: Vec<Vec<Boxed>> = Vec::new();
    for boxed in boxes {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| first.kind() == boxed.kind())) {
            Some(group) => group.push(boxed.clone()),
            None => groups.push(vec![boxed.clone()]),
        }
    }
    groups
}

/// The tiles of boxes: box, and place in it, row by row.
pub(super) fn tiles(boxes: &[Boxed]) -> Vec<[u32; 2]> {
    (0..).zip(boxes).flat_map(|(at, boxed)| (0..boxed.tiles() as u32).map(move |tile| [at, tile])).collect()
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
        let llvmpipe = Facts { software: true, subgroups: Some((8, 8)), ..Facts::default() };
        let way = |height, width| Way::choose(&llvmpipe, height, width);
        let columns = |wide, stack| Way::Columns(Columns { wide, lanes: 8, stack });
        assert_eq!(way(3, 3), columns(false, 2));
        assert_eq!(way(34, 34), columns(false, 2));
        assert_eq!(way(35, 34), columns(false, 4));
        assert_eq!(way(34, 35), columns(true, 2));
        assert_eq!(way(130, 66), columns(true, 8));
        assert_eq!(way(131, 66), Way::Rounds);
        assert_eq!(way(130, 67), Way::Rounds);
        assert_eq!(way(20, 67), Way::Workgroup { lanes: 64, rows: 20 });
        for facts in [
            Facts { software: false, ..llvmpipe.clone() },
            Facts { subgroups: None, ..llvmpipe.clone() },
            Facts { subgroups: Some((4, 4)), ..llvmpipe.clone() },
            Facts { subgroups: Some((8, 16)), ..llvmpipe.clone() },
        ] {
            assert!(matches!(Way::choose(&facts, 30, 30), Way::Workgroup { .. }), "{facts:?}");
            assert_eq!(Way::choose(&facts, 70, 70), Way::Rounds);
        }
        let wider = Facts { subgroups: Some((16, 16)), ..llvmpipe };
        let columns = |wide, stack| Way::Columns(Columns { wide, lanes: 16, stack });
        assert_eq!(Way::choose(&wider, 34, 66), columns(false, 2));
        assert_eq!(Way::choose(&wider, 130, 130), columns(true, 8));
    }
}
