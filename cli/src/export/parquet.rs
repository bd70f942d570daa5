//! Parquet: a column for each field, compressed with zstd. Texts and JSON are strings, since not every reader knows
//! Parquet's type for JSON; times are instants in microseconds.

use super::columns::{Cell, Column, Shape, COLUMNS};
use super::Form;
use crate::outcome::Failure;
use crate::traces::call::Call;
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::parser::parse_message_type;
use std::io::{self, Write};
use std::sync::Arc;

/// A group of rows is written when its values are so large, or so many: it is in memory until then.
const GROUP_BYTES: usize = 32 << 20;
const GROUP_ROWS: usize = 100_000;

/// Writes it.
pub struct Parquet<W: Write + Send> {
    file: SerializedFileWriter<W>,
    columns: Vec<Values>,
    rows: usize,
    bytes: usize,
}

/// The values of a column in the group that is being gathered. A level for each row says whether it has one: 1, or 0.
struct Values {
    kind: Kind,
    levels: Vec<i16>,
}

enum Kind {
    Texts(Vec<ByteArray>),
    Numbers(Vec<i64>),
}

impl<W: Write + Send> Parquet<W> {
    /// Into `out`.
    pub fn new(out: W) -> Result<Parquet<W>, Failure> {
        let schema = parse_message_type(&schema()).map_err(failure)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failure)?))
            .set_created_by(concat!("libweave ", env!("CARGO_PKG_VERSION")).to_string())
            .build();
        let file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties)).map_err(failure)?;
        Ok(Parquet { file, columns: COLUMNS.iter().map(Values::new).collect(), rows: 0, bytes: 0 })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for values in &mut self.columns {
            if let Some(column) = group.next_column()? {
                values.write(column)?;
            }
        }
        group.close()?;
        (self.rows, self.bytes) = (0, 0);
        Ok(())
    }
}

impl<W: Write + Send> Form for Parquet<W> {
    fn add(&mut self, call: &Call) -> Result<(), Failure> {
        for (column, values) in COLUMNS.iter().zip(&mut self.columns) {
            self.bytes += values.add((column.value)(call));
        }
        self.rows += 1;
        if self.rows < GROUP_ROWS && self.bytes < GROUP_BYTES {
            return Ok(());
        }
        self.write_group().map_err(failure)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.write_group().map_err(failure)?;
        self.file.finish().map_err(failure)?;
        Ok(self.file.inner_mut().flush()?)
    }
}

impl Values {
    fn new(column: &Column) -> Values {
        let kind = match column.shape {
            Shape::Text | Shape::Json => Kind::Texts(Vec::new()),
            Shape::Time | Shape::Number => Kind::Numbers(Vec::new()),
        };
        Values { kind, levels: Vec::new() }
    }

    /// Adds the cell of a row; how many bytes it takes.
    fn add(&mut self, cell: Option<Cell<'_>>) -> usize {
        self.levels.push(i16::from(cell.is_some()));
        match (&mut self.kind, cell) {
            (Kind::Texts(values), Some(Cell::Text(text) | Cell::Json(text))) => {
                values.push(text.as_bytes().to_vec().into());
                text.len() + size_of::<ByteArray>()
            }
            (Kind::Numbers(values), Some(Cell::Time(time))) => {
                values.push(time.micros());
                size_of::<i64>()
            }
            (Kind::Numbers(values), Some(Cell::Number(number))) => {
                values.push(number.cast_signed()); // the same bits: the column's type says that there is no sign
                size_of::<i64>()
            }
            _ => size_of::<i16>(),
        }
    }

    fn write(&mut self, mut column: SerializedColumnWriter<'_>) -> Result<(), ParquetError> {
        match &mut self.kind {
            Kind::Texts(values) => {
                column.typed::<ByteArrayType>().write_batch(values, Some(&self.levels), None)?;
                values.clear();
            }
            Kind::Numbers(values) => {
                column.typed::<Int64Type>().write_batch(values, Some(&self.levels), None)?;
                values.clear();
            }
        }
        self.levels.clear();
        column.close()
    }
}

fn schema() -> String {
    let column = |column: &Column| {
        let (kind, logical) = match column.shape {
            Shape::Text | Shape::Json => ("binary", "STRING"),
            Shape::Time => ("int64", "TIMESTAMP(MICROS, true)"),
            Shape::Number => ("int64", "INTEGER(64, false)"),
        };
        format!("  optional {kind} {} ({logical});\n", column.name)
    };
    format!("message call {{\n{}}}", COLUMNS.iter().map(column).collect::<String>())
}

/// Errors of the output, as these are; what else may come is a fault of this file.
fn failure(error: ParquetError) -> Failure {
    match error {
        ParquetError::External(cause) => match cause.downcast::<io::Error>() {
            Ok(cause) => (*cause).into(),
            Err(cause) => Failure::nothing(format!("cannot write Parquet: {cause}")),
        },
        error => Failure::nothing(format!("cannot write Parquet: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::call::parse;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Row;
    use std::collections::HashMap;

    fn rows(calls: &[&str]) -> Vec<HashMap<String, String>> {
        let file = tempfile::tempfile().unwrap();
        let mut parquet = Parquet::new(file.try_clone().unwrap()).unwrap();
        for call in calls {
            parquet.add(&parse(&Arc::from("team/demo"), call).unwrap()).unwrap();
        }
        parquet.finish().unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let cells = |row: Row| row.get_column_iter().map(|(name, cell)| (name.clone(), cell.to_string())).collect();
        reader.get_row_iter(None).unwrap().map(|row| cells(row.unwrap())).collect()
    }

    #[test]
    fn values_come_back_and_what_a_call_has_not_is_null() {
        let whole = r#"{"id":"a","started_at":"2026-01-31T00:00:00.123456Z","inputs":{"x":1.10},"wb_run_step":18446744073709551615}"#;
        let rows = rows(&[whole, r#"{"id":"b"}"#]);
        assert_eq!(rows[0]["inputs"], r#""{"x":1.10}""#);
        assert_eq!(rows[0]["wb_run_step"], u64::MAX.to_string());
        assert!(rows[0]["started_at"].starts_with("2026-01-31 00:00:00.123456"), "{}", rows[0]["started_at"]);
        assert_eq!(["inputs", "started_at", "wb_run_step"].map(|name| rows[1][name].as_str()), ["null"; 3]);
        assert_eq!(["id", "status"].map(|name| rows[1][name].as_str()), ["\"b\"", "\"running\""]);
    }

    #[test]
    fn no_calls_are_a_file_without_rows() {
        assert!(rows(&[]).is_empty());
    }
}
