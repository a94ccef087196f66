//! The result files of one image.

use std::path::{Path, PathBuf};

use cytoshade::{Image, Sha256};
use cytoshade_formats::{
    Error, FlowView, LabelView, RgbPicture, SaveFile, SegParts, TiffMetadata, write_flows_npy, write_images_tiff,
    write_overlay_png, write_overlay_tiff, write_seg,
};
use cytoshade_safe_io::{Existing, PendingFile, printable_path, sweep_stale_files};

use crate::endings;
use crate::failure::Failure;
use crate::label_format::{Cells, LabelFormat};
use crate::measurements::{self, Batch, Schema, TableFormat};
use crate::outputs::Outputs;
use crate::picture_kind::PictureKind;

/// Creates the output folder.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| {
        Failure::run(format!(
            "cannot create the output folder {}: {error}; pass another --output",
            printable_path(path)
        ))
    })
}

/// Creates the output folder, checks that it can be written to, and removes temporary files of killed runs.
pub(crate) fn writable_folder(path: &Path) -> Result<(), Failure> {
    folder(path)?;
    // A temporary file, which is dropped.
    PendingFile::create(&path.join(".cytoshade")).map(drop).map_err(|error| {
        Failure::run(format!(
            "cannot write to the output folder {}: {error}; pass another --output",
            printable_path(path)
        ))
    })?;
    sweep_stale_files(path);
    Ok(())
}

/// The paths of one image's results.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    folder: PathBuf,
    stem: String,
}

impl Files {
    /// The paths for `stem`; for page `page` (from 1) of it if the input holds a list.
    pub(crate) fn new(folder: &Path, stem: &str, page: Option<usize>) -> Self {
        let stem = match page {
            Some(page) => format!("{stem}_{page:04}"),
            None => stem.to_string(),
        };
        Self { folder: folder.to_path_buf(), stem }
    }

    fn file(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("{}{ending}", self.stem))
    }

    pub(crate) fn masks(&self) -> PathBuf {
        self.labels(LabelFormat::Tif)
    }

    pub(crate) fn labels(&self, format: LabelFormat) -> PathBuf {
        self.file(format.ending())
    }

    /// The file of Cellpose's graphical program. It may hold corrections by hand.
    pub(crate) fn seg(&self) -> PathBuf {
        self.labels(LabelFormat::Seg)
    }

    pub(crate) fn restored(&self) -> PathBuf {
        self.file(endings::RESTORED)
    }

    /// A PNG for an image, a TIFF of several pages for a stack or a time series.
    pub(crate) fn overlay(&self, has_pages: bool) -> PathBuf {
        self.file(if has_pages { endings::OVERLAY_TIF } else { endings::OVERLAY_PNG })
    }

    pub(crate) fn flows(&self) -> PathBuf {
        self.file(endings::FLOWS)
    }

    pub(crate) fn measurements(&self) -> PathBuf {
        self.file(endings::MEASUREMENTS)
    }

    pub(crate) fn picture(&self, kind: PictureKind) -> PathBuf {
        self.file(kind.ending())
    }

    /// Calls `announce` with the hash of the file before it appears.
    pub(crate) fn save_labels(
        &self,
        outputs: &mut Outputs,
        existing: Existing,
        (format, cells): (LabelFormat, Cells<'_>),
        announce: impl FnOnce(Sha256),
    ) -> Result<(), Failure> {
        outputs.save_announced(&self.labels(format), existing, |out| format.write(out, cells), announce)
    }

    /// Calls `announce` with the hash of the file before it appears.
    pub(crate) fn save_seg(
        &self,
        outputs: &mut Outputs,
        existing: Existing,
        parts: &SegParts<'_>,
        announce: impl FnOnce(Sha256),
    ) -> Result<(), Failure> {
        outputs.save_announced(&self.seg(), existing, |out| write_seg(out, parts), announce)
    }

    pub(crate) fn save_restored(
        &self,
        outputs: &mut Outputs,
        images: &[Image],
        metadata: &TiffMetadata,
    ) -> Result<(), Failure> {
        replace(outputs, &self.restored(), |out| write_images_tiff(out, images, metadata))
    }

    /// Draws the cells over an image, or over the z-slices of a stack.
    pub(crate) fn save_overlay(
        &self,
        outputs: &mut Outputs,
        images: &[Image],
        labels: LabelView<'_>,
    ) -> Result<(), Failure> {
        let has_pages = images.len() > 1 || labels.slices().is_some();
        replace(outputs, &self.overlay(has_pages), |out| match images {
            [image] if !has_pages => write_overlay_png(out, image, labels),
            images => write_overlay_tiff(out, images, labels),
        })
    }

    pub(crate) fn save_measurements(&self, outputs: &mut Outputs, batch: &Batch) -> Result<(), Failure> {
        replace(outputs, &self.measurements(), |out| {
            let batches = std::iter::once(Ok(batch.clone()));
            measurements::write(out, TableFormat::Csv, &Schema::from_batches([batch]), batches).map_err(Error::Write)
        })
    }

    pub(crate) fn save_picture(
        &self,
        outputs: &mut Outputs,
        kind: PictureKind,
        picture: &RgbPicture,
    ) -> Result<(), Failure> {
        replace(outputs, &self.picture(kind), |out| picture.write_png(out))
    }

    pub(crate) fn save_flows(&self, outputs: &mut Outputs, flows: &FlowView<'_>) -> Result<(), Failure> {
        replace(outputs, &self.flows(), |out| write_flows_npy(out, flows))
    }
}

fn replace(
    outputs: &mut Outputs,
    path: &Path,
    content: impl FnOnce(&mut SaveFile<'_>) -> Result<(), Error>,
) -> Result<(), Failure> {
    outputs.save(path, Existing::Replace, content)
}
