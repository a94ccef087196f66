//! The measurement of all cells in one pass over the labels.

use std::collections::{BTreeMap, HashMap};
use std::f64::consts::PI;

use cytoshade_core::Image;
#[cfg(not(target_family = "wasm"))]
use rayon::prelude::*;

use super::extents::Extents;
use super::hull::convex_area;
use super::hull_volume::convex_volume;
use super::intensity::IntensitySums;
use super::perimeter::perimeters;
use super::sums::{Ellipse, Sums};
use super::{Physical, Region, Regions};
use crate::{Error, LabelImage};

/// The labels to measure, and the data to measure them on.
///
/// One pass over the labels sums every cell's moments as exact integers and its intensities, and keeps the ends of its
/// rows. The time does not depend on the number of cells; the memory is in proportion to the cells' rows.
#[derive(Clone, Debug)]
pub struct Measurer<'a> {
    labels: LabelImage<'a>,
    images: &'a [Image],
    cellprob: Option<&'a [f32]>,
    flow_errors: Option<&'a BTreeMap<u32, f64>>,
    pixel_size: Option<[f64; 3]>,
}

/// The sums of one cell.
#[derive(Default)]
struct Tally {
    sums: Sums,
    extents: Extents,
    intensities: Vec<IntensitySums>,
    cellprob: f64,
}

impl<'a> Measurer<'a> {
    /// Measures the cells' sizes and shapes.
    pub fn new(labels: impl Into<LabelImage<'a>>) -> Self {
        Self { labels: labels.into(), images: &[], cellprob: None, flow_errors: None, pixel_size: None }
    }

    /// Also measures intensities, in every channel: an image for each z-slice of the labels.
    #[must_use]
    pub fn images(self, images: &'a [Image]) -> Self {
        Self { images, ..self }
    }

    /// Also measures the network's cell probability, a logit per pixel in the order of the labels.
    #[must_use]
    pub fn cellprob(self, cellprob: &'a [f32]) -> Self {
        Self { cellprob: Some(cellprob), ..self }
    }

    /// Also reports the flow errors of the cells, by label.
    #[must_use]
    pub fn flow_errors(self, errors: &'a BTreeMap<u32, f64>) -> Self {
        Self { flow_errors: Some(errors), ..self }
    }

    /// Also measures in micrometres: the size of a pixel along Z (ignored in an image), Y and X.
    #[must_use]
    pub fn pixel_size(self, size: [f64; 3]) -> Self {
        Self { pixel_size: Some(size), ..self }
    }

    /// Measures the cells.
    ///
    /// # Errors
    /// [`Error::ImageCount`], [`Error::ImageShape`] and [`Error::CellprobCount`] if the images or the cell
    /// probabilities do not have the shape of the labels; [`Error::PixelSize`] for a size that is not positive and
    /// finite.
    pub fn measure(&self) -> Result<Regions, Error> {
        let (channels, pixel_size) = (self.check_images()?, self.check_pixel_size()?);
        let (labels, is_stack) = (self.labels, self.labels.is_stack());
        if let Some(found) = self.cellprob.map(<[f32]>::len).filter(|&found| found != labels.as_slice().len()) {
            return Err(Error::CellprobCount { found, expected: labels.as_slice().len() });
        }
        let perimeters = if is_stack { HashMap::new() } else { perimeters(labels) };
        let tallies: Vec<(u32, Tally)> = self.tallies(channels).into_iter().collect();
        #[cfg(not(target_family = "wasm"))]
        let tallies = tallies.into_par_iter();
        #[cfg(target_family = "wasm")]
        let tallies = tallies.into_iter();
        let region = |(label, tally)| self.region(label, &tally, perimeters.get(&label).copied(), pixel_size);
        let mut regions: Vec<Region> = tallies.map(region).collect();
        regions.sort_unstable_by_key(|region| region.label);
        Ok(Regions {
            regions,
            is_stack,
            channels,
            has_cellprob: self.cellprob.is_some(),
            has_flow_errors: self.flow_errors.is_some(),
            has_pixel_size: pixel_size.is_some(),
        })
    }

    /// The number of channels, 0 without images.
    fn check_images(&self) -> Result<usize, Error> {
        let [depth, height, width] = self.labels.size();
        let Some(first) = self.images.first() else { return Ok(0) };
        if self.images.len() != depth {
            return Err(Error::ImageCount { found: self.images.len(), expected: depth });
        }
        let expected = [first.channels(), height, width];
        let shape = |image: &Image| [image.channels(), image.height(), image.width()];
        match self.images.iter().map(shape).find(|&found| found != expected) {
            Some(found) => Err(Error::ImageShape { found, expected }),
            None => Ok(first.channels()),
        }
    }

