//! Every stage on the CPU against the reference's fixtures, except the network, which has files of its own.

use cytoshade_core::rescale::Rescale;
use cytoshade_core::tiling::{Pad, TileLayout, Tiling, taper};
use cytoshade_core::{Channels, Image, Normalize, Params, RescaleRule, Volume, channels};
use cytoshade_cpu::{blend, fill_holes, flow_error, follow_flows, histogram, masks, normalize, resize, tile};
use cytoshade_tests::fixtures::{Array, Case, NEEDS_TEST_DATA, cases, numbers, rows};
use cytoshade_tests::{agree, must_fail_when_perturbed, trial};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

/// "Equal to rounding", as a share of the largest value.
const ROUNDING: f64 = 1e-5;

fn main() {
    let mut trials = Vec::new();
    add(&mut trials, "channels", "cases.json", channels_case);
    add(&mut trials, "normalize", "cases.json", normalize_case);
    add(&mut trials, "resize", "cases.json", resize_case);
    add(&mut trials, "tile", "cases.json", tile_case);
    add(&mut trials, "blend", "cases.json", blend_case);
    add(&mut trials, "dynamics", "cases.json", dynamics_case);
    add(&mut trials, "dynamics", "label_cases.json", label_case);
    add(&mut trials, "dynamics", "flow_cases.json", flow_case);
    trials.push(trial("resize: rescale table", None, rescale_table));
    trials.push(trial("tile: pads table", None, pads_table));
    trials.push(trial("tile: positions table", None, positions_table));
    trials.push(trial("blend: taper table", None, taper_table));
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn add(trials: &mut Vec<Trial>, stage: &str, file: &str, test: fn(&Case) -> Result<(), Failed>) {
    for case in cases(stage, file) {
        let missing = (!case.complete()).then_some(NEEDS_TEST_DATA);
        trials.push(trial(format!("{stage}: {}", case.name()), missing, move || test(&case)));
    }
}

fn need(expected: Option<Array>, name: &str) -> Result<Array, Failed> {
    expected.ok_or_else(|| format!("the case expects no {name}").into())
}

/// Changes one value in the middle by a hundredth of the largest.
fn nudge(values: &mut [f32]) {
    let largest = values.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
    let middle = values.len() / 2;
    values[middle] += largest / 100.0;
}

fn channels_case(case: &Case) -> Result<(), Failed> {
    let array = case.input("image");
    // The image as its reader would give it: the channel axis is known, or the smallest, or there is none.
    let image = match (array.shape.len(), case.param("channel_axis").as_u64()) {
        (2, _) => Image::new(array.f32(), 1, array.shape[0], array.shape[1]),
        (_, Some(2)) => Image::interleaved(&array.f32(), array.shape[0], array.shape[1], array.shape[2]),
        (_, None) if array.shape[2] <= array.shape[0] => {
            Image::interleaved(&array.f32(), array.shape[0], array.shape[1], array.shape[2])
        }
        _ => Image::new(array.f32(), array.shape[0], array.shape[1], array.shape[2]),
    }?;
    let (chan, chan2) = (case.param("chan").as_u64(), case.param("chan2").as_u64());
    let (Some(chan), Some(chan2)) = (chan, chan2) else {
        // The image's first channels as they are.
        let planes = channels::select(image.view(), &Params::new().all_channels(true), 2)?;
        let expected = need(case.expected("planes"), "planes")?.f32();
        return must_fail_when_perturbed(&planes.into_vec(), |p| nudge(p), |p| agree::close(p, &expected, 1e-6));
    };
    let channels = Channels { chan: chan as usize, chan2: chan2 as usize };
    let planes = channels::select(image.view(), &Params::new().channels(channels), 2)?;
    let expected = need(case.expected("planes"), "planes")?.f32();
    must_fail_when_perturbed(&planes.into_vec(), |p| nudge(p), |p| agree::close(p, &expected, 1e-6))
}

/// The normalization that a case asks for.
fn normalization(case: &Case) -> Params {
    let list = |name: &str| case.param(name).as_array().cloned().unwrap_or_default();
    let pair = |value: &Value| Some((value[0].as_f64()?, value[1].as_f64()?));
    let each: Option<Vec<(f64, f64)>> = list("lowhigh").iter().map(pair).collect();
    let normalize = match (pair(case.param("lowhigh")), each) {
        _ if !case.flag("normalize") => Normalize::Off,
        (Some((low, high)), _) => Normalize::Range { low, high },
        (_, Some(each)) if !each.is_empty() => Normalize::Ranges(each),
        _ => {
            let (low, high) = pair(case.param("percentile")).unwrap_or((1.0, 99.0));
            Normalize::Percentile { low: low as f32, high: high as f32 }
        }
    };
    let number = |name: &str, default: f64| case.param(name).as_f64().unwrap_or(default);
    Params::new()
        .normalize(normalize)
        .invert(case.flag("invert"))
        .sharpen_radius(number("sharpen_radius", 0.0) as f32)
        .smooth_radius(number("smooth_radius", 0.0) as f32)
        .tile_norm_blocksize(number("tile_norm_blocksize", 0.0) as usize)
        .tile_norm_smooth3d(number("tile_norm_smooth3D", 1.0) as f32)
        .norm3d(case.param("norm3D").as_bool().unwrap_or(true))
}

fn normalize_case(case: &Case) -> Result<(), Failed> {
    let params = normalization(case);
    let formula = case.extra("formula");
    if let (Some(height), Some(width)) = (formula["height"].as_u64(), formula["width"].as_u64()) {
        return normalize_formula(case, &params, height as usize, width as usize);
    }
    let input = case.input("planes").volume();
    let mut volume = input.clone();
    normalize::normalize(&mut volume, &params)?;
    let expected = need(case.expected("planes"), "planes")?.volume();
    let percentiles = matches!(params.normalize, Normalize::Percentile { .. }) && params.tile_norm_blocksize == 0;
    for channel in 0..volume.channels() {
        let (ours, theirs) = (volume.channel(channel), expected.channel(channel));
        let constant = input.channel(channel).windows(2).all(|w| w[0] == w[1]);
        if constant && percentiles {
            // The reference leaves a constant channel as it is; here it becomes zero.
            if ours.iter().any(|&v| v != 0.0) {
                return Err("a constant channel is not zero".into());
            }
            continue;
        }
        must_fail_when_perturbed(&ours.to_vec(), |p| nudge(p), |p| agree::close(p, theirs, ROUNDING))?;
    }
    Ok(())
}

fn normalize_formula(case: &Case, params: &Params, height: usize, width: usize) -> Result<(), Failed> {
    let value = |y: usize, x: usize| (((y as u64 * 73_856_093) ^ (x as u64 * 19_349_663)) % 4093) as f32;
    let plane: Vec<f32> = (0..height * width).map(|at| value(at / width, at % width)).collect();
    let mut volume = Volume::new(plane, 1, 1, height, width)?;
    normalize::normalize(&mut volume, params)?;
    let samples = case.expected_json("samples").as_array().ok_or("no samples")?;
    let at = |sample: &Value, i: usize| sample[i].as_f64().unwrap_or(f64::NAN);
    let expected: Vec<f32> = samples.iter().map(|s| at(s, 2) as f32).collect();
    let ours: Vec<f32> =
        samples.iter().map(|s| volume.channel(0)[at(s, 0) as usize * width + at(s, 1) as usize]).collect();
    must_fail_when_perturbed(&ours, |p| nudge(p), |p| agree::close(p, &expected, ROUNDING))
}

fn resize_case(case: &Case) -> Result<(), Failed> {
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let expected = need(case.expected("image"), "image")?;
    if case.param("interpolation") == "nearest" {
        let ours = resize::nearest(&case.input("image").labels(), height, width).into_vec();
        return agree::equal_with_twin(&ours, &expected.u32(), "labels");
    }
    let ours = resize::bilinear(&case.input("image").planes(), height, width).into_vec();
    must_fail_when_perturbed(&ours, |p| nudge(p), |p| agree::close(p, &expected.f32(), ROUNDING))
}

fn rescale_table() -> Result<(), Failed> {
    let rows = rows("resize", "rescale.json");
    for row in &rows {
        let number = |name: &str| row[name].as_f64().unwrap_or(f64::NAN);
        for resample in [true, false] {
            let params = Params::new().diameter(row["diameter"].as_f64().map(|d| d as f32)).resample(resample);
            let (height, width) = (number("height") as usize, number("width") as usize);
            let (diam_mean, diam_labels) = (number("diam_mean") as f32, number("diam_labels") as f32);
            let resized = row["resized"].as_array().map_or((height, width), |r| {
                (r[0].as_u64().unwrap_or(0) as usize, r[1].as_u64().unwrap_or(0) as usize)
            });
            let niter = number(if resample { "niter_resample" } else { "niter_no_resample" }) as u32;
            match Rescale::new(&params, &RescaleRule { diam_mean, diam_labels }, height, width) {
                Ok(ours) if ((ours.height, ours.width), ours.niter) == (resized, niter) => {}
                Err(cytoshade_core::Error::ResizedAway { .. }) if resized.0 == 0 || resized.1 == 0 => {}
                Err(cytoshade_core::Error::TooManyPixels { limit, .. }) if resized.0 * resized.1 > limit => {}
                other => return Err(format!("{row}: {other:?}").into()),
            }
        }
    }
    if rows.len() < 20 { Err("too few rows".into()) } else { Ok(()) }
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

/// TileLayout without padding: the fixtures' planes are padded already.
fn unpadded(height: usize, width: usize, bsize: usize, overlap: f64, augment: bool) -> TileLayout {
    let none = Pad { before: 0, after: 0 };
    TileLayout { pad_y: none, pad_x: none, tiling: tiling_of(height, width, bsize, overlap, augment) }
}

fn tile_case(case: &Case) -> Result<(), Failed> {
    let planes = case.input("planes").planes();
    let (bsize, overlap) = (case.number("bsize") as usize, case.number("tile_overlap"));
    let tile_layout = unpadded(planes.height(), planes.width(), bsize, overlap, case.flag("augment"));
    let tiles = tile::cut(&tile_layout, &planes, &tile_layout.tiling.tiles);
    let expected = need(case.expected("tiles"), "tiles")?;
    if expected.shape[0] != tile_layout.tiling.tiles.len() {
        return Err(format!("{} tiles, expected {}", tile_layout.tiling.tiles.len(), expected.shape[0]).into());
    }
    must_fail_when_perturbed(&tiles, |p| nudge(p), |p| agree::close(p, &expected.f32(), 0.0))?;

    // The same with the padding done while cutting: cut the middle out of the planes, and say that it is padded.
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

fn blend_case(case: &Case) -> Result<(), Failed> {
    let tiles = case.input("tiles");
    let (tile_height, tile_width) = tiles.size();
    let (height, width) = (case.number("height") as usize, case.number("width") as usize);
    let (ystart, xstart) = (numbers(case.param("ystart")), numbers(case.param("xstart")));
    let augment = case.flag("augment");
    let mut places = Vec::new();
    for (j, &y) in ystart.iter().enumerate() {
        for (i, &x) in xstart.iter().enumerate() {
            let (flip_y, flip_x) = (augment && i % 2 == 1, augment && j % 2 == 1);
            places.push(cytoshade_core::tiling::Tile { y, x, flip_y, flip_x });
        }
    }
    let none = Pad { before: 0, after: 0 };
    let tiling = Tiling { height: tile_height, width: tile_width, tiles: places.clone() };
    let tile_layout = TileLayout { pad_y: none, pad_x: none, tiling };
    let mut blend = blend::Blend::new(tile_layout, 3, height, width);
    for (tile, output) in places.iter().zip(tiles.f32().chunks_exact(3 * tile_height * tile_width)) {
        blend.add(tile, output);
    }
    let expected = need(case.expected("planes"), "planes")?;
    must_fail_when_perturbed(&blend.finish().into_vec(), |p| nudge(p), |p| agree::close(p, &expected.f32(), ROUNDING))
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

/// Each intermediate is checked from the reference's own input to it, so that one stage's rounding is not the next
/// one's failure; the whole chain is checked by the measure for masks.
fn dynamics_case(case: &Case) -> Result<(), Failed> {
    let flows = case.input("flows").planes();
    let cellprob = case.input("cellprob").f32();
    let (height, width) = (flows.height(), flows.width());
    let threshold = case.number("cellprob_threshold") as f32;
    let ours =
        follow_flows::follow_flows(&flows, &cellprob, threshold, case.number("niter") as u32, case.flag("interp"))?;
    let from_reference = match case.expected("endpoints") {
        Some(expected) => {
            let expected = expected.end_points(&cellprob, threshold);
            agree::end_points_with_twin(&ours, &expected)?;
            expected
        }
        None => ours,
    };
    let counted = histogram::histogram(&from_reference, height, width);
    if let Some(expected) = case.expected("histogram") {
        agree::equal_with_twin(&counted.counts, &expected.u32(), "histograms")?;
    }
    let seeds = masks::seeds(&counted);
    if let Some(expected) = case.expected("seeds") {
        // Seeds of one count have no order of their own in the reference.
        let stride = width + 40;
        let mut theirs: Vec<(u32, usize)> =
            expected.values.chunks_exact(3).map(|s| (s[2] as u32, s[0] as usize * stride + s[1] as usize)).collect();
        let mut mine: Vec<(u32, usize)> = seeds.iter().map(|&s| (counted.counts[s], s)).collect();
        if !mine.is_sorted_by_key(|&(count, _)| count) {
            return Err("seeds are not in the order of their counts".into());
        }
        theirs.sort_unstable();
        mine.sort_unstable();
        let same = |s: &Vec<(u32, usize)>| if *s == theirs { Ok(()) } else { Err("seeds differ".into()) };
        must_fail_when_perturbed(&mine, |seeds| seeds.push((11, 0)), same)?;
    }
    let made = masks::masks(&from_reference, &counted, case.number("max_size_fraction"));
    if let Some(expected) = case.expected("masks") {
        let share = if expected.values.is_empty() { Ok(()) } else { agree::masks(made.as_slice(), &expected.u32()) };
        share?;
    }
    let reference_masks = case.expected("masks").map_or(made, |masks| masks.labels());
    if let Some(expected) = case.expected("flow_errors") {
        let errors = flow_error::flow_errors(&reference_masks, &flows)?;
        let close = |errors: &Vec<f64>| {
            if errors.len() != expected.values.len() {
                return Err(format!("{} errors, expected {}", errors.len(), expected.values.len()));
            }
            let within = |a: f64, b: f64| (a - b).abs() <= 1e-6 * b.abs().max(1e-3);
            match errors.iter().zip(&expected.values).find(|&(&a, &b)| !within(a, b)) {
                Some((a, b)) => Err(format!("flow error {a}, expected {b}")),
                None => Ok(()),
            }
        };
        if !errors.is_empty() {
            must_fail_when_perturbed(&errors, |errors| errors[0] += 1e-4, close)?;
        }
    }
    let mut checked = reference_masks;
    flow_error::remove_bad(&mut checked, &flows, case.number("flow_threshold"))?;
    if let Some(expected) = case.expected("checked") {
        agree::equal_with_twin(checked.as_slice(), &expected.u32(), "the masks after the flow check")?;
    }
    fill_holes::fill_holes_and_remove_small(&mut checked, case.number("min_size").max(0.0) as usize);
    if let Some(expected) = case.expected("final") {
        must_fail_when_perturbed(
            &checked.as_slice().to_vec(),
            |l| l.fill(0),
            |l| {
                if expected.u32().iter().all(|&v| v == 0) && l.iter().all(|&v| v == 0) {
                    return Err("nothing to compare".into());
                }
                agree::masks(l, &expected.u32())
            },
        )
        .or_else(|failed| {
            if expected.u32().iter().all(|&v| v == 0) && checked.max() == 0 { Ok(()) } else { Err(failed) }
        })?;
    }
    if let Some(cells) = case.expected_json("cells").as_u64()
        && u64::from(checked.max()) != cells
    {
        return Err(format!("{} cells, expected {cells}", checked.max()).into());
    }
    Ok(())
}

fn label_case(case: &Case) -> Result<(), Failed> {
    let mut labels = case.input("labels").labels();
    fill_holes::fill_holes_and_remove_small(&mut labels, case.number("min_size").max(0.0) as usize);
    let expected = match case.expected("final") {
        Some(expected) => expected.u32(),
        // Nothing new to say: the labels come out as they went in.
        None => case.input("labels").u32(),
    };
    agree::masks(labels.as_slice(), &expected)?;
    let count = labels.max() as usize;
    let present: std::collections::BTreeSet<u32> = labels.as_slice().iter().copied().filter(|&l| l > 0).collect();
    if present.len() != count { Err("the labels have gaps".into()) } else { Ok(()) }
}

fn flow_case(case: &Case) -> Result<(), Failed> {
    let ours = flow_error::masks_to_flows(&case.input("labels").labels()).into_vec();
    let expected = need(case.expected("flows"), "flows")?.f32();
    must_fail_when_perturbed(&ours, |p| nudge(p), |p| agree::close(p, &expected, ROUNDING))
}
