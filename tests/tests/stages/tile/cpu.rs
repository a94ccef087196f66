//! Stage `tile` on the CPU: padding, positions and the tiles themselves.

use cytoshade_core::tiling::{Pad, TileLayout, Tiling};
use cytoshade_cpu::tile;
use cytoshade_tests::agree;
use cytoshade_tests::fixtures::{Case, numbers, rows};
use cytoshade_tests::suite::Group;
use libtest_mimic::Failed;

pub(crate) fn add(group: &mut Group<'_>) {
    group.fixtures("tile", "cases.json", &["tiles"], fixture);
    group.test("pads table", pads_table);
    group.test("positions table", positions_table);
}

fn pads_table() -> Result<(), Failed> {
    let rows = rows("tile", "pads.json");
    for row in &rows {
        let row = numbers(row);
        let (y, x) = (Pad::new(row[0], 16), Pad::new(row[1], 16));
        if row[2..] != [y.before, y.after, x.before, x.after] {
            return Err(format!("{row:?}: {y:?} {x:?}").into());
        }
    }
    if rows.is_empty() { Err("no rows".into()) } else { Ok(()) }
}

/// The distinct starts of the tiles along y and x.
fn starts(tiling: &Tiling, columns: usize) -> (Vec<usize>, Vec<usize>) {
    let ys = tiling.tiles.iter().step_by(columns).map(|tile| tile.y).collect();
    (ys, tiling.tiles.iter().take(columns).map(|tile| tile.x).collect())
}

fn tiling_of(height: usize, width: usize, bsize: usize, overlap: f64, augment: bool) -> Tiling {
    if augment { Tiling::augmented(height, width, bsize) } else { Tiling::new(height, width, bsize, overlap) }
}

fn positions_table() -> Result<(), Failed> {
    let rows = rows("tile", "positions.json");
    for row in &rows {
        let number = |name: &str| row[name].as_u64().unwrap_or(0) as usize;
        let overlap = row["tile_overlap"].as_f64().unwrap_or(0.1);
        let augment = row["augment"].as_bool().unwrap_or(false);
        let tiling = tiling_of(number("height"), number("width"), number("bsize"), overlap, augment);
        let (ystart, xstart) = (numbers(&row["ystart"]), numbers(&row["xstart"]));
        if (starts(&tiling, xstart.len()), numbers(&row["tile"]))
            != ((ystart, xstart), vec![tiling.height, tiling.width])
        {
            return Err(format!("{row}: {tiling:?}").into());
        }
    }
    if rows.len() < 20 { Err("too few rows".into()) } else { Ok(()) }
}

/// A layout without padding: the fixtures' planes are padded already.
fn unpadded(height: usize, width: usize, bsize: usize, overlap: f64, augment: bool) -> TileLayout {
    let none = Pad { before: 0, after: 0 };
    TileLayout { pad_y: none, pad_x: none, tiling: tiling_of(height, width, bsize, overlap, augment) }
}

fn fixture(case: &Case) -> Result<(), Failed> {
    let planes = case.input("planes").planes();
    let (bsize, overlap) = (case.number("bsize") as usize, case.number("tile_overlap"));
    let tile_layout = unpadded(planes.height(), planes.width(), bsize, overlap, case.flag("augment"));
    let tiles = tile::cut(&tile_layout, &planes, &tile_layout.tiling.tiles);
    let expected = case.require("tiles")?;
    if expected.shape[0] != tile_layout.tiling.tiles.len() {
        return Err(format!("{} tiles, expected {}", tile_layout.tiling.tiles.len(), expected.shape[0]).into());
    }
    agree::close_with_twin(&tiles, &expected.f32(), 0.0)?;

    // The same with padding during cutting: take the middle of the planes, and pad it in the layout.
    let pad = Pad { before: 3, after: 2 };
    let (height, width) = (planes.height() - 5, planes.width() - 5);
    let mut inner = cytoshade_core::Planes::zeros(planes.channels(), height, width);
    let mut framed = cytoshade_core::Planes::zeros(planes.channels(), planes.height(), planes.width());
    for channel in 0..planes.channels() {
        for y in 0..height {
            let row = &planes.plane(channel)[(y + 3) * planes.width() + 3..][..width];
            inner.plane_mut(channel)[y * width..][..width].copy_from_slice(row);
            framed.plane_mut(channel)[(y + 3) * planes.width() + 3..][..width].copy_from_slice(row);
        }
    }
    let padding = TileLayout { pad_y: pad, pad_x: pad, ..tile_layout.clone() };
    if tile::cut(&padding, &inner, &tile_layout.tiling.tiles)
        != tile::cut(&tile_layout, &framed, &tile_layout.tiling.tiles)
    {
        return Err("padding while cutting differs from padding before".into());
    }
    Ok(())
}
