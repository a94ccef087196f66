//! The networks of Cellpose 4, which are recognised in order to name them in an error.

use crate::Error;

/// A tensor that every transformer of Cellpose 4 has (`vit_sam.Transformer`, `CPDINO`).
const PATCHES: &str = "encoder.patch_embed.proj.weight";

/// A tensor of the DINO backbones, by which the reference tells them from SAM's (`models.get_backbone`).
const DINO: &str = "encoder.cls_token";

/// Refuses tensors of these names if they are those of Cellpose 4.
///
/// # Errors
/// [`Error::Architecture`].
pub(super) fn refuse(names: &[&str]) -> Result<(), Error> {
    let has = |wanted: &str| {
        let mut prefixes = names.iter().filter_map(|name| name.strip_suffix(wanted));
        prefixes.any(|prefix| prefix.is_empty() || prefix.ends_with('.'))
    };
    match (has(PATCHES), has(DINO)) {
        (false, _) => Ok(()),
        (true, false) => Err(Error::Architecture { found: "Cellpose-SAM" }),
        (true, true) => Err(Error::Architecture { found: "Cellpose-DINO" }),
    }
}
