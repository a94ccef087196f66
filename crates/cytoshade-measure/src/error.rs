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
    #[error("pixel size {found}, expected a positive number of micrometres")]
    PixelSize {
        /// The size.
        found: f64,
    },
    /// Two label images differ in size.
    #[error("{truth} pixels in the ground truth and {predicted} in the segmentation; compare images of one size")]
    SizesDiffer {
        /// Pixels of the ground truth.
        truth: usize,
        /// Pixels of the segmentation.
        predicted: usize,
    },
    /// A threshold of the intersection over union is out of range.
    #[error("threshold {found}, expected a number above 0 and at most 1")]
    Threshold {
        /// The threshold.
        found: f64,
    },
    /// A scale of the boundary scores is out of range.
    #[error("scale {found}, expected a number from 0 to 100")]
    Scale {
        /// The scale.
        found: f64,
    },
}
