//! What a dropped file held: a summary, and a line for each record with its id, op and time.
//!
//! A note is made in memory, in bounded space, so that it can be written when the file's own space is free.

use super::super::layout::DataFile;
use super::super::member;
use super::super::reader::Reader;
use crate::error::Result;
use crate::record::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Notes are small, and written rarely.
const LEVEL: i32 = 9;
const MEMBER_BYTES: usize = 256 * 1024;
/// What the summary takes at most beside the list, compressed.
const SUMMARY_BYTES: usize = 2048;

/// The first line of a note, and the line that stays when the note goes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// `ENTITY/PROJECT/KIND/FILE`.
    pub dropped: String,
    /// When.
    pub at: String,
    /// The file's length.
    pub bytes: u64,
    /// How many records were in it.
    pub records: u64,
    /// How many of these the note lists; the others did not fit.
    pub listed: u64,
    /// By record type.
    pub types: BTreeMap<String, OfType>,
    /// What of the file could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
    /// In a line that stands for several files: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u64>,
}

/// The records of one type.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfType {
    /// How many.
    pub records: u64,
    /// The earliest time.
    pub first: String,
    /// The latest time.
    pub last: String,
}

impl OfType {
    pub(super) fn add(&mut self, records: u64, first: &str, last: &str) {
        if self.records == 0 || first < self.first.as_str() {
            self.first = first.to_string();
        }
        if last > self.last.as_str() {
            self.last = last.to_string();
        }
        self.records += records;
    }
}

/// A record as a note lists it.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    #[serde(rename = "type")]
    record_type: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    op_name: Option<&'a str>,
    time: &'a str,
}

/// What of a line tells which record it is.
#[derive(Deserialize)]
struct Line {
    #[serde(rename = "type")]
    record_type: String,
    timestamp: String,
    data: Data,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Data {
    id: Option<String>,
    op_name: Option<String>,
    started_at: Option<String>,
    /// The fields of a call lie in here when the record is only its start or its end.
    start: Option<Box<Data>>,
    end: Option<Box<Data>>,
    call_id: Option<String>,
    object_id: Option<String>,
    obj: Option<Box<Data>>,
    digest: Option<String>,
}

/// Reads a file that is dropped: its summary, and the bytes of its note, at most about `limit`.
///
/// `content` is where the file lies now, `file` what it was.
pub fn read(content: &Path, file: &DataFile, limit: u64) -> Result<(Summary, Vec<u8>)> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(SUMMARY_BYTES);
    let mut summary = Summary {
        dropped: place(&file.path),
        at: Timestamp::now().to_string(),
        bytes: std::fs::metadata(content).map(|about| about.len()).unwrap_or_default(),
        ..Summary::default()
    };
    let mut compressor = member::Writer::new(LEVEL)?;
    let (mut list, mut lines, mut is_full) = (Vec::new(), Vec::new(), false);
    let (mut reader, mut line) = (Reader::open(content)?, Vec::new());
    while reader.next_line(&mut line)?.is_some() {
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        summary.records += 1;
        let Ok(record) = serde_json::from_slice::<Line>(&line) else {
            summary.damage.get_or_insert_with(|| "a line is no record".to_string());
            continue;
        };
        let entry = record.entry();
        summary.types.entry(entry.record_type.to_string()).or_default().add(1, entry.time, entry.time);
        // The lines, which are mostly ids, become half as long.
        is_full |= list.len() + lines.len() / 2 >= limit;
        if is_full {
            continue;
        }
        // Writing into a Vec cannot fail.
        let _ = serde_json::to_writer(&mut lines, &entry);
        lines.push(b'\n');
        summary.listed += 1;
        if lines.len() >= MEMBER_BYTES {
            close(&mut compressor, &mut lines, &mut list)?;
        }
    }
    if let Some(damage) = reader.damage() {
        summary.damage = Some(damage.to_string());
    }
    close(&mut compressor, &mut lines, &mut list)?;
    let mut first = serde_json::to_vec(&summary).unwrap_or_default();
    first.push(b'\n');
    let mut note = compressor.write(&first, 1, &[])?;
    note.extend_from_slice(&list);
    Ok((summary, note))
}

fn close(compressor: &mut member::Writer, lines: &mut Vec<u8>, list: &mut Vec<u8>) -> Result<()> {
    if !lines.is_empty() {
        let count = lines.iter().filter(|byte| **byte == b'\n').count();
        list.extend_from_slice(&compressor.write(lines, u32::try_from(count).unwrap_or(u32::MAX), &[])?);
        lines.clear();
    }
    Ok(())
}

/// The summary of a note.
pub fn summary(note: &Path) -> Result<Option<Summary>> {
    let (mut reader, mut line) = (Reader::open(note)?, Vec::new());
    Ok(reader.next_line(&mut line)?.and_then(|_| serde_json::from_slice(&line).ok()))
}

/// `ENTITY/PROJECT/KIND/FILE`.
pub(super) fn place(path: &Path) -> String {
    let mut parts: Vec<_> = path.iter().rev().take(4).map(|part| part.to_string_lossy()).collect();
    parts.reverse();
    parts.join("/")
}

impl Line {
    fn entry(&self) -> Entry<'_> {
        let data = self.data.start.as_ref().or(self.data.end.as_ref()).or(self.data.obj.as_ref());
        let data = data.map_or(&self.data, |inner| inner.as_ref());
        let id = data.id.as_ref().or(data.call_id.as_ref()).or(data.object_id.as_ref()).or(data.digest.as_ref());
        Entry {
            record_type: &self.record_type,
            id: id.map(String::as_str),
            op_name: data.op_name.as_deref(),
            time: data.started_at.as_deref().unwrap_or(&self.timestamp),
        }
    }
}
