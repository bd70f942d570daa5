//! Lines of JSON, an object for each call. Every line has every field, so that readers that guess types find all of them.

use super::columns::{Cell, COLUMNS};
use super::Form;
use crate::outcome::Failure;
use crate::traces::call::Call;
use std::io::Write;
use weave::record::call::write_text;

/// Writes them.
pub struct Jsonl<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Jsonl<W> {
    /// Into `out`.
    pub fn new(out: W) -> Jsonl<W> {
        Jsonl { out, line: Vec::new() }
    }
}

impl<W: Write> Form for Jsonl<W> {
    fn add(&mut self, call: &Call) -> Result<(), Failure> {
        let line = &mut self.line;
        line.clear();
        for column in &COLUMNS {
            line.push(if line.is_empty() { b'{' } else { b',' });
            write_text(column.name.as_bytes(), line);
            line.push(b':');
            match (column.value)(call) {
                None => line.extend_from_slice(b"null"),
                Some(Cell::Text(text)) => write_text(text.as_bytes(), line),
                Some(Cell::Json(json)) => line.extend_from_slice(json.as_bytes()),
                Some(Cell::Time(time)) => write!(line, "\"{time}\"")?,
                Some(Cell::Number(number)) => write!(line, "{number}")?,
            }
        }
        line.extend_from_slice(b"}\n");
        Ok(self.out.write_all(line)?)
    }

    fn finish(&mut self) -> Result<(), Failure> {
        Ok(self.out.flush()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traces::call::parse;
    use std::sync::Arc;

    fn line(text: &str) -> String {
        let mut jsonl = Jsonl::new(Vec::new());
        jsonl.add(&parse(&Arc::from("team/demo"), text).unwrap()).unwrap();
        String::from_utf8(jsonl.out).unwrap()
    }

    #[test]
    fn values_are_as_they_were_logged_digit_for_digit() {
        let inputs = r#"{"x":1.10,"big":123456789012345678901234567890,"s":"\u00e9"}"#;
        assert!(line(&format!(r#"{{"id":"a","inputs":{inputs}}}"#)).contains(&format!(r#","inputs":{inputs},"#)));
    }

    #[test]
    fn every_line_has_every_field() {
        let names = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(&line(text)).unwrap();
            value.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
        };
        assert_eq!(names(r#"{"id":"a"}"#).len(), COLUMNS.len());
        assert_eq!(names(r#"{"id":"a"}"#), names(r#"{"id":"b","exception":"E","output":[],"wb_run_step":7}"#));
    }
}
