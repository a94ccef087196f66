//! The errors of the crate.

/// The reason why labels cannot be measured or compared.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of labels is not the product of the sides.
    #[error(
        "{found} labels for {depth} x {height} x {width} pixels (depth x height x width); pass one label per pixel"
    )]
    LabelCount {
        /// Number of labels.
        found: usize,
        /// Number of z-slices; 1 for an image.
        depth: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// The number of images is not the number of z-slices of the labels.
    #[error("{found} images for labels of {expected} z-slices; pass an image for each z-slice")]
    ImageCount {
        /// Number of images.
        found: usize,
        /// Number of z-slices; 1 for the labels of an image.
        expected: usize,
    },
    /// An image has another size or number of channels than the labels or the first image.
    #[error(
        "an image of {} channels and {} x {} pixels (height x width), expected {} channels and {} x {}; pass the image \
         that was segmented",
        found[0], found[1], found[2], expected[0], expected[1], expected[2]
    )]
    ImageShape {
        /// Channels, height and width of the image.
        found: [usize; 3],
        /// Channels, height and width that the labels and the first image have.
        expected: [usize; 3],
    },
    /// The cell probabilities and the labels differ in number.
    #[error("{found} cell probabilities for {expected} labels; pass the outputs of the same image")]
    CellprobCount {
        /// Number of cell probabilities.
        found: usize,
        /// Number of labels.
        expected: usize,
    },
    /// A pixel size is not a positive number.
    #[error("pixel size {found}, expected a positive number of micrometres; pass the size of a pixel along each axis")]
    PixelSize {
        /// The size.
        found: f64,
    },
    /// A segmentation has another number of labels than the ground truth.
    #[error("{predicted} labels, expected those of the ground truth, {truth}; compare images of one size")]
    CountsDiffer {
        /// Labels of the ground truth, one for each pixel.
        truth: usize,
        /// Labels of the segmentation.
        predicted: usize,
    },
    /// A segmentation has another height or width than the ground truth.
    #[error(
        "labels of {} x {} pixels (height x width), expected those of the ground truth, {} x {}; compare images of one \
         size",
        predicted[0], predicted[1], truth[0], truth[1]
    )]
    SizesDiffer {
        /// Height and width of the ground truth in pixels.
        truth: [usize; 2],
        /// Height and width of the segmentation in pixels.
        predicted: [usize; 2],
    },
    /// A threshold of the intersection over union is out of range.
    #[error("threshold {found}, expected a number above 0 and at most 1; pass an intersection over union, such as 0.5")]
    Threshold {
        /// The threshold.
        found: f64,
    },
    /// A scale of the boundary scores is out of range.
    #[error("scale {found}, expected a number from 0 to 100; pass a fraction of the median diameter, such as 0.1")]
    Scale {
        /// The scale.
        found: f64,
    },
}
