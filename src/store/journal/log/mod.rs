//! The log of a journal: segments of frames, appended with `write(2)`.
//!
//! It takes what is no part of a call, so that the order of such records is kept; calls that find no room in a ring; and
//! everything where memory cannot be mapped. Segments are named `POSITION.log`, after the position of their first frame.
//! A segment is a header (magic, stream id) and frames: length (4 bytes, little-endian), CRC-32 of the content, content
//! ([`crate::record::frame`]).

pub mod ends;
pub mod reader;
pub mod writer;

use crate::error::Result;
use crate::store::layout;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"WEAVEJ1\n";
const SEGMENT_HEADER: u64 = 24;
const FRAME_HEADER: usize = 8;

/// Positions and paths of the segments in a journal's folder, in order.
pub fn segments(journal: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found: Vec<(u64, PathBuf)> =
        layout::entries(journal)?.into_iter().filter_map(|path| Some((segment_position(&path)?, path))).collect();
    found.sort();
    Ok(found)
}

/// The position at which the log begins; what stood before is in data files.
pub fn first_position(journal: &Path) -> Result<u64> {
    Ok(segments(journal)?.first().map_or(0, |(position, _)| *position))
}

fn segment_position(path: &Path) -> Option<u64> {
    path.file_name()?.to_str()?.strip_suffix(".log")?.parse().ok()
}

fn segment_path(journal: &Path, position: u64) -> PathBuf {
    journal.join(format!("{position:020}.log"))
}

fn checksum(content: &[u8]) -> u32 {
    crc32fast::hash(content)
}
