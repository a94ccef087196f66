//! The optional features together: parameters as data, arrays and foreign images.
#![cfg(all(feature = "image", feature = "ndarray", feature = "serde", feature = "cpu"))]

use std::path::Path;

use cytoshade::image::{DynamicImage, GrayImage, Luma};
use cytoshade::ndarray::Array3;
use cytoshade::{Device, Image, ImageView, Model, Outputs, Params, RestoreOptions, Segmenter};

fn segmenter() -> Segmenter {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    Segmenter::builder(&Model::open(file).unwrap()).device(Device::Cpu).build().unwrap()
}

/// Bright domes of 30 pixels, 44 apart.
fn dome(y: usize, x: usize) -> u8 {
    let inside = |v: usize| (v % 44) as i64 - 22;
    (20 + (900 - 4 * (inside(y).pow(2) + inside(x).pow(2))).max(0) / 4) as u8
}

#[test]
fn images_of_other_crates_give_the_same_labels() {
    let segmenter = segmenter();
    let planar: Vec<u8> = (0..132 * 176).map(|at| dome(at / 176, at % 176)).collect();
    let expected = segmenter.segment(&Image::new(planar, 1, 132, 176).unwrap(), &Params::new()).unwrap();
    assert_eq!(expected.cells(), 12);

    let pixels = GrayImage::from_fn(176, 132, |x, y| Luma([dome(y as usize, x as usize)]));
    let foreign = DynamicImage::ImageLuma8(pixels);
    let found = segmenter.segment(ImageView::try_from(&foreign).unwrap(), &Params::new()).unwrap();
    assert_eq!(found.labels, expected.labels);

    let array = Array3::from_shape_fn((1, 132, 176), |(_, y, x)| dome(y, x));
    let found = segmenter.segment(&Image::from_array(array.view()).unwrap(), &Params::new()).unwrap();
    let labels = found.labels.as_array();
    assert_eq!((labels.dim(), labels[[22, 22]]), ((132, 176), expected.labels.as_slice()[22 * 176 + 22]));
    assert_eq!(labels.iter().copied().max(), Some(12));
    assert_eq!(found.labels.into_array(), expected.labels.into_array());
}

#[test]
fn parameters_survive_json() {
    let params = Params::new().diameter(40.0).channels([1, 2]).outputs(Outputs::new().flows(true)).do_3d(true);
    let json = serde_json::to_string(&params).unwrap();
    assert_eq!(serde_json::from_str::<Params>(&json).unwrap(), params);
    // What a file does not name keeps its default.
    let some: Params = serde_json::from_str(r#"{"diameter": 12.5, "normalize": "off"}"#).unwrap();
    assert_eq!(some, Params::new().diameter(12.5).normalize(cytoshade::Normalize::Off));
    let options: RestoreOptions = serde_json::from_str(r#"{"upsample": true}"#).unwrap();
    assert_eq!(options, RestoreOptions::new().upsample(true));
    assert_eq!(serde_json::from_str::<Device>(r#""cpu""#).unwrap(), Device::Cpu);
}
