//! The library as its users see it: what comes back, watching, stopping, and the `async` twins.

use std::path::Path;
use std::sync::Mutex;

use cytoshade::{Cancel, Control, Device, Error, Image, Model, Outputs, Params, Progress, Segmenter, Stage};

fn segmenter() -> Segmenter {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    Segmenter::builder(&Model::open(file).unwrap()).device(Device::Cpu).build().unwrap()
}

/// Bright domes of 30 pixels, 44 apart.
fn domes(height: usize, width: usize) -> Image {
    let inside = |v: usize| (v % 44) as i64 - 22;
    let pixel = |at: usize| {
        let (y, x) = (inside(at / width), inside(at % width));
        100 + (900 - 4 * (y * y + x * x)).max(0) as u16
    };
    Image::new((0..height * width).map(pixel).collect(), 1, height, width).unwrap()
}

#[test]
fn labels_have_no_gaps_and_only_what_was_asked_for_comes_back() {
    let segmenter = segmenter();
    let image = domes(132, 176);
    let plain = segmenter.segment(&image, &Params::default()).unwrap();
    assert_eq!((plain.labels.height(), plain.labels.width()), (132, 176));
    assert_eq!(plain.cells(), 12);
    let mut seen = vec![false; plain.cells() + 1];
    plain.labels.as_slice().iter().for_each(|&label| seen[label as usize] = true);
    assert!(seen.iter().all(|&seen| seen));
    assert!(plain.flows.is_none() && plain.cellprob.is_none() && plain.style.is_none());

    let params = Params::new().outputs(Outputs::ALL);
    let full = segmenter.segment(&image, &params).unwrap();
    assert_eq!(full.labels, plain.labels);
    let flows = full.flows.unwrap();
    assert_eq!((flows.channels(), flows.height(), flows.width()), (2, 132, 176));
    assert_eq!(full.cellprob.unwrap().channels(), 1);
    let style = full.style.unwrap();
    assert!((style.iter().map(|v| v * v).sum::<f32>() - 1.0).abs() < 1e-5);
    assert_eq!(full.diameter, 30.0);
}

#[test]
fn every_stage_is_reported_once_in_order_and_every_tile() {
    let segmenter = segmenter();
    let heard: Mutex<Vec<Progress>> = Mutex::default();
    let hear = |progress| heard.lock().unwrap().push(progress);
    segmenter.segment_with(&domes(300, 300), &Params::default(), &Control::new().progress(&hear)).unwrap();
    let heard = heard.into_inner().unwrap();
    let tiles: Vec<_> = heard.iter().filter(|p| p.stage == Stage::Network).map(|p| (p.done, p.total)).collect();
    assert_eq!(tiles, [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]);
    let mut stages: Vec<Stage> = heard.iter().map(|progress| progress.stage).collect();
    stages.dedup();
    assert_eq!(
        stages,
        [
            Stage::Channels,
            Stage::Normalize,
            Stage::Network,
            Stage::Blend,
            Stage::FollowFlows,
            Stage::Masks,
            Stage::FlowError,
            Stage::FillHoles
        ]
    );
}

#[test]
fn a_cancellation_takes_effect_at_the_next_tile_and_the_next_call_works() {
    let segmenter = segmenter();
    let image = domes(300, 300);
    for at in 0..4 {
        let cancel = Cancel::new();
        let last = Mutex::new(0);
        let hear = |progress: Progress| {
            if progress.stage == Stage::Network {
                *last.lock().unwrap() = progress.done;
                if progress.done == at {
                    cancel.cancel();
                }
            } else if progress.stage > Stage::Network {
                panic!("{progress:?} after the cancellation");
            }
        };
        let control = Control::new().progress(&hear).cancel(&cancel);
        let result = segmenter.segment_with(&image, &Params::default(), &control);
        assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
        assert_eq!(*last.lock().unwrap(), at);
    }
    assert!(segmenter.segment(&image, &Params::default()).unwrap().cells() > 0);
}

