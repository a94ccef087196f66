//! Properties of the measurements that hold for every label image.

use cytoshade_core::Image;
use cytoshade_measure::{LabelImage, Measurer, Overlap, Region, Regions, boundary_scores};
use proptest::prelude::*;

/// Labels of an image of up to 14 x 14 pixels, with gaps between the numbers.
fn planes() -> impl Strategy<Value = (Vec<u32>, usize, usize)> {
    (2usize..14, 2usize..14).prop_flat_map(|(height, width)| {
        let label = prop_oneof![Just(0u32), Just(0), Just(3), Just(4), Just(9)];
        (proptest::collection::vec(label, height * width), Just(height), Just(width))
    })
}

fn measure(labels: &[u32], slices: Option<usize>, size: [usize; 2]) -> Regions {
    Measurer::new(LabelImage::new(labels, slices, size).unwrap()).measure().unwrap()
}

fn pixels(labels: &[u32], label: u32) -> impl Iterator<Item = usize> + Clone {
    labels.iter().enumerate().filter(move |&(_, &other)| other == label).map(|(at, _)| at)
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// The measurements that do not depend on the position.
fn shape(region: &Region) -> [f64; 6] {
    let &Region { axis_major_length, axis_minor_length, extent, .. } = region;
    let [perimeter, eccentricity, solidity] =
        [region.perimeter, region.eccentricity, region.solidity].map(Option::unwrap);
    [axis_major_length, axis_minor_length, extent, perimeter, eccentricity, solidity]
}

proptest! {
    #[test]
    fn sums_are_those_of_single_pixels((labels, height, width) in planes(), seed in any::<u64>()) {
        let sample = |at: usize| (seed.wrapping_mul(at as u64 + 1) >> 40) as f64 / 7.0 - 1e6;
        let image = Image::new((0..labels.len()).map(sample).collect::<Vec<f64>>(), 1, height, width).unwrap();
        let cellprob: Vec<f32> = (0..labels.len()).map(|at| at as f32 / 4.0).collect();
        let view = LabelImage::new(&labels, None, [height, width]).unwrap();
        let images = std::slice::from_ref(&image);
        let regions = Measurer::new(view).images(images).cellprob(&cellprob).measure().unwrap();
        let mut known = labels.clone();
        known.sort_unstable();
        known.dedup();
        let found: Vec<u32> = regions.as_slice().iter().map(|region| region.label).collect();
        prop_assert_eq!(found, known.into_iter().filter(|&label| label != 0).collect::<Vec<_>>());
        for region in regions.as_slice() {
            let pixels = pixels(&labels, region.label);
            let count = pixels.clone().count() as f64;
            let mean = |value: &dyn Fn(usize) -> f64| pixels.clone().map(value).sum::<f64>() / count;
            prop_assert_eq!(region.area as f64, count);
            prop_assert!(close(region.centroid[1], mean(&|at| (at / width) as f64)));
            prop_assert!(close(region.centroid[2], mean(&|at| (at % width) as f64)));
            prop_assert!(close(region.cellprob_mean.unwrap(), mean(&|at| at as f64 / 4.0)));
            let [intensity] = region.intensities[..] else { panic!("one channel") };
            prop_assert!(close(intensity.mean, mean(&sample)));
            prop_assert!(close(intensity.std, mean(&|at| (sample(at) - intensity.mean).powi(2)).sqrt()));
            prop_assert!(close(intensity.sum, intensity.mean * count));
            prop_assert_eq!(intensity.min, pixels.clone().map(sample).fold(f64::INFINITY, f64::min));
            prop_assert_eq!(intensity.max, pixels.clone().map(sample).fold(f64::NEG_INFINITY, f64::max));
        }
    }

    #[test]
    fn shapes_do_not_depend_on_position_or_direction((labels, height, width) in planes()) {
        let (tall, wide) = (height + 5, width + 3);
        let mut moved = vec![0; tall * wide];
        let mut turned = vec![0; labels.len()];
        for (at, &label) in labels.iter().enumerate() {
            let (y, x) = (at / width, at % width);
            moved[(y + 2) * wide + x + 1] = label;
            turned[x * height + height - 1 - y] = label;
        }
        let here = measure(&labels, None, [height, width]);
        let (moved, turned) = (measure(&moved, None, [tall, wide]), measure(&turned, None, [width, height]));
        for ((here, moved), turned) in here.as_slice().iter().zip(moved.as_slice()).zip(turned.as_slice()) {
            for (value, (moved, turned)) in shape(here).into_iter().zip(shape(moved).into_iter().zip(shape(turned))) {
                prop_assert!((value - moved).abs() < 1e-6 && (value - turned).abs() < 1e-6, "{value} {moved} {turned}");
            }
            prop_assert!(!moved.touches_border);
        }
    }

    #[test]
    fn a_hull_holds_its_cell((labels, height, width) in planes()) {
        // The rows as the z-slices of a stack of two rows each: a hull in three dimensions.
        let doubled: Vec<u32> = labels.chunks(width).flat_map(|row| [row, row].concat()).collect();
        let plane = measure(&labels, None, [height, width]);
        let stack = measure(&doubled, Some(height), [2, width]);
        for (plane, stack) in plane.as_slice().iter().zip(stack.as_slice()) {
            prop_assert!(plane.solidity.unwrap() <= 1.0);
            prop_assert_eq!(stack.area, 2 * plane.area);
            prop_assert!(stack.solidity.is_none_or(|solidity| solidity <= 1.0));
        }
    }

    #[test]
    fn scores_do_not_depend_on_numbers((truth, height, width) in planes(), shift in 0usize..20) {
        let mut predicted = truth.clone();
        predicted.rotate_right(shift % truth.len());
        let other: Vec<u32> = predicted.iter().map(|label| label * 13 % 31).collect();
        let [scores, others] = [&predicted, &other].map(|labels| Overlap::new(&truth, labels).unwrap());
        for threshold in [0.1, 0.5, 0.8, 1.0] {
            let at = scores.scores(threshold).unwrap();
            prop_assert_eq!(at, others.scores(threshold).unwrap());
            prop_assert_eq!(at.true_positives + at.false_negatives, scores.truth().len());
            prop_assert_eq!(at.true_positives + at.false_positives, scores.predicted().len());
        }
        let perfect = Overlap::new(&truth, &truth).unwrap();
        prop_assert!(perfect.mask_ious().iter().all(|cell| cell.iou == 1.0 && cell.predicted == Some(cell.truth)));
        if !perfect.truth().is_empty() {
            prop_assert_eq!(perfect.aggregated_jaccard_index(), 1.0);
            let plane = cytoshade_core::Labels::new(truth, height, width).unwrap();
            let boundary = boundary_scores(&plane, &plane, &[0.1]).unwrap()[0];
            prop_assert_eq!((boundary.precision, boundary.recall, boundary.f_score), (1.0, 1.0, 1.0));
        }
    }
}

#[test]
fn data_of_another_image_is_refused() {
    let labels = vec![1; 12];
    let view = LabelImage::new(&labels, None, [3, 4]).unwrap();
    let image = |height, width| Image::new(vec![0u8; height * width], 1, height, width).unwrap();
    let two = [image(3, 4), image(3, 4)];
    let message = |measurer: Measurer<'_>| measurer.measure().unwrap_err().to_string();
    assert!(message(Measurer::new(view).images(&two)).contains("2 images for labels of 1 z-slices"));
    assert!(message(Measurer::new(view).images(&[image(4, 3)])).contains("1 channels and 4 x 3"));
    assert!(message(Measurer::new(view).cellprob(&[0.0; 5])).contains("5 cell probabilities for 12 labels"));
    assert!(message(Measurer::new(view).pixel_size([1.0, 0.0, 1.0])).contains("pixel size 0, expected a positive"));
    assert!(LabelImage::new(&labels, Some(2), [3, 4]).is_err());
    let message = Overlap::new(&labels, &labels[1..]).unwrap_err().to_string();
    assert!(message.contains("11 labels, expected those of the ground truth, 12"), "{message}");
    let plane = |height, width| cytoshade_core::Labels::new(labels.clone(), height, width).unwrap();
    let message = boundary_scores(&plane(2, 6), &plane(6, 2), &[0.1]).unwrap_err().to_string();
    assert!(message.contains("labels of 6 x 2 pixels") && message.contains("ground truth, 2 x 6"), "{message}");
    assert!(
        [-0.1, 100.1, f64::NAN].into_iter().all(|scale| boundary_scores(&plane(3, 4), &plane(3, 4), &[scale]).is_err())
    );
    assert_eq!(boundary_scores(&plane(3, 4), &plane(3, 4), &[]), Ok(Vec::new()));
    let overlap = Overlap::new(&labels, &labels).unwrap();
    assert!([0.0, -1.0, 1.1, f64::NAN].into_iter().all(|threshold| overlap.scores(threshold).is_err()));
}
