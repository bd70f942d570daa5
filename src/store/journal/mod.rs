//! The journal: where a record is kept from the moment that it is accepted until it is in a data file.
//!
//! A journal belongs to one process. Its folder holds `lock`, held while the process lives, and segments
//! `POSITION.log`, named after the position of their first frame. A position counts the bytes of all frames before it,
//! over all segments. A segment is a header (magic, journal id) and frames: length (4 bytes, little-endian), CRC-32 of
//! the content, content ([`crate::record::frame`]).

pub mod progress;
pub mod reader;
pub mod ring;
pub mod writer;

use super::layout::{self, LIBRARY_FOLDER};
use crate::error::Result;
use std::path::{Path, PathBuf};

const MAGIC: [u8; 8] = *b"WEAVEJ1\n";
const SEGMENT_HEADER: u64 = 24;
const FRAME_HEADER: u64 = 8;

/// The folder that holds the journals of an offline directory.
pub fn folder(root: &Path) -> PathBuf {
    root.join(LIBRARY_FOLDER).join("journals")
}

/// The lock of a journal.
pub fn lock_path(journal: &Path) -> PathBuf {
    journal.join("lock")
}

/// Positions and paths of a journal's segments, in order.
fn segments(journal: &Path) -> Result<Vec<(u64, PathBuf)>> {
    let mut found: Vec<(u64, PathBuf)> =
        layout::entries(journal)?.into_iter().filter_map(|path| Some((segment_position(&path)?, path))).collect();
    found.sort();
    Ok(found)
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
