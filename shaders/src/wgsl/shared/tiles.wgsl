// A tile of planes.
struct Tile {
    /// First row and column in the planes, below 0 in their padding.
    y: i32,
    x: i32,
    /// 1 if the network's input is flipped vertically, and horizontally.
    flip_y: u32,
    flip_x: u32,
    /// The index of the weights of its rows, and of its columns.
    rows: u32,
    columns: u32,
}
