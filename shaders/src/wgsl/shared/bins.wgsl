// The bins of the histogram of end points.

// Empty bins around the plane on each side (`rpad` in the reference).
const MARGIN = 20u;

// The bin of an end point (y, x), truncated and clamped to the plane.
fn bin_of(end: vec2f, width: u32, height: u32) -> u32 {
    let bin = min(vec2u(max(end, vec2f())), vec2u(height - 1u, width - 1u)) + MARGIN;
    return bin.x * (width + 2u * MARGIN) + bin.y;
}