    /// The pixel size, with 1 along Z in an image.
    fn check_pixel_size(&self) -> Result<Option<[f64; 3]>, Error> {
        let Some([z, y, x]) = self.pixel_size else { return Ok(None) };
        let size = [if self.labels.is_stack() { z } else { 1.0 }, y, x];
        match size.into_iter().find(|side| !(side.is_finite() && *side > 0.0)) {
            Some(found) => Err(Error::PixelSize { found }),
            None => Ok(Some(size)),
        }
    }

    fn tallies(&self, channels: usize) -> HashMap<u32, Tally> {
        let [_, height, width] = self.labels.size();
        let mut tallies: HashMap<u32, Tally> = HashMap::new();
        for ([z, y], row) in self.labels.rows() {
            let mut start = 0;
            for run in row.chunk_by(|a, b| a == b) {
                let columns = start..start + run.len();
                start = columns.end;
                let Some(&label) = run.first().filter(|&&label| label != 0) else { continue };
                let tally = tallies.entry(label).or_default();
                tally.sums.add_run([z, y], columns.clone());
                tally.extents.add_run([z, y], columns.clone());
                tally.intensities.resize_with(channels, IntensitySums::default);
                let within = |plane: usize| {
                    let row = (plane * height + y) * width;
                    row + columns.start..row + columns.end
                };
                for (channel, sums) in tally.intensities.iter_mut().enumerate() {
                    if let Some(image) = self.images.get(z) {
                        sums.add_run(image.samples(), within(channel));
                    }
                }
                let values = self.cellprob.and_then(|cellprob| cellprob.get(within(z)));
                tally.cellprob += values.into_iter().flatten().map(|&value| f64::from(value)).sum::<f64>();
            }
        }
        tallies
    }

    fn region(&self, label: u32, tally: &Tally, perimeter: Option<f64>, pixel_size: Option<[f64; 3]>) -> Region {
        let (sums, is_stack) = (&tally.sums, self.labels.is_stack());
        let rows = tally.extents.rows();
        let convex = if is_stack { convex_volume(rows) } else { Some(convex_area(rows)) };
        let covariance = sums.covariance([1.0; 3]);
        let ellipse = (!is_stack).then(|| Ellipse::of_plane(covariance));
        let [axis_major_length, axis_minor_length] = axes(covariance, is_stack);
        let area = sums.count as f64;
        let sides = sums.bounds.iter().zip(self.labels.size());
        // The only plane of an image is no border.
        let mut bordering = sides.skip(usize::from(!is_stack));
        Region {
            label,
            area: sums.count,
            centroid: sums.centroid(),
            bbox: sums.bounds.clone(),
            perimeter,
            equivalent_diameter_area: equivalent_diameter(area, is_stack),
            axis_major_length,
            axis_minor_length,
            eccentricity: ellipse.map(|ellipse| ellipse.eccentricity),
            orientation: ellipse.map(|ellipse| ellipse.orientation),
            solidity: convex.map(|convex| area / convex as f64),
            extent: area / sums.bounds.iter().map(|side| side.len() as f64).product::<f64>(),
            touches_border: bordering.any(|(bound, side)| bound.start == 0 || bound.end == side),
            intensities: tally.intensities.iter().map(IntensitySums::intensity).collect(),
            flow_error: self.flow_errors.and_then(|errors| errors.get(&label).copied()),
            cellprob_mean: self.cellprob.map(|_| tally.cellprob / area),
            physical: pixel_size.map(|size| physical(sums, size, perimeter, is_stack)),
        }
    }
}

fn physical(sums: &Sums, size: [f64; 3], perimeter: Option<f64>, is_stack: bool) -> Physical {
    let area = sums.count as f64 * size.iter().product::<f64>();
    let [axis_major_length, axis_minor_length] = axes(sums.covariance(size), is_stack);
    let [_, y, x] = size;
    Physical {
        area,
        perimeter: perimeter.filter(|_| y == x).map(|perimeter| perimeter * x),
        equivalent_diameter_area: equivalent_diameter(area, is_stack),
        axis_major_length,
        axis_minor_length,
    }
}

fn axes(covariance: [[f64; 3]; 3], is_stack: bool) -> [f64; 2] {
    if is_stack {
        return Ellipse::lengths_of_stack(covariance);
    }
    let Ellipse { major, minor, .. } = Ellipse::of_plane(covariance);
    [major, minor]
}

fn equivalent_diameter(area: f64, is_stack: bool) -> f64 {
    if is_stack { (6.0 * area / PI).cbrt() } else { (4.0 * area / PI).sqrt() }
}
