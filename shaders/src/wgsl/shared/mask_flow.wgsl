// The flow of a mask from its heat.

// A mask's box with a border of one pixel.
struct Box {
    label: u32,
    /// First row and column, without the border.
    top: u32,
    left: u32,
    /// Sides, with the border.
    height: u32,
    width: u32,
    /// Rows of an invocation of `flow_error`.
    rows: u32,
}

// A bound of the rounding of the heat, relative to it; and the least heat that does not underflow.
const ROUNDING = 1e-5;
const LEAST = 1e-34;

// The squared difference between a pixel's own flow, the slope of the heat at unit length, and a fifth of the network's;
// and a bound of its rounding.
fn difference(up: f32, down: f32, left: f32, right: f32, network: vec2f) -> vec2f {
    let slope = vec2f(down - up, right - left);
    let steepest = max(abs(slope.x), abs(slope.y));
    var own = vec2f();
    var turn = 2.0;
    if steepest > 0.0 {
        // Scaled first: the squares of small slopes would underflow.
        own = normalize(slope / steepest);
        turn = min(turn, (ROUNDING * (up + down + left + right) + LEAST) / steepest);
    }
    let off = own - network / 5.0;
    return vec2f(dot(off, off), turn * (2.0 * length(off) + turn));
}
