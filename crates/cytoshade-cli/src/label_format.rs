//! The formats that cells are saved in.

use std::io::{Seek, Write};

use clap::ValueEnum;
use cytoshade::Labels;
use cytoshade_formats::{
    Error, write_csv, write_geojson, write_labels_npy, write_labels_png, write_labels_tiff, write_rois,
};

/// A format that cells are saved in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LabelFormat {
    /// STEM_cp_masks.tif: labels, 16 bit, or 32 bit past 65,535 cells
    Tif,
    /// STEM_cp_masks.png: labels, 16 bit
    Png,
    /// STEM_cp_masks.npy: labels as an array, 16 bit, or 32 bit past 65,535 cells
    Npy,
    /// STEM_rois.zip: outlines for ImageJ and Fiji
    Rois,
    /// STEM_cells.geojson: polygons, for QuPath
    Geojson,
    /// STEM_cells.csv: area, centroid, bounding box and equivalent diameter of each cell
    Csv,
}

impl LabelFormat {
    /// What follows the stem in a file's name.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            LabelFormat::Tif => "_cp_masks.tif",
            LabelFormat::Png => "_cp_masks.png",
            LabelFormat::Npy => "_cp_masks.npy",
            LabelFormat::Rois => "_rois.zip",
            LabelFormat::Geojson => "_cells.geojson",
            LabelFormat::Csv => "_cells.csv",
        }
    }

    /// Whether it can hold the labels of a stack.
    pub(crate) fn holds_stacks(self) -> bool {
        matches!(self, LabelFormat::Tif | LabelFormat::Npy)
    }

    pub(crate) fn write<W: Write + Seek>(self, out: W, labels: &Labels) -> Result<(), Error> {
        match self {
            LabelFormat::Tif => write_labels_tiff(out, labels),
            LabelFormat::Png => write_labels_png(out, labels),
            LabelFormat::Npy => write_labels_npy(out, labels),
            LabelFormat::Rois => write_rois(out, labels),
            LabelFormat::Geojson => write_geojson(out, labels),
            LabelFormat::Csv => write_csv(out, labels),
        }
    }
}
