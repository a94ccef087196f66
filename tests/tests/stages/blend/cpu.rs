//! Stage `blend` on the CPU.

use cytoshade_core::tiling::{Pad, Tile, TileLayout, Tiling, taper};
use cytoshade_cpu::blend;
use cytoshade_tests::agree::{self, ROUNDING};
use cytoshade_tests::fixtures::{Case, numbers, rows};
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;
use serde_json::Value;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("blend", "cases.json", &["planes"], fixture);
    group.test("taper table", taper_table);
}

/// The positions of a case's tiles.
pub(crate) fn positions(case: &Case) -> Vec<Tile> {
    let (ystart, xstart) = (numbers(case.param("ystart")), numbers(case.param("xstart")));
    let augment = case.flag("augment");
    let mut positions = Vec::new();
    for (j, &y) in ystart.iter().enumerate() {
        for (i, &x) in xstart.iter().enumerate() {
            positions.push(Tile { y, x, flip_y: augment && i % 2 == 1, flip_x: augment && j % 2 == 1 });
        }
    }
    positions
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let tiles = case.input("tiles");
    let (tile_height, tile_width) = tiles.size();
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let positions = positions(case);
    let none = Pad { before: 0, after: 0 };
    let tiling = Tiling { height: tile_height, width: tile_width, tiles: positions.clone() };
    let tile_layout = TileLayout { pad_y: none, pad_x: none, tiling };
    let mut blend = blend::Blend::new(tile_layout, 3, height, width);
    for (tile, output) in positions.iter().zip(tiles.f32().chunks_exact(3 * tile_height * tile_width)) {
        blend.add(tile, output);
    }
    let expected = case.require("planes")?;
    agree::close_with_twin(&blend.finish().into_vec(), &expected.f32(), ROUNDING)
}

fn taper_table() -> Result<(), Failed> {
    let rows = rows("blend", "taper.json");
    for row in &rows {
        let number = |name: &str| row[name].as_u64().unwrap_or(0) as usize;
        let (ys, xs) = taper(number("ly"), number("lx"));
        let values: Vec<f64> = row["values"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        if values.len() != xs.len() {
            return Err(format!("{} weights, expected {}", xs.len(), values.len()).into());
        }
        for (x, value) in xs.iter().zip(&values) {
            if (x * ys[number("row")] - value).abs() > 1e-12 {
                return Err(format!("weight {}, expected {value}", x * ys[number("row")]).into());
            }
        }
    }
    if rows.is_empty() { Err("no rows".into()) } else { Ok(()) }
}
