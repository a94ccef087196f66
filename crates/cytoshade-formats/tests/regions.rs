//! Regions, polygons, outlines and tables of cells, read back by decoders written here.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use cytoshade_core::LabelVolume;
use cytoshade_formats::{
    Error, LabelView, Labels, write_csv, write_geojson, write_hyperstack_rois, write_outlines, write_rois,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A region of ImageJ: its rings as corners, and its place.
#[derive(Debug, PartialEq)]
struct Region {
    kind: u8,
    rings: Vec<Vec<[f32; 2]>>,
    /// Position in a stack; channel, slice and frame in a hyperstack.
    position: u32,
    hyperstack: [u32; 3],
}

fn regions(archive: Vec<u8>) -> BTreeMap<String, Region> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive)).unwrap();
    (0..archive.len())
        .map(|index| {
            let mut bytes = Vec::new();
            let mut file = archive.by_index(index).unwrap();
            file.read_to_end(&mut bytes).unwrap();
            let (name, region) = region(&bytes);
            assert_eq!(file.name().unwrap(), format!("{name}.roi"));
            (name, region)
        })
        .collect()
}

/// Decodes the fields that ImageJ's `RoiDecoder.java` reads.
fn region(bytes: &[u8]) -> (String, Region) {
    let short = |at: usize| u16::from_be_bytes(bytes[at..at + 2].try_into().unwrap());
    let int = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let float = |at: usize| f32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!((&bytes[..4], short(4)), (&b"Iout"[..], 227));
    let [top, left, bottom, right] = [8, 10, 12, 14].map(|at| f32::from(short(at)));
    let points = usize::from(short(16));
    let mut rings = Vec::new();
    if int(36) > 0 {
        let path: Vec<f32> = (0..int(36) as usize).map(|at| float(64 + 4 * at)).collect();
        let mut rest = &path[..];
        while let [segment, after @ ..] = rest {
            rest = match (*segment as i32, after) {
                (0, [x, y, after @ ..]) => {
                    rings.push(vec![[*x, *y]]);
                    after
                }
                (1, [x, y, after @ ..]) => {
                    rings.last_mut().unwrap().push([*x, *y]);
                    after
                }
                (4, after) => after,
                other => panic!("{other:?}"),
            };
        }
    } else {
        let at = |axis: usize, point: usize| f32::from(short(64 + 2 * (axis * points + point)));
        rings.push((0..points).map(|point| [left + at(0, point), top + at(1, point)]).collect());
    }
    let all = rings.concat();
    let bound = |axis: usize, pick: fn(f32, f32) -> f32| all.iter().map(|corner| corner[axis]).reduce(pick).unwrap();
    if all.iter().flatten().all(|&side| side <= 65_535.0) {
        let bounds = [bound(1, f32::min), bound(0, f32::min), bound(1, f32::max), bound(0, f32::max)];
        assert_eq!(bounds, [top, left, bottom, right]);
    }
    let header2 = int(60) as usize;
    let (start, length) = (int(header2 + 16) as usize, int(header2 + 20) as usize);
    let units: Vec<u16> = (0..length).map(|at| short(start + 2 * at)).collect();
    let region =
        Region { kind: bytes[6], rings, position: int(56), hyperstack: [4, 8, 12].map(|at| int(header2 + at)) };
    (String::from_utf16(&units).unwrap(), region)
}

/// Fills pixels whose centers lie within the rings by the even-odd rule.
fn fill(rings: &[Vec<[f32; 2]>], label: u32, labels: &mut Labels) {
    let width = labels.width();
    let mut inside = vec![false; labels.as_slice().len()];
    for ring in rings {
        for (at, &[x, y]) in ring.iter().enumerate() {
            let [next_x, next_y] = ring[(at + 1) % ring.len()];
            assert!((x == next_x) != (y == next_y), "edges of pixels");
            for row in y.min(next_y) as usize..y.max(next_y) as usize {
                inside[row * width + x as usize..(row + 1) * width].iter_mut().for_each(|inside| *inside = !*inside);
            }
        }
    }
    for (pixel, _) in labels.as_mut_slice().iter_mut().zip(inside).filter(|(_, inside)| *inside) {
        assert_eq!(*pixel, 0, "regions do not overlap");
        *pixel = label;
    }
}

