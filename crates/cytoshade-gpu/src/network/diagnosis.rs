//! Finds the layer in which values become non-finite.

use cytoshade_core::{Storage, TensorId};
use cytoshade_shaders::Precision;

use super::arena::Arena;
use super::submission::Part;
use super::{Batch, Network};
use crate::device::DispatchList;
use crate::device::sync::lock;
use crate::error::Error;

const WHAT: &str = "a batch of tiles";

impl Network {
    /// Fails for outputs that are not finite. Runs the tiles again to find the layer.
    pub(super) async fn check_outputs(&self, batch: &Batch, tiles: &[f32], sizes: [usize; 3]) -> Result<(), Error> {
        if is_finite(&batch.outputs) {
            return Ok(());
        }
        let arena = self.arena_of_its_own(sizes).await?;
        let [count, ..] = sizes;
        self.gpu.with_error_scopes(WHAT, || arena.pack(&self.gpu, tiles, count)).await?;
        Err(self.not_finite(&arena, sizes).await?)
    }

    /// The error for tiles with non-finite outputs.
    ///
    /// Runs them again, operation by operation, to name the layer.
    ///
    /// # Errors
    /// Errors of the device.
    pub async fn diagnose(&self, parts: &[Part<'_>]) -> Result<Error, Error> {
        let count = parts.iter().map(|(_, tiles)| tiles.len()).sum();
        let tiling = parts.first().map(|(tiled, _)| &tiled.tile_layout.tiling);
        let (height, width) = tiling.map_or((0, 0), |tiling| (tiling.height, tiling.width));
        let sizes = [count, height, width];
        let arena = self.arena_of_its_own(sizes).await?;
        let cut = self.gpu.kernel(self.tile_variant()).await?;
        self.gpu
            .with_error_scopes(WHAT, || {
                let mut work = DispatchList::default();
                let mut at = 0;
                for (tiled, range) in parts {
                    tiled.cut(&self.gpu, &cut, &mut work, range, at, arena.packed())?;
                    at += range.len();
                }
                work.submit(&self.gpu, WHAT);
                Ok(())
            })
            .await?;
        self.not_finite(&arena, sizes).await
    }

    /// New buffers, which no other batch writes between the operations.
    async fn arena_of_its_own(&self, [count, height, width]: [usize; 3]) -> Result<Arena, Error> {
        // Frees the buffers of the next batch first.
        *lock(&self.arena) = None;
        self.new_arena(count, height, width).await
    }

    /// The error for tiles packed in an arena.
    async fn not_finite(&self, arena: &Arena, sizes: [usize; 3]) -> Result<Error, Error> {
        for (at, (operation, layer)) in self.plan.operations().iter().zip(&self.names).enumerate() {
            self.gpu.with_error_scopes(WHAT, || arena.run_operation(&self.gpu, at, sizes[0])).await?;
            // The targets of one operation are adjacent.
            let Some(target) = operation.targets().first().copied() else { continue };
            if !self.has_finite_group(arena, target, sizes).await? {
                return Ok(Error::NotFinite { layer: layer.clone() });
            }
        }
        Ok(Error::NotFinite { layer: "an unknown layer".into() })
    }

    /// True if all tensors written together with this one are finite.
    async fn has_finite_group(
        &self,
        arena: &Arena,
        id: TensorId,
        [count, height, width]: [usize; 3],
    ) -> Result<bool, Error> {
        let values = count * self.plan.group_len(id, height, width, 4);
        let is_half = self.plan[id].shape.storage() == Storage::Activations && self.options.precision == Precision::F16;
        let bytes = (values * if is_half { 2 } else { 4 }) as u64;
        let read = self.gpu.fetch(WHAT, &[(arena.tensor(&self.plan, id), 0..bytes)]).await?;
        // Only infinity and NaN have all exponent bits set.
        Ok(if is_half {
            read.values::<u16>(0..bytes).iter().all(|half| half & 0x7c00 != 0x7c00)
        } else {
            is_finite(&read.values(0..bytes))
        })
    }
}

/// True if every value is a finite number.
fn is_finite(values: &[f32]) -> bool {
    // Without a branch per value, the loop vectorizes.
    !values.iter().fold(false, |is_bad, value| is_bad | !value.is_finite())
}
