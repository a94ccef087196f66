//! The table of a whole run, from the measurement files of its images.

use std::io;
use std::path::{Path, PathBuf};

use cytoshade_formats::{Error, Limits, read_file};
use cytoshade_safe_io::{Existing, printable_path};

use super::{Batch, Schema, TableFormat, read_batch, write};
use crate::endings::MEASUREMENTS;
use crate::failure::Failure;
use crate::manifest::relative;
use crate::outputs::Outputs;
use crate::report::warn;

/// The measurement files of a run's images, in order.
///
/// Each image's measurements are a file of their own, so that a run that is interrupted and continued has the same table
/// as one that is not, and memory is bounded by one image's cells.
#[derive(Debug, Default)]
pub(crate) struct RunTable {
    entries: Vec<Entry>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    file: String,
    image: String,
    measurements: PathBuf,
}

impl RunTable {
    /// Adds the measurements of an image of an input.
    pub(crate) fn add(&mut self, root: &Path, input: &Path, measurements: PathBuf) {
        let file = relative(root, input).unwrap_or_else(|| input.display().to_string());
        self.add_named(root, file, measurements);
    }

    /// Adds the measurements of an input that was complete before the run: those among its outputs.
    pub(crate) fn add_done<'o>(&mut self, root: &Path, input: &str, outputs: impl Iterator<Item = &'o String>) {
        for output in outputs.filter(|output| output.ends_with(MEASUREMENTS)) {
            self.add_named(root, input.to_owned(), root.join(output));
        }
    }

    fn add_named(&mut self, root: &Path, file: String, measurements: PathBuf) {
        let name = relative(root, &measurements).unwrap_or_else(|| measurements.display().to_string());
        let image = name.strip_suffix(MEASUREMENTS).unwrap_or(&name).to_owned();
        self.entries.push(Entry { file, image, measurements });
    }

    /// Adds the images of another table.
    pub(crate) fn append(&mut self, other: Self) {
        self.entries.extend(other.entries);
    }

    /// Writes the table with the columns that any image has, sorted by file; nothing if no image was measured.
    ///
    /// Leaves out files that cannot be read, with a warning.
    pub(crate) fn save(mut self, outputs: &mut Outputs, path: &Path, format: TableFormat) -> Result<(), Failure> {
        // The order of a run that was not interrupted. A file that changed while it was watched has only its last results.
        self.entries.sort();
        self.entries.dedup();
        let mut schema = Schema::default();
        self.entries.retain(|entry| match entry.read() {
            Ok(batch) => {
                schema.add(&batch);
                true
            }
            Err(error) => {
                let failure = Failure::at(&entry.measurements, error);
                warn(format_args!("{failure}; {} has no row of this image", printable_path(path)));
                false
            }
        });
        if self.entries.is_empty() {
            return Ok(());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_of_one_image_leaves_the_rows_of_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("a_measurements.csv"), "label,area\n1,9\n").unwrap();
        let mut table = RunTable::default();
        for name in ["a", "b"] {
            let measurements = file(&format!("{name}_measurements.csv"));
            table.add(folder.path(), &file(&format!("{name}.tif")), measurements);
        }
        table.save(&mut Outputs::default(), &file("all.csv"), TableFormat::Csv).unwrap();
        let text = std::fs::read_to_string(file("all.csv")).unwrap();
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("a.tif"), "{text}");
    }
}
