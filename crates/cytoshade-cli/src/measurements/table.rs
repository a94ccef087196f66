//! The columns of a table of several batches.

use std::io::{self, Write};

use cytoshade_measure::{COLUMNS, ColumnKind};

use super::batch::Batch;
use super::{TableFormat, csv};

/// The columns of a table: those that any of its batches has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    pub(super) texts: Vec<&'static str>,
    pub(super) columns: Vec<Field>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) kind: ColumnKind,
}

impl Schema {
    pub(crate) fn from_batches<'b>(batches: impl IntoIterator<Item = &'b Batch>) -> Self {
        let mut schema = Self::default();
        batches.into_iter().for_each(|batch| schema.add(batch));
        schema
    }

    /// Adds the columns of a batch, in the order of [`COLUMNS`].
    pub(super) fn add(&mut self, batch: &Batch) {
        for (name, _) in &batch.texts {
            if !self.texts.contains(name) {
                self.texts.push(name);
            }
        }
        for column in &batch.columns {
            if let Some((place, kind)) = known(&column.name)
                && let Err(at) = self.columns.binary_search_by_key(&Some(place), |field| Some(known(&field.name)?.0))
            {
                self.columns.insert(at, Field { name: column.name.clone(), kind });
            }
        }
    }
}

/// The place of a column's name among all names, and the type of its values.
pub(super) fn known(name: &str) -> Option<((usize, Option<usize>), ColumnKind)> {
    let (base, index) = match name.split_once('-') {
        Some((base, index)) => (base, Some(index.parse().ok()?)),
        None => (name, None),
    };
    if base == "frame" {
        return Some(((0, index), ColumnKind::Integer));
    }
    let at = COLUMNS.iter().position(|column| column.0 == base)?;
    Some(((at + 1, index), COLUMNS.get(at)?.1))
}

/// Writes a table of batches whose columns the schema has.
pub(crate) fn write(
    out: impl Write + Send,
    format: TableFormat,
    schema: &Schema,
    batches: impl Iterator<Item = io::Result<Batch>>,
) -> io::Result<()> {
    match format {
        TableFormat::Csv => csv::write(out, ',', schema, batches),
        TableFormat::Tsv => csv::write(out, '\t', schema, batches),
        #[cfg(feature = "parquet")]
        TableFormat::Parquet => super::parquet::write(out, schema, batches),
    }
}
