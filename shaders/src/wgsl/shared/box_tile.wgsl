// The plane pixel (row, column) at `local` in a 16 x 16 tile of a box. Uses `Box` of mask_flow.wgsl.
fn place_in(box: Box, tile: u32, local: vec2u) -> vec2u {
    let across = (box.width + 13u) / 16u;
    return vec2u(box.top, box.left) + 16u * vec2u(tile / across, tile % across) + local;
}
