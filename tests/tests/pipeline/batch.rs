//! Batches of images: the results equal those of single images, and a batch that ends early ends cleanly.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use cytoshade::{Cancel, Control, Error, ErrorKind, Image, Outputs, Params, Progress, Segmentation, Segmenter, Stage};
use cytoshade_tests::random::Random;
use cytoshade_tests::{eval, must_fail_when_perturbed};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> Vec<Trial> {
    type Test = fn(&Segmenter) -> Result<(), Failed>;
    let tests: [(&str, Test); 7] = [
        ("results equal those of single images", same_as_single),
        ("an error of one image leaves the others", errors_stay_with_their_image),
        ("a slow source does not hold results back", slow_source),
        ("a slow caller stops the source", slow_caller),
        ("a cancellation ends a batch", cancellation),
        ("a dropped batch ends its threads", drop_in_the_middle),
        ("every image is reported in order", progress),
    ];
    tests.into_iter().flat_map(|(name, test)| eval::bundled_trials("batch", name, test)).collect()
}

/// Bright domes of about 30 pixels under noise.
fn image(seed: u64, height: usize, width: usize) -> Image {
    let mut random = Random(seed);
    let pitch = 38 + seed as usize % 9;
    let inside = |v: usize| (v % pitch) as f32 - pitch as f32 / 2.0;
    let pixel = |at: usize| {
        let (y, x) = (inside(at / width), inside(at % width));
        100.0 + (900.0 - 4.0 * (y * y + x * x)).max(0.0) + random.number(0.0, 20.0)
    };
    Image::new((0..height * width).map(pixel).collect::<Vec<f32>>(), 1, height, width).unwrap()
}

/// Images of several sizes: some of one tile that is smaller than others, some of many tiles.
fn images() -> Vec<Image> {
    let sizes = [(256, 256), (256, 256), (90, 120), (300, 500), (256, 256), (64, 64), (90, 120), (256, 256)];
    (0..).zip(sizes).map(|(seed, (height, width))| image(seed, height, width)).collect()
}

/// All of a segmentation except its times.
type Content = (Vec<u32>, Vec<f32>, Vec<f32>, Vec<f32>, f32, u32);

fn content(segmentation: &Segmentation) -> Result<Content, Failed> {
    let Segmentation { labels, flows, cellprob, style, diameter, niter, .. } = segmentation;
    Ok((
        labels.as_slice().to_vec(),
        flows.as_ref().ok_or("no flows")?.as_slice().to_vec(),
        cellprob.as_ref().ok_or("no cell probability")?.as_slice().to_vec(),
        style.clone().ok_or("no style")?,
        *diameter,
        *niter,
    ))
}

fn same_as_single(segmenter: &Segmenter) -> Result<(), Failed> {
    for (params, count) in [
        (Params::new(), 8),
        (Params::new().batch_size(3).diameter(40.0), 6),
        (Params::new().resample(false).diameter(25.0).augment(true).bsize(128), 4),
    ] {
        let (params, images) = (params.outputs(Outputs::ALL), || images().into_iter().take(count));
        let expected: Vec<Content> =
            images().map(|image| content(&segmenter.segment(&image, &params)?)).collect::<Result<_, Failed>>()?;
        let found: Vec<Content> = segmenter
            .segment_batch(images(), &params)
            .map(|result| content(&result?))
            .collect::<Result<_, Failed>>()?;
        let compare = |found: &Vec<Content>| match found.iter().zip(&expected).position(|(a, b)| a != b) {
            None if found.len() == expected.len() => Ok(()),
            at => Err(format!("{} of {} results, the first to differ {at:?}", found.len(), expected.len())),
        };
        must_fail_when_perturbed(&found, |found| found.swap(0, 1), compare)?;
        must_fail_when_perturbed(&found, |found| found[3].1[7] += 1e-6, compare)?;
    }
    Ok(())
}

fn errors_stay_with_their_image(segmenter: &Segmenter) -> Result<(), Failed> {
    let mut items: Vec<Result<Image, String>> = images().into_iter().map(Ok).collect();
    items.insert(1, Err("no such file".into()));
    items.insert(4, Ok(Image::new(vec![f32::NAN; 50 * 50], 1, 50, 50)?));
    items.push(Err("cut off".into()));
    let kinds = |result: Result<Segmentation, Error>| result.map(|found| found.cells()).map_err(|error| error.kind());
    let found: Vec<_> = segmenter.segment_batch(items, &Params::new()).map(kinds).collect();
    let mut expected: Vec<_> = images().iter().map(|image| kinds(segmenter.segment(image, &Params::new()))).collect();
    expected.insert(1, Err(ErrorKind::Source));
    expected.insert(4, Err(ErrorKind::Image));
    expected.push(Err(ErrorKind::Source));
    assert_eq!(found, expected);
    // A parameter out of range is an error of each image.
    let found: Vec<_> = segmenter.segment_batch(images(), &Params::new().bsize(7)).map(kinds).collect();
    assert_eq!(found, vec![Err(ErrorKind::Parameter); images().len()]);
    assert_eq!(segmenter.segment_batch(Vec::<Image>::new(), &Params::new()).count(), 0);
    Ok(())
}

