//! Files of microscopes' makers against tifffile; `vendors/make.py` writes them.
#![cfg(feature = "microscopy")]

use std::path::Path;

use cytoshade_formats::{ImageFile, Pages, ReadOptions, read_bytes};
use serde_json::Value;

#[test]
fn lsm_axes_and_planes_are_those_of_tifffile() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vendors");
    let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
    for (name, expected) in expected.as_object().unwrap() {
        let bytes = std::fs::read(folder.join(format!("{name}.lsm"))).unwrap();
        let options = ReadOptions::pages(Pages::List);
        let file = ImageFile::from_bytes(&bytes, &options).unwrap();
        let [series] = file.series() else { panic!("{name} has {} series", file.series().len()) };
        let axes = series.axes().iter().filter(|axis| axis.length > 1);
        let (letters, shape): (String, Vec<usize>) = axes.map(|axis| (axis.kind.letter(), axis.length)).unzip();
        let numbers = |key: &str| expected[key].as_array().unwrap().iter().map(|value| value.as_u64().unwrap());
        assert_eq!(
            (letters.as_str(), shape),
            (expected["axes"].as_str().unwrap(), numbers("shape").map(|n| n as usize).collect()),
            "{name}"
        );
        let size = series.pixel_size();
        for (found, micrometres) in [(size.x, 0.2), (size.y, 0.25), (size.z, 1.0)] {
            assert!((found.unwrap() - micrometres).abs() < 1e-12, "{name}: {found:?}");
        }
        let planes = read_bytes(&bytes, &options).unwrap();
        let read = planes.iter().flat_map(|image| {
            (0..image.channels()).flat_map(|channel| image.to_planes(channel).unwrap().into_vec()).collect::<Vec<_>>()
        });
        assert!(read.eq(numbers("values").map(|value| value as f32)), "{name}: the samples differ");
    }
}
