//! Lines of OTLP's JSON, some spans in each (OpenTelemetry Protocol File Exporter).

use super::batch::Batch;
use super::span;
use crate::export::Form;
use crate::outcome::Failure;
use crate::traces::call::Call;
use prost::Message;
use std::io::Write;

/// A line has no more than this as protobuf, unless one span alone has; as JSON that is not much more.
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
        let Some(span) = span::of(call) else { return Ok(()) };
        // Who reads the lines may have a limit: a large span is not to take others with it.
        if self.batch.bytes() + span.encoded_len() > LINE_BYTES {
            self.write()?;
        }
        self.batch.add(&call.project, span);
        Ok(())
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.write()?;
        Ok(self.out.flush()?)
    }
}
