//! CSV and TSV.

use std::borrow::Cow;
use std::io::{self, Write};

use cytoshade_measure::{Column, ColumnKind, Values};

use super::batch::Batch;
use super::table::{Schema, known};

/// Writes a header and a row for each cell. A value that does not apply is empty; numbers have all of their digits.
pub(super) fn write(
    mut out: impl Write,
    delimiter: char,
    schema: &Schema,
    batches: impl Iterator<Item = io::Result<Batch>>,
) -> io::Result<()> {
    let names = schema.texts.iter().copied().chain(schema.columns.iter().map(|field| field.name.as_str()));
    line(&mut out, delimiter, names)?;
    for batch in batches {
        let batch = batch?;
        let texts: Vec<Cow<'_, str>> =
            schema.texts.iter().map(|name| text(batch.text(name).unwrap_or_default(), delimiter)).collect();
        let columns: Vec<Option<&Column>> = schema.columns.iter().map(|field| batch.column(&field.name)).collect();
        for row in 0..batch.rows() {
            let values = columns.iter().map(|column| column.map_or_else(String::new, |column| value(column, row)));
            line(&mut out, delimiter, texts.iter().map(|text| Cow::Borrowed(&**text)).chain(values.map(Cow::Owned)))?;
        }
    }
    out.flush()
}

fn line(out: &mut impl Write, delimiter: char, fields: impl Iterator<Item = impl AsRef<str>>) -> io::Result<()> {
    for (index, field) in fields.enumerate() {
        if index > 0 {
            write!(out, "{delimiter}")?;
        }
        out.write_all(field.as_ref().as_bytes())?;
    }
    writeln!(out)
}

fn value(column: &Column, row: usize) -> String {
    match &column.values {
        Values::Integers(values) => values.get(row).map(ToString::to_string),
        Values::Numbers(values) => values.get(row).copied().flatten().map(|value| value.to_string()),
        Values::Booleans(values) => values.get(row).map(ToString::to_string),
    }
    .unwrap_or_default()
}

/// A text as a field: quoted if necessary, and never a formula, which a spreadsheet would run.
fn text(text: &str, delimiter: char) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) };
    if text.contains([delimiter, '"', '\n', '\r']) {
        return Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")));
    }
    text
}

/// Reads the measurements of an image that [`write()`] wrote as CSV: numbers alone. The text may be damaged.
pub(crate) fn read_batch(text: &str) -> Result<Batch, String> {
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let mut columns = Vec::with_capacity(names.len());
    for &name in &names {
        let (_, kind) = known(name).ok_or_else(|| format!("no measurement is named {name:?}"))?;
        let values = match kind {
            ColumnKind::Integer => Values::Integers(Vec::new()),
            ColumnKind::Number => Values::Numbers(Vec::new()),
            ColumnKind::Boolean => Values::Booleans(Vec::new()),
        };
        columns.push(Column { name: name.to_owned(), values });
    }
    let mut rows = 0;
    for line in lines {
        let fields: Vec<&str> = line.split(',').collect();
        if fields.len() != names.len() {
            return Err(format!("row {} has {} fields, expected {}", rows + 1, fields.len(), names.len()));
        }
        for (column, field) in columns.iter_mut().zip(fields) {
            push(&mut column.values, field)
                .ok_or_else(|| format!("{field:?} in row {} is no value of {}", rows + 1, column.name))?;
        }
        rows += 1;
    }
    Ok(Batch::new(columns, rows))
}

fn push(values: &mut Values, field: &str) -> Option<()> {
    match values {
        Values::Integers(values) => values.push(field.parse().ok()?),
        Values::Numbers(values) if field.is_empty() => values.push(None),
        Values::Numbers(values) => values.push(Some(field.parse().ok()?)),
        Values::Booleans(values) => values.push(field.parse().ok()?),
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use cytoshade::Labels;
    use cytoshade_measure::Measurer;

    use super::*;

    fn batch() -> Batch {
        let labels = Labels::new(vec![0, 1, 1, 7, 7, 0, 7, 7, 0], 3, 3).unwrap();
        Batch::from_regions(&Measurer::new(&labels).pixel_size([1.0, 0.5, 0.25]).measure().unwrap(), Some(4))
    }

    fn written(batch: &Batch, delimiter: char) -> String {
        let mut out = Vec::new();
        write(&mut out, delimiter, &Schema::from_batches([batch]), std::iter::once(Ok(batch.clone()))).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_digit_survives() {
        let batch = batch();
        let text = written(&batch, ',');
        assert!(text.starts_with("frame,label,area,centroid-0,centroid-1,bbox-0,"), "{text}");
        assert_eq!(read_batch(&text).unwrap(), batch);
        let mut changed = text.clone();
        changed.pop();
        changed.push('9');
        assert_ne!(read_batch(&changed).ok(), Some(batch));
    }

    #[test]
    fn damaged_tables_are_errors() {
        for text in ["", "label,colour\n1,2\n", "label,area\n1\n", "label\n-1\n", "label\nx\n", "touches_border\n2\n"] {
            assert!(read_batch(text).is_err(), "{text:?}");
        }
        assert_eq!(read_batch("label,area\n").unwrap().rows(), 0);
    }

    #[test]
    fn file_names_are_quoted_and_never_formulas() {
        let named = |name: &str| {
            let text = written(&batch().with_text("file", name.to_owned()), ',');
            text.lines().nth(1).unwrap().split_once(",4,").unwrap().0.to_owned()
        };
        assert_eq!(named("cells.tif"), "cells.tif");
        assert_eq!(named("a,b \"c\".tif"), "\"a,b \"\"c\"\".tif\"");
        assert_eq!(named("=cmd|' /c calc'!A0"), "'=cmd|' /c calc'!A0");
        assert_eq!(named("-1,2"), "\"'-1,2\"");
        assert_eq!(text("a\tb", '\t'), "\"a\tb\"");
    }
}
