//! CSV (RFC 4180): a line of names, and a line for each call. JSON values are their text; what a call has not is empty.

use super::columns::{Cell, COLUMNS};
use super::Form;
use crate::outcome::Failure;
use crate::traces::call::Call;
use csv::{Error, Terminator, Writer, WriterBuilder};
use std::io::{self, Write};

/// Writes them.
pub struct Csv<W: Write>(Writer<W>);

impl<W: Write> Csv<W> {
    /// Into `out`, names first.
    pub fn new(out: W) -> Result<Csv<W>, Failure> {
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(out);
        writer.write_record(COLUMNS.map(|column| column.name)).map_err(failure)?;
        Ok(Csv(writer))
    }
}

impl<W: Write> Form for Csv<W> {
    fn add(&mut self, call: &Call) -> Result<(), Failure> {
        for column in &COLUMNS {
            match (column.value)(call) {
                None => self.0.write_field(""),
                Some(Cell::Text(text) | Cell::Json(text)) => self.0.write_field(text),
                Some(Cell::Time(time)) => self.0.write_field(time.to_string()),
                Some(Cell::Number(number)) => self.0.write_field(number.to_string()),
            }
            .map_err(failure)?;
        }
        self.0.write_record(None::<&[u8]>).map_err(failure)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.0.flush()?)
    }
}

fn failure(error: Error) -> Failure {
    io::Error::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::call::parse;
    use std::sync::Arc;

    #[test]
    fn a_value_with_quotes_commas_and_line_ends_is_quoted() {
        let mut csv = Csv::new(Vec::new()).unwrap();
        let call = parse(&Arc::from("p"), r#"{"id":"a","exception":"one\r\ntwo","inputs":{"k":"v,w"}}"#).unwrap();
        csv.add(&call).unwrap();
        csv.finish().unwrap();
        let text = String::from_utf8(csv.0.into_inner().unwrap()).unwrap();
        let (names, row) = text.split_once("\r\n").unwrap();
        assert!(names.starts_with("project_id,id,trace_id,") && names.ends_with(",wb_run_step_end"), "{names}");
        assert_eq!(row, "p,a,,,,,,,,,error,\"one\r\ntwo\",,\"{\"\"k\"\":\"\"v,w\"\"}\",,,,,,\r\n");
    }
}
