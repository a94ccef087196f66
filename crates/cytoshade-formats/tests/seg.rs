//! `_seg.npy` files of every version of Cellpose, against what `seg/make.py` had Python say about them.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use cytoshade_core::{Image, LabelVolume, Planes, Volume};
use cytoshade_formats::{
    Array, CostLimits, Error, FlowView, LabelView, Labels, Limits, Outline, Plain, ReadOptions, Seg, SegParts,
    ValueLimits, numpy, numpy::Kind, outline_labels, outlines, read, read_seg, write_seg,
};
use proptest::prelude::*;
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/seg")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn expected() -> serde_json::Map<String, Value> {
    serde_json::from_slice::<Value>(&file("expected.json")).unwrap().as_object().unwrap().clone()
}

fn open(bytes: &[u8]) -> Result<Seg<'_>, Error> {
    read_seg(bytes, &Limits::default())
}

/// The masks that every file was made of.
fn masks() -> Labels {
    labels("masks.npy")
}

fn labels(name: &str) -> Labels {
    let image = &read(folder().join(name), &ReadOptions::default()).unwrap()[0];
    let values = image.to_planes(0).unwrap().as_slice().iter().map(|&value| value as u32).collect();
    Labels::new(values, image.height(), image.width()).unwrap()
}

fn plane(labels: LabelView<'_>) -> Labels {
    Labels::new(labels.as_slice().to_vec(), labels.height(), labels.width()).unwrap()
}

/// `<f4[3, 16, 20]`, as the script writes it: numpy turns the bytes around when it reads them.
fn form(array: &Array<'_, Plain<'_>>) -> String {
    format!("{}{}{:?}", array.dtype().order().replace('>', "<"), array.dtype().name(), array.shape())
}

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_string);
    value.as_array().into_iter().flatten().map(text).collect()
}

