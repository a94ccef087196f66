//! A synthetic image with known cells.

use cytoshade::Image;

/// Side of the image.
pub const SIDE: usize = 144;

/// (y, x) of the cells' centers.
pub const CENTERS: [(i32, i32); 4] = [(30, 34), (38, 80), (76, 42), (80, 84)];

/// Bright domes at (y, x) on a dark square.
pub fn domes(centers: &[(i32, i32)]) -> Image {
    let pixel = |at: usize| {
        let (y, x) = ((at / SIDE) as i32, (at % SIDE) as i32);
        let height = |&(cy, cx): &(i32, i32)| 900 - 4 * ((y - cy).pow(2) + (x - cx).pow(2));
        100 + centers.iter().map(height).max().unwrap_or(0).max(0) as u16
    };
    Image::new((0..SIDE * SIDE).map(pixel).collect(), 1, SIDE, SIDE).unwrap()
}
