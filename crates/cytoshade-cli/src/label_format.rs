//! File formats of cells.

use std::io::{Seek, Write};

use clap::ValueEnum;
use cytoshade_formats::{
    Error, LabelView, SegParts, TiffMetadata, write_csv, write_geojson, write_hyperstack_rois, write_labels_npy,
    write_labels_png, write_labels_tiff_with, write_outlines, write_rois, write_seg,
};

use crate::endings;

/// A file format of cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub(crate) enum LabelFormat {
    /// STEM_cp_masks.tif: labels, 16 bit, or 32 bit if a label is above 65,535; a page per z-slice
    Tif,
    /// STEM_cp_masks.png: labels of an image, 16 bit
    Png,
    /// STEM_cp_masks.npy: labels as an array [Y, X] or [Z, Y, X], 16 bit, or 32 bit if a label is above 65,535
    Npy,
    /// STEM_rois.zip: regions for ImageJ and Fiji that cover each cell's pixels exactly; one per cell and z-slice
    Rois,
    /// STEM_cells.geojson: polygons for QuPath; one per cell and z-slice
    Geojson,
    /// STEM_cells.csv: area or volume, centroid, bounding box and equivalent diameter of each cell
    Csv,
    /// STEM_cp_outlines.txt: the outlines of an image's cells in Cellpose's format, a line per cell
    Outlines,
    /// STEM_seg.npy: for Cellpose's graphical program
    Seg,
}

/// Cells to save, with metadata of their image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cells<'a> {
    pub(crate) labels: LabelView<'a>,
    /// True if the image has several channels, which makes a stack a hyperstack in ImageJ.
    pub(crate) has_channels: bool,
    pub(crate) metadata: &'a TiffMetadata,
}

impl LabelFormat {
    /// The part of the file name after the stem.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            LabelFormat::Tif => endings::MASKS_TIF,
            LabelFormat::Png => endings::MASKS_PNG,
            LabelFormat::Npy => endings::MASKS_NPY,
            LabelFormat::Rois => endings::ROIS,
            LabelFormat::Geojson => endings::GEOJSON,
            LabelFormat::Csv => endings::CELLS,
            LabelFormat::Outlines => endings::OUTLINES_TEXT,
            LabelFormat::Seg => endings::SEG,
        }
    }

    /// True if it can hold the labels of a stack.
    pub(crate) fn holds_stacks(self) -> bool {
        !matches!(self, LabelFormat::Png | LabelFormat::Outlines)
    }

    /// True if other programs open such a file to correct its cells.
    pub(crate) fn can_be_corrected(self) -> bool {
        self != LabelFormat::Csv
    }

    /// True if it can hold the labels of a time series.
    pub(crate) fn holds_time_series(self) -> bool {
        self.holds_stacks() && self != LabelFormat::Seg
    }

    /// Writes cells. A `_seg.npy` holds only the labels and the reference's default diameter.
    pub(crate) fn write<W: Write + Seek>(self, out: W, cells: Cells<'_>) -> Result<(), Error> {
        let Cells { labels, has_channels, metadata } = cells;
        match self {
            LabelFormat::Tif => write_labels_tiff_with(out, labels, metadata),
            LabelFormat::Png => write_labels_png(out, labels),
            LabelFormat::Npy => write_labels_npy(out, labels),
            LabelFormat::Rois if has_channels => write_hyperstack_rois(out, labels),
            LabelFormat::Rois => write_rois(out, labels),
            LabelFormat::Geojson => write_geojson(out, labels),
            LabelFormat::Csv => write_csv(out, labels),
            LabelFormat::Outlines => write_outlines(out, labels),
            LabelFormat::Seg => {
                let parts =
                    SegParts { labels, images: &[], flows: None, filename: "", channels: [0, 0], diameter: 30.0 };
                write_seg(out, &parts)
            }
        }
    }
}
