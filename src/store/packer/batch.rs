//! What the packer moves at a time: a part of each stream of a journal.

use crate::record::frame::Frame;
use crate::store::journal::StreamId;

/// A part of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The stream.
    pub stream: StreamId,
    /// Position of the first record.
    pub from: u64,
    /// Position behind the last record.
    pub to: u64,
}

/// Records of several streams, as the journal keeps them. Those of one stream are in order and follow each other.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    /// The parts of streams.
    pub parts: Vec<Part>,
    /// Each record with the number of its part and the position behind it.
    pub records: Vec<(usize, u64, &'a [u8])>,
}

impl<'a> Batch<'a> {
    /// Begins a part; the records that are added next belong to it.
    pub fn begin(&mut self, stream: StreamId, from: u64) {
        self.parts.push(Part { stream, from, to: from });
    }

    /// Adds a record to the part that was begun last.
    pub fn add(&mut self, end: u64, record: &'a [u8]) {
        let number = self.parts.len().saturating_sub(1);
        self.reach(end);
        self.records.push((number, end, record));
    }

    /// The part that was begun last goes on to a position, with no record there.
    pub fn reach(&mut self, end: u64) {
        if let Some(part) = self.parts.last_mut() {
            part.to = end;
        }
    }

    /// The projects of its records.
    pub fn projects(&self) -> Vec<&'a str> {
        let mut projects: Vec<&str> =
            self.records.iter().filter_map(|(.., record)| Some(Frame::decode(record)?.project)).collect();
        projects.dedup();
        projects
    }

    /// How many bytes of the journal it takes.
    pub fn length(&self) -> u64 {
        self.parts.iter().map(|part| part.to - part.from).sum()
    }
}
