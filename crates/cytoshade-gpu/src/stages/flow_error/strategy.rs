//! Chooses how the heat of a mask diffuses, by a rule on plain numbers, tested without a GPU.

use cytoshade_shaders::{self as shaders, Shader};

use super::platform::Columns;
use crate::device::capabilities::Capabilities;

/// Workgroup sizes for a mask in workgroup memory; the first sufficient one is used.
const LANES: [u32; 1] = [256];
/// The same for software adapters, which pay for each invocation at every barrier.
const SOFTWARE_LANES: [u32; 3] = [32, 64, 256];

/// The strategy for diffusing a mask's heat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DiffusionStrategy {
    /// One workgroup runs all rounds in its memory: `lanes` invocations, each with `rows` rows of a column.
    Workgroup { lanes: u32, rows: u32 },
    /// One workgroup runs all rounds in registers and writes the heat to memory; on software adapters.
    Columns(Columns),
    /// Each dispatch runs one round, in memory.
    Rounds,
}

impl DiffusionStrategy {
    /// The strategy for a box of `height` x `width`, with its border of one pixel.
    pub(super) fn choose(capabilities: &Capabilities, height: u32, width: u32) -> Self {
        if let Some(columns) = Columns::choose(capabilities, height, width) {
            return DiffusionStrategy::Columns(columns);
        }
        if u64::from(height) * u64::from(width) > u64::from(shaders::flow_error::CELLS) {
            return DiffusionStrategy::Rounds;
        }
        let choice = if capabilities.software { &SOFTWARE_LANES[..] } else { &LANES[..] };
        let enough = |&lanes: &u32| {
            let fits = |rows: &u32| width * height.div_ceil(*rows) <= lanes;
            (1..=shaders::flow_error_tall::ROWS).find(fits).map(|rows| DiffusionStrategy::Workgroup { lanes, rows })
        };
        choice.iter().find_map(enough).unwrap_or(DiffusionStrategy::Rounds)
    }

    /// Whether one pipeline serves both strategies.
    pub(super) fn is_alike(self, other: Self) -> bool {
        match (self.shader(), other.shader()) {
            (None, None) => self == other,
            (this, that) => this == that,
        }
    }

    /// The shader of a mask in workgroup memory, and its invocations.
    pub(super) fn shader(self) -> Option<(&'static Shader, u32)> {
        let DiffusionStrategy::Workgroup { lanes, rows } = self else { return None };
        let is_tall = rows > shaders::flow_error::ROWS;
        Some((if is_tall { &shaders::FLOW_ERROR_TALL } else { &shaders::FLOW_ERROR }, lanes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registers_are_for_software_and_for_boxes_that_fit() {
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