fn rois<'a>(labels: impl Into<LabelView<'a>>) -> BTreeMap<String, Region> {
    let mut archive = Cursor::new(Vec::new());
    write_rois(&mut archive, labels).unwrap();
    regions(archive.into_inner())
}

fn rows(rows: &[&str]) -> Labels {
    let data = rows.iter().flat_map(|row| row.bytes().map(|byte| u32::from(byte - b'0'))).collect();
    Labels::new(data, rows.len(), rows[0].len()).unwrap()
}

#[test]
fn small_cells_holes_and_parts_are_regions() {
    let found = rois(&rows(&["1001110", "0001010", "2201113", "0000030"]));
    let ring = |corners: &[[f32; 2]]| corners.to_vec();
    assert_eq!(found["000001"].kind, 1, "two parts, one with a hole: a composite");
    assert_eq!(found["000001"].rings.len(), 3);
    assert_eq!(found["000002"].kind, 8, "one part: a traced polygon");
    assert_eq!(found["000002"].rings, [ring(&[[0.0, 2.0], [2.0, 2.0], [2.0, 3.0], [0.0, 3.0]])]);
    assert_eq!(found["000003"].rings.len(), 2, "pixels that meet in a corner are two parts");
    assert!(found.values().all(|region| region.position == 0 && region.hyperstack == [0; 3]));
    assert_eq!(rois(&Labels::zeros(3, 3)).len(), 0);
}

#[test]
fn regions_of_a_stack_have_its_positions() {
    let volume = LabelVolume::new(vec![7, 7, 0, 0, 0, 7, 3, 3], 2, 2, 2).unwrap();
    let found = rois(&volume);
    assert_eq!(found.keys().collect::<Vec<_>>(), ["000003-0002", "000007-0001", "000007-0002"]);
    assert_eq!((found["000007-0002"].position, found["000007-0002"].hyperstack), (2, [0; 3]));
    let mut archive = Cursor::new(Vec::new());
    write_hyperstack_rois(&mut archive, &volume).unwrap();
    let found = regions(archive.into_inner());
    assert_eq!((found["000007-0002"].position, found["000007-0002"].hyperstack), (0, [0, 2, 0]));
    let mut archive = Cursor::new(Vec::new());
    write_hyperstack_rois(&mut archive, LabelView::time_series(&volume)).unwrap();
    assert_eq!(regions(archive.into_inner())["000003-0002"].hyperstack, [0, 0, 2]);
    let series = [1, 0, 0, 1, 0, 1, 1, 1];
    let found = rois(LabelView::time_series_of_stacks(&series, [2, 2, 1, 2]).unwrap());
    assert_eq!((found["000001-0003"].position, found["000001-0003"].hyperstack), (0, [0, 1, 2]));
}

#[test]
fn coordinates_past_16_bits_make_a_composite() {
    let width = 60_600;
    let mut labels = Labels::zeros(2, width);
    labels.as_mut_slice()[60_530..60_535].fill(1);
    labels.as_mut_slice()[60_540..60_542].fill(2);
    let found = rois(&labels);
    assert_eq!(["000001", "000002"].map(|name| found[name].kind), [8, 1]);
    let mut filled = Labels::zeros(2, width);
    fill(&found["000001"].rings, 1, &mut filled);
    fill(&found["000002"].rings, 2, &mut filled);
    assert_eq!(filled, labels);
}

#[test]
fn tables_and_polygons_have_the_values_of_an_image() {
    let labels = Labels::new([0, 7, 7, 0, 7, 2, 2, 7, 7, 7, 7, 7].to_vec(), 3, 4).unwrap();
    let expected = "label,area,centroid_y,centroid_x,top,left,bottom,right,equivalent_diameter\n\
        2,2,1.000,1.500,1,1,2,3,1.596\n7,8,1.250,1.500,0,0,3,4,3.192\n";
    assert_eq!(csv(&labels), expected);
    let features = geojson(&labels);
    let [cell, around] = features.as_slice() else { panic!("{features:?}") };
    assert_eq!((&cell["properties"]["name"], &cell["properties"]["label"]), (&"2".into(), &2.into()));
    let ring = json!([[[1, 1], [3, 1], [3, 2], [1, 2], [1, 1]]]);
    assert_eq!(cell["geometry"], json!({"type": "Polygon", "coordinates": ring}));
    // The upper part meets the rest in corners alone.
    let parts = json!([
        [[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]],
        [[[0, 1], [1, 1], [1, 2], [3, 2], [3, 1], [4, 1], [4, 3], [0, 3], [0, 1]]],
    ]);
    assert_eq!(around["geometry"], json!({"type": "MultiPolygon", "coordinates": parts}));
}

