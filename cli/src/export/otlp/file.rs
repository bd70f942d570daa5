//! Lines of OTLP's JSON, some spans in each (OpenTelemetry Protocol File Exporter).

use super::batch::Batch;
use super::span;
use crate::export::Form;
use crate::outcome::Failure;
use crate::traces::call::Call;
use std::io::Write;

/// A line is written when its spans are so large.
const LINE_BYTES: usize = 256 << 10;

/// Writes them.
pub struct Lines<W> {
    out: W,
    batch: Batch,
}

impl<W: Write> Lines<W> {
    /// Into `out`.
    pub fn new(out: W) -> Lines<W> {
        Lines { out, batch: Batch::default() }
    }

    fn write(&mut self) -> Result<(), Failure> {
        if self.batch.spans() > 0 {
            serde_json::to_writer(&mut self.out, &self.batch.take())?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }
}

impl<W: Write> Form for Lines<W> {
    fn add(&mut self, call: &Call) -> Result<(), Failure> {
        if let Some(span) = span::of(call) {
            self.batch.add(&call.project, span);
        }
        match self.batch.bytes() < LINE_BYTES {
            true => Ok(()),
            false => self.write(),
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.write()?;
        Ok(self.out.flush()?)
    }
}
