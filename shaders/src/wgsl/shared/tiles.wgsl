// A tile: where it lies in its planes, whose padding is outside of them.
struct Tile {
    y: i32,
    x: i32,
    // 1 where the network sees it upside down, mirrored.
    flip_y: u32,
    flip_x: u32,
    // Where the weights of its rows and of its columns begin.
    rows: u32,
    columns: u32,
}
