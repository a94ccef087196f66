//! The optional features together: spans, parameters as data, arrays and foreign images.
#![cfg(all(feature = "image", feature = "ndarray", feature = "serde", feature = "tracing", feature = "cpu"))]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cytoshade::image::{DynamicImage, GrayImage, Luma};
use cytoshade::ndarray::Array3;
use cytoshade::{Device, Image, ImageView, Model, Outputs, Params, RestoreOptions, Segmenter, Stage};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

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

/// The name and the fields of every span.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<Vec<(&'static str, BTreeMap<&'static str, String>)>>>);

struct Fields<'a>(&'a mut BTreeMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Spans {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cytoshade")
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut spans = self.0.lock().unwrap();
        let mut fields = BTreeMap::new();
        attributes.record(&mut Fields(&mut fields));
        spans.push((attributes.metadata().name(), fields));
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut spans = self.0.lock().unwrap();
        values.record(&mut Fields(&mut spans[span.into_u64() as usize - 1].1));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, _: &Event<'_>) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn every_stage_has_a_span_of_its_name_with_size_and_device() {
    let segmenter = segmenter();
    let planar: Vec<u8> = (0..64 * 80).map(|at| dome(at / 80, at % 80)).collect();
    let image = Image::new(planar, 1, 64, 80).unwrap();
    let spans = Spans::default();
    tracing::subscriber::with_default(spans.clone(), || {
        segmenter.segment(&image, &Params::new().diameter(25.0)).unwrap();
    });
    let spans = spans.0.lock().unwrap();
    let names: Vec<_> = spans.iter().map(|(name, _)| *name).collect();
    let stages = [
        Stage::Channels,
        Stage::Normalize,
        Stage::Resize,
        Stage::Network,
        Stage::Resize,
        Stage::FollowFlows,
        Stage::Masks,
        Stage::FlowError,
        Stage::FillHoles,
    ];
    assert_eq!(names, stages.map(Stage::name));
    for (name, fields) in spans.iter() {
        let size = ["depth", "height", "width", "image"].map(|field| fields[field].as_str());
        assert_eq!(size, ["1", "64", "80", "0"], "{name}");
        assert!(fields["device"].starts_with("CPU"), "{name}: {}", fields["device"]);
    }
}
