//! Recognises the networks of Cellpose 4, to name them in an error.

/// A tensor that every transformer of Cellpose 4 has (`vit_sam.Transformer`, `CPDINO`).
const PATCHES: &str = "encoder.patch_embed.proj.weight";

/// A tensor of the DINO backbones, which SAM's lack (the reference's `models.get_backbone`).
const DINO: &str = "encoder.cls_token";

/// The Cellpose 4 architecture with tensors of these names, if any.
pub(super) fn recognize(names: &[&str]) -> Option<&'static str> {
    let has = |wanted: &str| {
        let mut prefixes = names.iter().filter_map(|name| name.strip_suffix(wanted));
        prefixes.any(|prefix| prefix.is_empty() || prefix.ends_with('.'))
    };
    match (has(PATCHES), has(DINO)) {
        (false, _) => None,
        (true, false) => Some("Cellpose-SAM"),
        (true, true) => Some("Cellpose-DINO"),
    }
}
