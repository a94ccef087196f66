//! What is written and reported for one image.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use cytoshade::{Channels, Image, LabelVolume, Labels, Segmentation, StackSegmentation, Timings};
use cytoshade_formats::{
    SegParts, save, write_images_tiff, write_label_volume_npy, write_label_volume_tiff, write_npy_f32,
    write_overlay_png, write_seg,
};
use serde::Serialize;

use crate::failure::Failure;
use crate::label_format::LabelFormat;

/// The end of the names of restored images.
pub(crate) const RESTORED: &str = "_restored.tif";

/// Makes the folder that results go to.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path).map_err(|error| {
        Failure::run(format!("cannot make the output folder {}: {error}; give another --output", path.display()))
    })
}

/// The files of one image in a folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Files {
    folder: PathBuf,
    stem: String,
}

impl Files {
    /// The files for `stem`, or for its page `page` (from 1) where the input holds a list.
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

    pub(crate) fn restored(&self) -> PathBuf {
        self.file(RESTORED)
    }

    pub(crate) fn save_restored(&self, layers: &[Image]) -> Result<(), Failure> {
        write(&self.restored(), |out| write_images_tiff(out, layers))
    }

    pub(crate) fn overlay(&self) -> PathBuf {
        self.file("_overlay.png")
    }

    pub(crate) fn save_masks(&self, segmentation: &Segmentation) -> Result<(), Failure> {
        self.save_labels(LabelFormat::Tif, &segmentation.labels)
    }

    pub(crate) fn save_labels(&self, format: LabelFormat, labels: &Labels) -> Result<(), Failure> {
        write(&self.labels(format), |out| format.write(out, labels))
    }

    /// What Cellpose's graphical program opens. A person's corrections may be in it.
    pub(crate) fn seg(&self) -> PathBuf {
        self.file("_seg.npy")
    }

    /// Writes it.
    pub(crate) fn save_seg(
        &self,
        image: &Image,
        segmentation: &Segmentation,
        filename: &str,
        channels: Channels,
    ) -> Result<(), Failure> {
        let parts = SegParts {
            labels: &segmentation.labels,
            image: Some(image),
            flows: segmentation.flows.as_ref().zip(segmentation.cellprob.as_ref()),
            filename,
            channels: [channels.chan, channels.chan2],
            diameter: segmentation.diameter.into(),
        };
        write(&self.seg(), |out| write_seg(out, &parts))
    }

    /// The labels of a stack, one page a layer.
    pub(crate) fn save_stack_masks(&self, segmentation: &StackSegmentation) -> Result<(), Failure> {
        write(&self.masks(), |out| write_label_volume_tiff(out, &segmentation.labels))
    }

    /// The labels of a stack as an array [Z, H, W].
    pub(crate) fn save_stack_npy(&self, labels: &LabelVolume) -> Result<(), Failure> {
        write(&self.labels(LabelFormat::Npy), |out| write_label_volume_npy(out, labels))
    }

    pub(crate) fn save_overlay(&self, image: &Image, segmentation: &Segmentation) -> Result<(), Failure> {
        write(&self.overlay(), |out| write_overlay_png(out, image, &segmentation.labels))
    }

    /// Writes dY, dX and cell probability, where the segmentation carries them.
    pub(crate) fn save_flows(&self, segmentation: &Segmentation) -> Result<(), Failure> {
        let (Some(flows), Some(cellprob)) = (&segmentation.flows, &segmentation.cellprob) else { return Ok(()) };
        let shape = [3, flows.height(), flows.width()];
        self.save_flows_npy(&shape, flows.as_slice(), cellprob.as_slice())
    }

    /// Writes dZ where there is one, dY, dX and cell probability of a stack, where the segmentation carries them.
    pub(crate) fn save_stack_flows(&self, segmentation: &StackSegmentation) -> Result<(), Failure> {
        let (Some(flows), Some(cellprob)) = (&segmentation.flows, &segmentation.cellprob) else { return Ok(()) };
        let [depth, height, width] = flows.size();
        let shape = [flows.channels() + 1, depth, height, width];
        self.save_flows_npy(&shape, flows.as_slice(), cellprob.as_slice())
    }

    fn save_flows_npy(&self, shape: &[usize], flows: &[f32], cellprob: &[f32]) -> Result<(), Failure> {
        let values = [flows, cellprob].concat();
        write(&self.file("_flows.npy"), |out| write_npy_f32(out, shape, &values))
    }
}

pub(crate) fn write(
    path: &Path,
    content: impl FnOnce(&mut cytoshade_formats::SaveFile<'_>) -> Result<(), cytoshade_formats::Error>,
) -> Result<(), Failure> {
    save(path, content).map_err(|error| Failure::run(format!("cannot write {}: {error}", path.display())))
}

/// One line of `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) input: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) page: Option<usize>,
    pub(crate) output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) depth: Option<usize>,
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) cells: usize,
    pub(crate) device: String,
    pub(crate) diameter: f32,
    pub(crate) milliseconds: BTreeMap<&'static str, f64>,
}

impl Report {
    pub(crate) fn new(input: &Path, page: Option<usize>, files: &Files, segmentation: &Segmentation) -> Self {
        Self {
            input: input.display().to_string(),
            page,
            output: files.masks().display().to_string(),
            depth: None,
            width: segmentation.labels.width(),
            height: segmentation.labels.height(),
            cells: segmentation.cells(),
            device: segmentation.device.to_string(),
            diameter: segmentation.diameter,
            milliseconds: milliseconds(&segmentation.timings),
        }
    }

    pub(crate) fn from_stack(input: &Path, files: &Files, segmentation: &StackSegmentation) -> Self {
        Self {
            input: input.display().to_string(),
            page: None,
            output: files.masks().display().to_string(),
            depth: Some(segmentation.labels.depth()),
            width: segmentation.labels.width(),
            height: segmentation.labels.height(),
            cells: segmentation.cells(),
            device: segmentation.device.to_string(),
            diameter: segmentation.diameter,
            milliseconds: milliseconds(&segmentation.timings),
        }
    }
}

/// Each stage's time, and the `total`, rounded to a microsecond.
fn milliseconds(timings: &Timings) -> BTreeMap<&'static str, f64> {
    let round = |time: std::time::Duration| time.as_micros() as f64 / 1000.0;
    let stages = timings.iter().map(|(stage, time)| (stage.name(), round(time)));
    stages.chain([("total", round(timings.total()))]).collect()
}

/// A line on standard output. A closed pipe is the reader's right, not a panic.
pub(crate) fn print_line(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match writeln!(out, "{line}") {
        Err(error) if !out.is_terminal() && error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::run(format!("cannot write to standard output: {error}"))),
    }
}
