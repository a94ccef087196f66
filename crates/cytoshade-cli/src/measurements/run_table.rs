//! The table of a whole run, from the measurement files of its images.

use std::io;
use std::path::{Path, PathBuf};

use cytoshade_formats::{Error, Limits, read_file};
use cytoshade_safe_io::Existing;

use super::{Batch, Schema, TableFormat, read_batch, write};
use crate::failure::Failure;
use crate::outputs::Outputs;

/// The measurement files of a run's images, in order.
///
/// Each image's measurements are a file of their own, so that a run that is interrupted and continued has the same table
/// as one that is not, and memory is bounded by one image's cells.
#[derive(Debug, Default)]
pub(crate) struct RunTable {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    file: String,
    image: String,
    measurements: PathBuf,
}

impl RunTable {
    /// Adds the measurements of an image: the name of its file, and the stem of its results.
    pub(crate) fn add(&mut self, file: String, image: String, measurements: PathBuf) {
        self.entries.push(Entry { file, image, measurements });
    }

    /// Writes the table, with the columns that any image has.
    pub(crate) fn save(&self, outputs: &mut Outputs, path: &Path, format: TableFormat) -> Result<(), Failure> {
        let mut schema = Schema::default();
        for entry in &self.entries {
            let batch = entry.read().map_err(|error| Failure::at(&entry.measurements, error))?;
            schema.add(&batch);
        }
        outputs.save(path, Existing::Replace, |out| {
            let batches = self.entries.iter().map(|entry| entry.read().map_err(io::Error::other));
            write(out, format, &schema, batches).map_err(Error::Write)
        })
    }
}

impl Entry {
    fn read(&self) -> Result<Batch, String> {
        let bytes = read_file(&self.measurements, &Limits::default()).map_err(|error| error.to_string())?;
        let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
        Ok(read_batch(text)?.with_text("file", self.file.clone()).with_text("image", self.image.clone()))
    }
}