#[test]
fn tables_and_polygons_have_the_places_of_a_stack() {
    let volume = LabelVolume::new(vec![7, 7, 0, 0, 0, 7, 3, 3], 2, 2, 2).unwrap();
    let expected = "label,volume,centroid_z,centroid_y,centroid_x,z_start,top,left,z_end,bottom,right,\
        equivalent_diameter\n3,2,1.000,1.000,0.500,1,1,0,2,2,2,1.563\n7,3,0.333,0.000,0.667,0,0,0,2,1,2,1.789\n";
    assert_eq!(csv(&volume), expected);
    let expected = "frame,label,area,centroid_y,centroid_x,top,left,bottom,right,equivalent_diameter\n\
        0,7,2,0.000,0.500,0,0,1,2,1.596\n1,3,2,1.000,0.500,1,0,2,2,1.596\n1,7,1,0.000,1.000,0,1,1,2,1.128\n";
    assert_eq!(csv(LabelView::time_series(&volume)), expected);
    let planes = |features: Vec<Value>| -> Vec<Value> {
        features.iter().map(|feature| json!([feature["properties"]["label"], feature["geometry"]["plane"]])).collect()
    };
    let place = |z: usize, t: usize| json!({"c": -1, "z": z, "t": t});
    let expected = [json!([7, place(0, 0)]), json!([3, place(1, 0)]), json!([7, place(1, 0)])];
    assert_eq!(planes(geojson(&volume)), expected);
    let expected = [json!([7, place(0, 0)]), json!([3, place(0, 1)]), json!([7, place(0, 1)])];
    assert_eq!(planes(geojson(LabelView::time_series(&volume))), expected);
    assert_eq!(geojson(&Labels::zeros(3, 3)), [Value::Null; 0]);
}

fn csv<'a>(labels: impl Into<LabelView<'a>>) -> String {
    let mut table = Vec::new();
    write_csv(&mut table, labels).unwrap();
    String::from_utf8(table).unwrap()
}

fn geojson<'a>(labels: impl Into<LabelView<'a>>) -> Vec<Value> {
    let mut features = Vec::new();
    write_geojson(&mut features, labels).unwrap();
    let features: Value = serde_json::from_slice(&features).unwrap();
    features["features"].as_array().unwrap().clone()
}

#[test]
fn outlines_are_lines_of_coordinates() {
    let mut text = Vec::new();
    write_outlines(&mut text, &rows(&["2000", "0111", "0111"])).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), "1,1,1,2,2,2,3,2,3,1,2,1\n\n", "a dot has no outline");
    let volume = LabelVolume::zeros(2, 3, 3);
    assert!(matches!(write_outlines(Vec::new(), &volume), Err(Error::Output { .. })));
}

proptest! {
    #[test]
    fn regions_cover_exactly_their_cells(
        (height, width, pixels) in (1usize..14, 1usize..14).prop_flat_map(|(height, width)| {
            (Just(height), Just(width), prop::collection::vec(0u32..4, height * width))
        }),
        changed in any::<prop::sample::Index>(),
    ) {
        let labels = Labels::new(pixels, height, width).unwrap();
        let filled = |labels: &Labels| {
            let mut filled = Labels::zeros(height, width);
            for (name, region) in rois(labels) {
                fill(&region.rings, name.parse().unwrap(), &mut filled);
            }
            filled
        };
        prop_assert_eq!(filled(&labels), labels.clone());
        let mut other = labels.clone();
        let pixel = &mut other.as_mut_slice()[changed.index(height * width)];
        *pixel = (*pixel + 1) % 4;
        prop_assert_ne!(filled(&other), labels);
    }
}
