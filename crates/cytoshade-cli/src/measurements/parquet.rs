//! Parquet, with the row interface of the crate `parquet`: typed columns, texts in a dictionary, no compression.

use std::io::{self, Write};
use std::sync::Arc;

use cytoshade_measure::{ColumnKind, Values};
use parquet::basic::{LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::Result;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{Type, TypePtr};

use super::batch::Batch;
use super::table::{Field, Schema};

/// Rows of a row group, unless an image has more cells.
const ROW_GROUP: usize = 1 << 16;

/// Writes a table; a value that does not apply is null.
pub(super) fn write(
    out: impl Write + Send,
    schema: &Schema,
    batches: impl Iterator<Item = io::Result<Batch>>,
) -> io::Result<()> {
    let types = message_type(schema).map_err(io::Error::other)?;
    let mut writer = SerializedFileWriter::new(out, types, Default::default()).map_err(io::Error::other)?;
    let mut group = Vec::new();
    for batch in batches {
        group.push(batch?);
        if group.iter().map(Batch::rows).sum::<usize>() >= ROW_GROUP {
            write_group(&mut writer, schema, &group).map_err(io::Error::other)?;
            group.clear();
        }
    }
    if !group.is_empty() {
        write_group(&mut writer, schema, &group).map_err(io::Error::other)?;
    }
    writer.close().map(drop).map_err(io::Error::other)
}

fn message_type(schema: &Schema) -> Result<TypePtr> {
    let text = |name: &&str| {
        Type::primitive_type_builder(name, PhysicalType::BYTE_ARRAY)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(Some(LogicalType::String))
            .build()
    };
    let column = |field: &Field| {
        let kind = match field.kind {
            ColumnKind::Integer => PhysicalType::INT64,
            ColumnKind::Number => PhysicalType::DOUBLE,
            ColumnKind::Boolean => PhysicalType::BOOLEAN,
        };
        Type::primitive_type_builder(&field.name, kind).with_repetition(Repetition::OPTIONAL).build()
    };
    let fields = schema.texts.iter().map(text).chain(schema.columns.iter().map(column));
    let fields = fields.map(|field| field.map(Arc::new)).collect::<Result<_>>()?;
    Type::group_type_builder("measurements").with_fields(fields).build().map(Arc::new)
}

fn write_group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    schema: &Schema,
    batches: &[Batch],
) -> Result<()> {
    let mut group = writer.next_row_group()?;
    for name in &schema.texts {
        let text = |batch: &Batch| ByteArray::from(batch.text(name).unwrap_or_default());
        let texts: Vec<ByteArray> =
            batches.iter().flat_map(|batch| std::iter::repeat_n(text(batch), batch.rows())).collect();
        write_column::<ByteArrayType>(&mut group, &texts, None)?;
    }
    for field in &schema.columns {
        match field.kind {
            ColumnKind::Integer => write_optional::<Int64Type>(&mut group, values(batches, field, integer))?,
            ColumnKind::Number => write_optional::<DoubleType>(&mut group, values(batches, field, number))?,
            ColumnKind::Boolean => write_optional::<BoolType>(&mut group, values(batches, field, boolean))?,
        }
    }
    group.close().map(drop)
}

/// The values of a column in all batches, `None` in a batch without the column.
fn values<T>(batches: &[Batch], field: &Field, value: fn(&Values, usize) -> Option<T>) -> Vec<Option<T>> {
    let of_batch = |batch: &Batch| {
        let column = batch.column(&field.name);
        (0..batch.rows()).map(|row| value(&column?.values, row)).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of_batch).collect()
}

fn integer(values: &Values, row: usize) -> Option<i64> {
    let Values::Integers(values) = values else { return None };
    i64::try_from(*values.get(row)?).ok()
}

fn number(values: &Values, row: usize) -> Option<f64> {
    let Values::Numbers(values) = values else { return None };
    *values.get(row)?
}

fn boolean(values: &Values, row: usize) -> Option<bool> {
    let Values::Booleans(values) = values else { return None };
    values.get(row).copied()
}

fn write_optional<D: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: Vec<Option<D::T>>,
) -> Result<()> {
    let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
    let values: Vec<D::T> = values.into_iter().flatten().collect();
    write_column::<D>(group, &values, Some(&levels))
}

fn write_column<D: DataType>(
    group: &mut SerializedRowGroupWriter<'_, impl Write + Send>,
    values: &[D::T],
    levels: Option<&[i16]>,
) -> Result<()> {
    let Some(mut column) = group.next_column()? else { return Ok(()) };
    column.typed::<D>().write_batch(values, levels, None)?;
    column.close()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use cytoshade::Labels;
    use cytoshade_measure::Measurer;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::RowAccessor;

    use super::*;

    #[test]
    fn a_reader_finds_every_row_and_type() {
        let labels = Labels::new(vec![0, 1, 1, 7, 7, 0, 7, 7, 0], 3, 3).unwrap();
        let batch = |size: Option<[f64; 3]>, name: &str| {
            let measurer = Measurer::new(&labels);
            let measurer = size.into_iter().fold(measurer, Measurer::pixel_size);
            Batch::from_regions(&measurer.measure().unwrap(), None).with_text("file", name.to_owned())
        };
        let batches = [batch(None, "=a.tif"), batch(Some([1.0, 0.5, 0.5]), "b.tif")];
        let mut out = Vec::new();
        write(&mut out, &Schema::from_batches(&batches), batches.iter().cloned().map(Ok)).unwrap();

        let reader = SerializedFileReader::new(Bytes::from(out)).unwrap();
        let columns = reader.metadata().file_metadata().schema_descr().columns();
        let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
        assert_eq!(
            (names[..4].to_vec(), names.last()),
            (vec!["file", "label", "area", "centroid-0"], Some(&"axis_minor_length_um"))
        );
        let at = |name: &str| names.iter().position(|other| *other == name).unwrap();
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let found: Vec<_> = rows
            .iter()
            .map(|row| {
                let size = row.get_double(at("area_um2")).ok();
                let border = row.get_bool(at("touches_border")).unwrap();
                (row.get_string(0).unwrap().as_str(), row.get_long(1).unwrap(), row.get_long(2).unwrap(), size, border)
            })
            .collect();
        let expected = [
            ("=a.tif", 1, 2, None, true),
            ("=a.tif", 7, 4, None, true),
            ("b.tif", 1, 2, Some(0.5), true),
            ("b.tif", 7, 4, Some(1.0), true),
        ];
        assert_eq!(found, expected);
    }
}