/// Each image comes only after the result of the one before.
fn slow_source(segmenter: &Segmenter) -> Result<(), Failed> {
    let (send, receive) = mpsc::channel();
    let mut results = segmenter.segment_batch(receive, &Params::new());
    for seed in 0..3 {
        send.send(image(seed, 100, 120))?;
        let expected = segmenter.segment(&image(seed, 100, 120), &Params::new())?.labels;
        assert_eq!(results.next().ok_or("no result")??.labels, expected);
    }
    drop(send);
    assert!(results.next().is_none() && results.next().is_none());
    Ok(())
}

fn slow_caller(segmenter: &Segmenter) -> Result<(), Failed> {
    let taken = Arc::new(AtomicUsize::new(0));
    let source = {
        let taken = taken.clone();
        (0..1000).map(move |seed| {
            taken.fetch_add(1, Ordering::Relaxed);
            image(seed % 3, 64, 64)
        })
    };
    let mut results = segmenter.segment_batch(source, &Params::new());
    results.next().ok_or("no result")??;
    let mut last = 0;
    // Until nothing changes any more.
    while last != taken.load(Ordering::Relaxed) {
        last = taken.load(Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(last < 40, "{last} images were taken for one result");
    Ok(())
}

fn cancellation(segmenter: &Segmenter) -> Result<(), Failed> {
    let cancel = Cancel::new();
    let endless = (0..).map(|seed| image(seed % 4, 200, 300));
    let mut results = segmenter.segment_batch_with(endless, &Params::new(), &Control::new().cancel(&cancel));
    results.next().ok_or("no result")??;
    cancel.cancel();
    let mut rest: Vec<_> = results.by_ref().map(|result| result.map_err(|error| error.kind()).map(|_| ())).collect();
    assert_eq!(rest.pop(), Some(Err(ErrorKind::Cancelled)));
    assert!(rest.len() < 20 && rest.iter().all(Result::is_ok), "{rest:?}");
    assert!(results.next().is_none());
    // The segmenter still works.
    assert!(segmenter.segment(&image(0, 200, 300), &Params::new())?.cells() > 0);
    Ok(())
}

fn drop_in_the_middle(segmenter: &Segmenter) -> Result<(), Failed> {
    struct Source(Arc<AtomicUsize>);
    impl Drop for Source {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    impl Iterator for Source {
        type Item = Image;
        fn next(&mut self) -> Option<Image> {
            Some(image(1, 256, 256))
        }
    }
    for results in [0, 1, 3] {
        let dropped = Arc::new(AtomicUsize::new(0));
        let mut batch = segmenter.segment_batch(Source(dropped.clone()), &Params::new());
        for _ in 0..results {
            batch.next().ok_or("no result")??;
        }
        drop(batch);
        assert_eq!(dropped.load(Ordering::Relaxed), 1, "the source's thread has ended");
    }
    Ok(())
}

fn progress(segmenter: &Segmenter) -> Result<(), Failed> {
    let seen: Arc<Mutex<Vec<Progress>>> = Arc::default();
    let control = {
        let seen = seen.clone();
        Control::new().on_progress(move |progress| seen.lock().unwrap().push(progress))
    };
    let results = segmenter.segment_batch_with(images(), &Params::new(), &control);
    assert_eq!(results.filter(Result::is_ok).count(), images().len());
    let seen = seen.lock().unwrap();
    for image in 0..images().len() {
        let own: Vec<_> = seen.iter().filter(|progress| progress.image == image).collect();
        let mut stages: Vec<Stage> = own.iter().map(|progress| progress.stage).collect();
        stages.dedup();
        let expected = [
            Stage::Channels,
            Stage::Normalize,
            Stage::Network,
            Stage::Blend,
            Stage::FollowFlows,
            Stage::Masks,
            Stage::FlowError,
            Stage::FillHoles,
        ];
        assert_eq!(stages, expected, "image {image}");
        // The network alone may report each tile.
        let is_whole = |steps: &[&Progress]| {
            let done: Vec<usize> = steps.iter().map(|step| step.done).collect();
            let total = steps[0].total;
            done == [0, total] || steps[0].stage == Stage::Network && done.into_iter().eq(0..=total)
        };
        assert!(own.chunk_by(|a, b| a.stage == b.stage).all(is_whole), "{own:?}");
    }
    Ok(())
}
