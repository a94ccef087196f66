//! The formats that cells are saved in.

use std::io::{Seek, Write};

use clap::ValueEnum;
use cytoshade::Labels;
use cytoshade_formats::{
    Error, write_csv, write_geojson, write_labels_npy, write_labels_png, write_labels_tiff, write_rois,
};

/// A format that cells are saved in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SaveAs {
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

impl SaveAs {
    /// What follows the stem in a file's name.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            SaveAs::Tif => "_cp_masks.tif",
            SaveAs::Png => "_cp_masks.png",
            SaveAs::Npy => "_cp_masks.npy",
            SaveAs::Rois => "_rois.zip",
            SaveAs::Geojson => "_cells.geojson",
            SaveAs::Csv => "_cells.csv",
        }
    }

    /// Whether it can hold the labels of a stack.
    pub(crate) fn holds_stacks(self) -> bool {
        matches!(self, SaveAs::Tif | SaveAs::Npy)
    }

    pub(crate) fn write<W: Write + Seek>(self, out: W, labels: &Labels) -> Result<(), Error> {
        match self {
            SaveAs::Tif => write_labels_tiff(out, labels),
            SaveAs::Png => write_labels_png(out, labels),
            SaveAs::Npy => write_labels_npy(out, labels),
            SaveAs::Rois => write_rois(out, labels),
            SaveAs::Geojson => write_geojson(out, labels),
            SaveAs::Csv => write_csv(out, labels),
        }
    }
}
