//! Rows of a table: the measurements of one image.

use cytoshade_measure::{Column, Regions, Values};

/// The measurements of one image, with the texts that all of its rows share.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Batch {
    /// Names and values of text columns.
    pub(super) texts: Vec<(&'static str, String)>,
    pub(super) columns: Vec<Column>,
    rows: usize,
}

impl Batch {
    pub(super) fn new(columns: Vec<Column>, rows: usize) -> Self {
        Self { texts: Vec::new(), columns, rows }
    }

    /// The measurements of an image, or of a time point of one, from 0.
    pub(crate) fn from_regions(regions: &Regions, frame: Option<usize>) -> Self {
        let rows = regions.as_slice().len();
        let frames =
            frame.map(|frame| Column { name: "frame".to_owned(), values: Values::Integers(vec![frame as u64; rows]) });
        Self::new(frames.into_iter().chain(regions.columns()).collect(), rows)
    }

    /// Adds a text column of one value.
    pub(super) fn with_text(mut self, name: &'static str, text: String) -> Self {
        self.texts.push((name, text));
        self
    }

    /// Number of cells.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// The numbers of a column; `None` without such a column.
    pub(crate) fn numbers(&self, name: &str) -> Option<Vec<Option<f64>>> {
        Some(match &self.column(name)?.values {
            Values::Integers(values) => values.iter().map(|&value| Some(value as f64)).collect(),
            Values::Numbers(values) => values.clone(),
            Values::Booleans(values) => values.iter().map(|&value| Some(f64::from(u8::from(value)))).collect(),
        })
    }

    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.texts.iter().find(|text| text.0 == name).map(|text| text.1.as_str())
    }
}