#[test]
fn the_async_twins_give_the_same() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/cytoshade-demo.safetensors");
    let model = Model::open(file).unwrap();
    let image = domes(132, 176);
    fn sends<T: Send>(future: T) -> T {
        future
    }
    let labels = pollster::block_on(sends(async {
        let segmenter = Segmenter::builder(&model).device(Device::Cpu).build_async().await?;
        segmenter.segment_async(&image, &Params::default()).await
    }));
    assert_eq!(labels.unwrap().labels, segmenter().segment(&image, &Params::default()).unwrap().labels);
}

#[test]
fn many_threads_share_one_segmenter() {
    let segmenter = segmenter();
    let image = domes(132, 176);
    let expected = segmenter.segment(&image, &Params::default()).unwrap().labels;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(segmenter.segment(&image, &Params::default()).unwrap().labels, expected));
        }
    });
}

#[test]
fn samples_that_are_not_finite_are_an_error_that_says_where() {
    let mut samples = vec![0.5f32; 40 * 50];
    samples[7 * 50 + 9] = f32::NAN;
    let error = segmenter().segment(&Image::new(samples, 1, 40, 50).unwrap(), &Params::default()).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("NaN") && said.contains("row 7, column 9"), "{said}");
}

#[test]
fn constant_and_tiny_images_have_no_cells() {
    let segmenter = segmenter();
    for (height, width) in [(2, 2), (2, 500), (17, 3), (64, 64)] {
        let image = Image::new(vec![77u8; height * width], 1, height, width).unwrap();
        let found = segmenter.segment(&image, &Params::new().outputs(Outputs::ALL)).unwrap();
        assert_eq!(found.cells(), 0, "{height} x {width}");
        assert!(found.flows.unwrap().as_slice().iter().all(|v| v.is_finite()));
    }
}

#[test]
fn threads_can_share_and_move_everything() {
    fn shared<T: Send + Sync>() {}
    fn moved<T: Send>() {}
    shared::<(Model, Segmenter, cytoshade::Restorer)>();
    shared::<(Image, Params, cytoshade::Segmentation, cytoshade::StackSegmentation, Error)>();
    shared::<(Control<'static>, Cancel, cytoshade::Builder<cytoshade::ForSegmenter>)>();
    moved::<cytoshade::Segmentations>();
    fn is_send<T: Send>(_: &T) {}
    let (segmenter, image, params) = (segmenter(), domes(40, 40), Params::new());
    let stack = cytoshade::Stack::new(vec![domes(40, 40)]).unwrap();
    is_send(&segmenter.segment_async(&image, &params));
    is_send(&segmenter.segment_stack_async(&stack, &params));
}

#[test]
fn errors_have_a_kind_and_a_cause() {
    use cytoshade::ErrorKind;
    use std::error::Error as _;
    let segmenter = segmenter();
    let kind = |params: Params| segmenter.segment(&domes(40, 40), &params).unwrap_err().kind();
    assert_eq!(kind(Params::new().diameter(-1.0)), ErrorKind::Parameter);
    assert_eq!(kind(Params::new().bsize(48 + 8)), ErrorKind::Parameter);
    let image = Image::new(vec![f32::INFINITY; 9], 1, 3, 3).unwrap();
    assert_eq!(segmenter.segment(&image, &Params::new()).unwrap_err().kind(), ErrorKind::Image);
    let missing = Model::open("no/such/file").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Model);
    let cause = missing.source().and_then(|cause| cause.downcast_ref::<std::io::Error>()).unwrap();
    assert_eq!(cause.kind(), std::io::ErrorKind::NotFound);
    let unnamed = Model::open_in("nobody", &Default::default(), &Default::default()).unwrap_err();
    assert_eq!(unnamed.kind(), ErrorKind::ModelNotFound);
}
