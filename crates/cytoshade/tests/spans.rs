//! Spans of the feature `tracing`.
//!
//! The only test of its binary: a thread without a subscriber that reaches a span first would turn the span off for all.
#![cfg(all(feature = "tracing", feature = "cpu"))]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use cytoshade::{Device, Image, Model, Params, Segmenter, Stage};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

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
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    let segmenter = Segmenter::builder(&Model::open(file).unwrap()).device(Device::Cpu).build().unwrap();
    // A bright dome of 30 pixels.
    let dome = |at: i64| (20 + (900 - 4 * ((at / 80 - 32).pow(2) + (at % 80 - 40).pow(2))).max(0) / 4) as u8;
    let image = Image::new((0..64 * 80).map(dome).collect::<Vec<u8>>(), 1, 64, 80).unwrap();
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
