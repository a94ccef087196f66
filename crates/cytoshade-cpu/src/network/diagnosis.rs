//! Finds the first layer whose results are not finite.

use super::workspace::Workspace;
use super::{Network, feature_map};

/// True if every value is a finite number.
#[inline(never)]
pub(super) fn is_finite(values: &[f32]) -> bool {
    // Without a branch for each value, the compiler vectorizes the loop.
    !values.iter().fold(false, |is_bad, value| is_bad | !value.is_finite())
}

impl Network {
    /// Runs a tile again, operation by operation, and returns the first layer with a result that is not finite.
    pub(super) fn first_not_finite(&self, input: &[f32], workspace: &mut Workspace) -> &str {
        let plan = &self.plan;
        workspace.write_map(plan, plan.input(), |_, target| feature_map::pack(input, target));
        for ((step, operation), layer) in self.steps.iter().zip(plan.operations()).zip(&self.layers) {
            step.run(self.lanes, plan, workspace);
            // Lanes beyond a tensor's channels hold results for weights of zero, which are finite if the inputs are.
            let is_finite = |target| workspace.blocks(plan, target).iter().all(|block| is_finite(&block.0));
            if !operation.targets().into_iter().all(is_finite) {
                return layer;
            }
        }
        "an unknown layer"
    }
}