#[test]
fn every_form_opens_and_holds_what_python_finds() {
    let expected = expected();
    assert!(expected.len() > 40, "{}", expected.len());
    let masks = masks();
    assert_eq!(masks.max(), 5);
    let above_2: Vec<u32> = masks.as_slice().iter().map(|&label| if label > 2 { label } else { 0 }).collect();
    let empty = vec![0; masks.as_slice().len()];
    let stack = [masks.as_slice(), &empty, &above_2].concat();
    for (name, expected) in &expected {
        let bytes = file(name);
        let seg = open(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_stack = name.contains("stack");
        assert_eq!(seg.labels().as_slice(), if is_stack { &stack } else { masks.as_slice() }, "{name}");
        assert_eq!(seg.labels().slices(), is_stack.then_some(3), "{name}");
        assert_eq!(seg.cells(), 5, "{name}");
        assert_eq!(seg.keys(), texts(&expected["keys"]), "{name}");
        assert_eq!(seg.unknown(), texts(&expected["unknown"]), "{name}");
        assert_eq!([seg.known(), seg.unknown()].concat(), seg.keys(), "{name}");
        let left_out: Vec<String> =
            seg.left_out().iter().map(|left| left.split([':', '[']).next().unwrap().into()).collect();
        assert_eq!(left_out, texts(&expected["left_out"]), "{name}");
        assert_eq!(form(seg.get("masks").and_then(Plain::as_array).unwrap()), expected["masks"], "{name}");
        let flows: Vec<String> = seg.flows().into_iter().map(form).collect();
        assert_eq!(flows, texts(&expected["flows"]), "{name}");
        assert_eq!(seg.diameter(), expected["diameter"].as_f64(), "{name}");
        if let Some(filename) = expected["filename"].as_str() {
            assert_eq!(seg.filename().unwrap(), filename, "{name}");
        }
        let numbers = |key: &str| -> Option<Vec<i64>> {
            Some(expected[key].as_array()?.iter().flat_map(Value::as_i64).collect())
        };
        assert_eq!(seg.channels(), numbers("channels"), "{name}");
        let manual = seg.is_manual().map(|flags| flags.into_iter().map(i64::from).collect());
        if numbers("manual").is_some() {
            assert_eq!(manual, numbers("manual"), "{name}");
        }
    }
}

#[test]
fn values_that_are_no_plain_data_are_left_out_and_said() {
    for protocol in [2, 3, 4, 5] {
        let bytes = file(&format!("beside{protocol}_seg.npy"));
        let seg = open(&bytes).unwrap();
        let said = seg.left_out().join("\n");
        for expected in [
            "when: a value of “datetime.datetime”",
            "records: an array of type “|V12”",
            "date: a scalar of type “<M8”",
            "masked: a value of “numpy.ma",
            "state: an int of 17 bytes",
            "huge: an int of 501 bytes",
            "nested[1].deep[0]: a value of “",
        ] {
            assert!(said.contains(expected), "{expected} in {said}");
        }
        // The plain values beside them are there.
        let is_two =
            |key: &str| matches!(seg.get(key), Some(Plain::Set(items) | Plain::List(items)) if items.len() == 2);
        assert!(is_two("sets"), "{:?}", seg.get("sets"));
        assert_eq!(seg.get("frozen"), Some(&Plain::FrozenSet(vec![Plain::Int(1)])));
        assert_eq!(seg.get("complex"), Some(&Plain::Complex(1.0, -2.0)));
        assert_eq!(seg.get("bytes"), Some(&Plain::Bytes(b"ab"[..].into())));
        assert_eq!(form(seg.get("matrix").and_then(Plain::as_array).unwrap()), "<i8[1, 2]");
        for dict in ["counts", "ordered"] {
            assert_eq!(seg.get(dict).unwrap().get("a"), Some(&Plain::Int(1)), "{dict}");
        }
        for namespace in ["args", "config"] {
            assert_eq!(seg.get(namespace).unwrap().get("lr"), Some(&Plain::Float(0.1)), "{namespace}");
        }
        // Written again, they are as before.
        let mut again = Vec::new();
        seg.write(&mut again).unwrap();
        let again = open(&again).unwrap();
        assert_eq!((again.labels().as_slice(), again.get("sets")), (seg.labels().as_slice(), seg.get("sets")));
        assert!(again.left_out().is_empty(), "{:?}", again.left_out());
    }
}

#[test]
fn outlines_are_those_of_the_reference() {
    let edges = labels("edges.npy");
    assert_eq!(outline_labels(&edges).unwrap(), labels("edges_expected.npy"));
    let expected: Value = serde_json::from_slice(&file("edges.json")).unwrap();
    let found = outlines(&edges).unwrap();
    assert_eq!(found.len(), expected.as_object().unwrap().len());
    for Outline { label, points } in found {
        assert_eq!(serde_json::json!(points), expected[label.to_string()], "{label}");
    }
    for name in ["v0.6.5_seg.npy", "v2.3.2_seg.npy", "v4.0.8_seg.npy"] {
        let bytes = file(name);
        let seg = open(&bytes).unwrap();
        let expected = seg.get("outlines").and_then(Plain::as_array).unwrap();
        let expected: Vec<f64> = expected.numbers().unwrap().collect();
        let found: Vec<f64> =
            outline_labels(&plane(seg.labels())).unwrap().into_vec().into_iter().map(f64::from).collect();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn what_is_read_is_written_again() {
    for name in expected().keys() {
        let bytes = file(name);
        let seg = open(&bytes).unwrap();
        let mut once = Vec::new();
        seg.write(&mut once).unwrap();
        let again = open(&once).unwrap_or_else(|error| panic!("{name}: {error}"));
        let is_kept = |key: &String| !matches!(seg.get(key), Some(Plain::Opaque(_)));
        let kept: Vec<String> = seg.keys().into_iter().filter(is_kept).collect();
        assert_eq!((again.labels().as_slice(), again.keys()), (seg.labels().as_slice(), kept), "{name}");
        // NaN is equal to nothing, its text is.
        if seg.left_out().is_empty() {
            assert!(format!("{again:?}") == format!("{seg:?}"), "{name}");
        }
    }
}

#[test]
fn strange_values_are_kept() {
    for name in ["strange2_seg.npy", "strange4_seg.npy", "numpy1_strange4_seg.npy"] {
        let bytes = file(name);
        let seg = open(&bytes).unwrap();
        assert_eq!(seg.get("my_notes").and_then(Plain::as_text).unwrap(), "größer");
        assert_eq!(seg.get("my_bytes"), Some(&Plain::Bytes(b"\x00\xff".into())), "{name}");
        assert_eq!(seg.get("my_number"), Some(&Plain::Int(1 << 100)), "{name}");
        assert_eq!(seg.get("my_scalar").and_then(Plain::as_number), Some(0.5), "{name}");
        let objects = seg.get("my_objects").and_then(Plain::as_array).unwrap();
        assert_eq!((objects.shape(), objects.dtype().kind), (&[2, 1][..], Kind::Object));
        let text = format!("{objects:?}");
        assert!(text.contains("deep") && text.contains("2.5"), "{text}");
        let dates = seg.get("my_dates").and_then(Plain::as_items).unwrap();
        assert_eq!(dates[3].as_number(), Some(-(2.0f64.powi(63))));
    }
}

#[test]
fn an_image_in_the_file_is_one() {
    let bytes = file("v2.3.2_seg.npy");
    let images = open(&bytes).unwrap().image().unwrap().unwrap();
    assert_eq!((images.len(), images[0].channels(), images[0].height(), images[0].width()), (1, 1, 16, 20));
    assert!(open(&file("v3.1.1.2_seg.npy")).unwrap().image().is_none());
}

fn planes(channels: usize, height: usize, width: usize) -> Planes {
    let values = (0..channels * height * width).map(|at| (at as f32 * 0.7).sin() * 5.0).collect();
    Planes::new(values, channels, height, width).unwrap()
}

#[test]
fn our_own_file_holds_the_keys_of_the_reference() {
    let labels = masks();
    let (height, width) = (labels.height(), labels.width());
    let image = Image::new((0..2 * height * width).map(|at| at as u16).collect(), 2, height, width).unwrap();
    let (flows, cellprob) = (planes(2, height, width), planes(1, height, width));
    let parts = SegParts {
        labels: (&labels).into(),
        images: std::slice::from_ref(&image),
        flows: Some(FlowView::image(&flows, &cellprob).unwrap()),
        filename: "folder/größe.png",
        channels: [2, 1],
        diameter: 17.5,
    };
    let mut bytes = Vec::new();
    write_seg(&mut bytes, &parts).unwrap();
    let seg = open(&bytes).unwrap();
    let reference = file("v3.1.1.2_seg.npy");
    let reference = open(&reference).unwrap();
    for (index, key) in reference.keys().into_iter().enumerate() {
        assert_eq!(seg.keys()[index], key);
        match (seg.get(&key).unwrap(), reference.get(&key).unwrap()) {
            (Plain::Array(ours), Plain::Array(theirs)) => assert_eq!(form(ours), form(theirs), "{key}"),
            (ours, theirs) => assert_eq!(std::mem::discriminant(ours), std::mem::discriminant(theirs), "{key}"),
        }
    }
    let forms = |seg: &Seg<'_>| seg.flows().into_iter().map(form).collect::<Vec<_>>();
    assert_eq!(forms(&seg), forms(&reference));
    assert_eq!(seg.unknown(), [""; 0]);
    assert_eq!((plane(seg.labels()), seg.channels(), seg.diameter()), (labels.clone(), Some(vec![2, 1]), Some(17.5)));
    assert_eq!(seg.filename().unwrap(), "folder/größe.png");
    assert_eq!(seg.is_manual(), Some(vec![false; 5]));
    assert_eq!(seg.image().unwrap().unwrap(), [image]);
    let outlines = seg.get("outlines").and_then(Plain::as_array).unwrap().numbers().unwrap();
    let outlines: Vec<u32> = outlines.map(|label| label as u32).collect();
    assert_eq!(outlines, outline_labels(&labels).unwrap().into_vec());
    let output = [flows.as_slice(), cellprob.as_slice()].concat();
    let found: Vec<f32> = seg.flows()[3].numbers().unwrap().map(|value| value as f32).collect();
    assert_eq!(found, output);
}

#[test]
fn pictures_are_as_large_as_the_masks_and_parts_must_fit() {
    let labels = masks();
    let write = |flows: &Planes, cellprob: &Planes| {
        let parts = SegParts {
            labels: (&labels).into(),
            images: &[],
            flows: Some(FlowView::image(flows, cellprob)?),
            filename: "",
            channels: [0, 0],
            diameter: 30.0,
        };
        let mut bytes = Vec::new();
        write_seg(&mut bytes, &parts).map(|()| bytes)
    };
    let bytes = write(&planes(2, 8, 10), &planes(1, 8, 10)).unwrap();
    let forms: Vec<String> = open(&bytes).unwrap().flows().into_iter().map(form).collect();
    assert_eq!(forms, ["|u1[1, 16, 20, 3]", "|u1[1, 16, 20]", "|u1[1, 8, 10, 3]", "<f4[3, 8, 10]"]);
    assert!(matches!(write(&planes(2, 8, 10), &planes(1, 8, 9)), Err(Error::Output { .. })));
    assert!(matches!(write(&planes(3, 8, 10), &planes(1, 8, 10)), Err(Error::Output { .. })));
}

#[test]
fn labels_past_16_bits_take_32() {
    let labels = Labels::new(vec![0, 1, 2, 65_535], 2, 2).unwrap();
    let parts =
        SegParts { labels: (&labels).into(), images: &[], flows: None, filename: "", channels: [0, 0], diameter: 30.0 };
    let mut bytes = Vec::new();
    write_seg(&mut bytes, &parts).unwrap();
    let seg = open(&bytes).unwrap();
    assert_eq!(form(seg.get("masks").and_then(Plain::as_array).unwrap()), "<u4[2, 2]");
    assert_eq!(plane(seg.labels()), labels);
}

/// A `_seg.npy` whose masks are 32-bit integers.
fn seg_of(shape: &[usize], masks: &[i32]) -> Vec<u8> {
    let bytes: Vec<u8> = masks.iter().flat_map(|value| value.to_le_bytes()).collect();
    let dtype = numpy::Dtype::little_endian(Kind::Int, 4);
    let array = Array::new(shape.to_vec(), dtype, false, numpy::Data::Bytes(bytes.into())).unwrap();
    let mut file = Vec::new();
    cytoshade_pickle::write_npy(&mut file, &Plain::Dict(vec![(Plain::Text("masks".into()), Plain::Array(array))]))
        .unwrap();
    file
}

#[test]
fn cells_are_counted_and_negative_values_are_background() {
    let read = |shape: &[usize], masks: &[i32]| {
        let bytes = seg_of(shape, masks);
        let seg = open(&bytes).unwrap();
        (seg.labels().as_slice().to_vec(), seg.labels().shape(), seg.cells())
    };
    assert_eq!(read(&[2, 2], &[0, 7, 900, 65_000]), (vec![0, 7, 900, 65_000], vec![2, 2], 3));
    assert_eq!(read(&[2, 2], &[-1, 0, 0, 4]), (vec![0, 1, 1, 5], vec![2, 2], 2), "cells from 0");
    assert_eq!(read(&[2, 2], &[-1, 3, 3, 4]), (vec![0, 3, 3, 4], vec![2, 2], 2), "cells from 1");
    assert_eq!(read(&[2, 2], &[-9999, 0, 3, -1]), (vec![0, 0, 3, 0], vec![2, 2], 1));
    assert_eq!(read(&[2, 2, 2], &[0, 1, 0, 0, 1, 0, 0, 2]).1, [2, 2, 2]);
    assert_eq!(read(&[1, 1, 2, 2], &[0, 1, 0, 0]).1, [2, 2]);
    let bytes = seg_of(&[2, 2, 2, 2], &[1; 16]);
    assert!(matches!(open(&bytes), Err(Error::Shape { .. })));
}

#[test]
fn stacks_are_saved_with_the_forms_of_the_reference() {
    let (depth, height, width) = (2, 16, 20);
    let masks = [masks().into_vec(), vec![0; height * width]].concat();
    let labels = LabelVolume::new(masks, depth, height, width).unwrap();
    let values = |channels: usize| (0..channels * depth * height * width).map(|at| (at as f32).sin()).collect();
    let volume = |channels| Volume::new(values(channels), channels, depth, height, width).unwrap();
    let images: Vec<Image> = (0..depth as u16)
        .map(|z| Image::new((0..height * width).map(|at| at as u16 + z).collect::<Vec<_>>(), 1, height, width).unwrap())
        .collect();
    for channels in [2, 3] {
        let (flows, cellprob) = (volume(channels), volume(1));
        let parts = SegParts {
            labels: (&labels).into(),
            images: &images,
            flows: Some(FlowView::stack(&flows, &cellprob).unwrap()),
            filename: "stack.tif",
            channels: [0, 0],
            diameter: 12.0,
        };
        let mut bytes = Vec::new();
        write_seg(&mut bytes, &parts).unwrap();
        let seg = open(&bytes).unwrap();
        assert_eq!((seg.labels().shape(), seg.cells()), (vec![depth, height, width], 5));
        assert_eq!(seg.labels().as_slice(), labels.as_slice());
        assert_eq!(seg.image().unwrap().unwrap(), images);
        let forms: Vec<String> = seg.flows().into_iter().map(form).collect();
        let output = format!("<f4[{}, 2, 16, 20]", channels + 1);
        assert_eq!(forms, ["|u1[2, 16, 20, 3]", "|u1[2, 16, 20]", "|u1[2, 16, 20]", &output]);
        let wrong = SegParts { images: &images[..1], ..parts };
        assert!(matches!(write_seg(Vec::new(), &wrong), Err(Error::Output { .. })));
        let wrong = SegParts { labels: LabelView::time_series(&labels), ..parts };
        assert!(matches!(write_seg(Vec::new(), &wrong), Err(Error::Output { .. })));
    }
    assert!(FlowView::stack(&volume(1), &volume(1)).is_err());
    assert!(FlowView::stack(&volume(3), &volume(2)).is_err());
}

#[test]
fn what_is_no_seg_is_refused() {
    let array = std::fs::read(folder().join("masks.npy")).unwrap();
    assert!(matches!(open(&array), Err(Error::Unsupported { found, .. }) if found == "an array of numbers"));
    for bytes in [&b""[..], b"PK\x03\x04", b"\x80\x04N."] {
        assert!(matches!(open(bytes), Err(Error::Unsupported { .. })), "{bytes:?}");
    }
    let images = cytoshade_formats::read_bytes(&file("protocol4_seg.npy"), &ReadOptions::default());
    assert!(matches!(images, Err(Error::Unsupported { .. })), "a dictionary is no image");
}

#[test]
fn limits_hold() {
    let bytes = file("gui3.1.1.2_seg.npy");
    let refused = |limits: Limits, expected: &str| match read_seg(&bytes, &limits) {
        Err(Error::Limit { field, .. }) => assert_eq!(field, expected),
        other => panic!("{expected}: {other:?}"),
    };
    let (limits, values) = (Limits::default, || Limits::default().values);
    let with = |values| Limits { values, ..limits() };
    refused(Limits { file_bytes: 1000, ..limits() }, "file_bytes");
    refused(with(ValueLimits { opcodes: 100, ..values() }), "values.opcodes");
    refused(with(ValueLimits { memo_entries: 10, ..values() }), "values.memo_entries");
    refused(with(ValueLimits { nesting: 3, ..values() }), "values.nesting");
    refused(with(ValueLimits { string_bytes: 600, ..values() }), "values.string_bytes");
    refused(with(ValueLimits { key_bytes: 3, ..values() }), "values.key_bytes");
    refused(with(ValueLimits { dimensions: 3, ..values() }), "values.dimensions");
    refused(with(ValueLimits { elements: 319, ..values() }), "values.elements");
    let cost = |cost| Limits { cost, ..limits() };
    refused(cost(CostLimits { memory_bytes: 1000, ..CostLimits::default() }), "cost.memory_bytes");
    refused(cost(CostLimits { structure_bytes: 1000, ..CostLimits::default() }), "cost.structure_bytes");
    refused(cost(CostLimits { steps: 100, ..CostLimits::default() }), "cost.steps");
    refused(Limits { pixels: 319, ..limits() }, "pixels");
}

#[test]
fn every_truncation_is_refused() {
    for name in ["v3.1.1.2_seg.npy", "strange2_seg.npy", "masks_fortran_protocol5_seg.npy"] {
        let bytes = file(name);
        for end in 0..bytes.len() {
            assert!(open(&bytes[..end]).is_err(), "{name} {end}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn damaged_bytes_never_panic(which in 0usize..100, places in prop::collection::vec((0usize..1 << 16, any::<u8>()), 1..4)) {
        let names: Vec<String> = expected().keys().cloned().collect();
        let mut bytes = file(&names[which % names.len()]);
        for (at, byte) in places {
            // The first bytes hold the structure.
            let at = at % if at & 1 == 0 { bytes.len() } else { bytes.len().min(600) };
            bytes[at] = byte;
        }
        if let Ok(seg) = open(&bytes) {
            let _ = (seg.filename(), seg.diameter(), seg.channels(), seg.is_manual(), seg.image(), seg.unknown());
            seg.write(Cursor::new(Vec::new())).unwrap();
        }
    }
}
