//! Reading a log: by the packer of its own process, and by recovery when its process is gone.

use super::{checksum, segments, FRAME_HEADER, MAGIC, SEGMENT_HEADER};
use crate::error::{Error, Result};
use crate::store::disk;
use crate::store::limits::MAX_RECORD_BYTES;
use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// No log grows as long: a segment that claims to stand behind this has a wrong name.
const LAST_BASE: u64 = 1 << 60;

/// Reads the frames of a log in order.
pub struct Reader {
    journal: PathBuf,
    position: u64,
    segment: Option<Segment>,
    ended: bool,
}

struct Segment {
    file: File,
    path: PathBuf,
    base: u64,
    next: Option<u64>,
    damage: Option<String>,
}

/// Frames that were read, with their positions.
#[derive(Default)]
pub struct Frames {
    bytes: Vec<u8>,
    frames: Vec<(u64, Range<usize>)>,
    /// Position of the first frame.
    pub from: u64,
    /// Position behind the last frame.
    pub to: u64,
}

/// What stopped a reader.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// There are as many frames as asked for, or the limit was reached: there may be more.
    Full,
    /// The end of what is whole.
    End,
    /// Bytes that are no frame. The reader stands at the next segment, if there is one.
    Damaged {
        /// The segment.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Frames {
    /// Each frame's record, with the position behind it.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.frames.iter().filter_map(|(end, range)| Some((*end, self.bytes.get(range.clone())?)))
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn start(&mut self, position: u64, size: u64) {
        self.bytes.clear();
        if self.bytes.capacity() as u64 > size.saturating_mul(8) {
            self.bytes = Vec::new(); // one large record must not hold its memory for ever
        }
        self.frames.clear();
        (self.from, self.to) = (position, position);
    }

    /// Takes the whole frames that stand in the bytes from `at` on.
    fn take(&mut self, mut at: usize, mut position: u64, limit: u64) -> Chunk {
        while position < limit {
            let Some(head) = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<FRAME_HEADER>()) else { break };
            let head = u64::from_le_bytes(*head);
            let (length, sum) = ((head & 0xffff_ffff) as usize, (head >> 32) as u32);
            if length == 0 || length > MAX_RECORD_BYTES {
                return self.ends(at, Chunk::Damaged("no frame"));
            }
            let range = at + FRAME_HEADER..at + FRAME_HEADER + length;
            let Some(content) = self.bytes.get(range.clone()) else {
                return self.ends(at, Chunk::Cut(range.len() + FRAME_HEADER));
            };
            if checksum(content) != sum {
                return self.ends(at, Chunk::Damaged("wrong checksum"));
            }
            (at, position) = (range.end, position + (FRAME_HEADER + length) as u64);
            self.frames.push((position, range));
            self.to = position;
        }
        self.ends(at, Chunk::Whole)
    }

    fn ends(&mut self, at: usize, chunk: Chunk) -> Chunk {
        self.bytes.truncate(at);
        chunk
    }
}

/// What stands at the end of the bytes that were read.
enum Chunk {
    Whole,
    /// The beginning of a frame of so many bytes.
    Cut(usize),
    Damaged(&'static str),
}

impl Reader {
    /// A reader of the log in a journal's folder that begins at `position`, or at the first segment behind it.
    pub fn new(journal: &Path, position: u64) -> Self {
        Reader { journal: journal.to_path_buf(), position, segment: None, ended: false }
    }

    /// Fills `frames` with frames of about `size` bytes (at least one frame), none at or behind `limit`.
    pub fn read(&mut self, frames: &mut Frames, size: u64, limit: u64) -> Result<Stop> {
        if self.segment.is_none() && !self.ended {
            self.ended = !self.find_segment()?;
        }
        frames.start(self.position, size);
        let mut wanted = size as usize;
        while !self.ended && self.position < limit {
            if frames.to - frames.from >= size {
                return Ok(Stop::Full);
            }
            if self.at_next_segment() && !self.find_segment()? {
                return Ok(Stop::End);
            }
            if let Some(reason) = self.segment.as_mut().and_then(|segment| segment.damage.take()) {
                return self.leave_segment(reason);
            }
            let before = self.position;
            let chunk = self.read_chunk(frames, wanted, limit)?;
            let grew = self.position > before;
            match chunk {
                Chunk::Damaged(reason) => {
                    return self.leave_segment(format!("{reason} at position {}", self.position));
                }
                Chunk::Cut(length) if length > wanted => wanted = length,
                _ if grew => {}
                // A segment goes on to where the next one begins: this one has lost its end.
                _ if self.segment.as_ref().is_some_and(|segment| segment.next.is_some()) => {
                    let reason = format!("it ends at position {}, before the next segment begins", self.position);
                    return self.leave_segment(reason);
                }
                _ if !self.grew_segment()? => return Ok(Stop::End),
                _ => {}
            }
        }
        Ok(if self.ended { Stop::End } else { Stop::Full })
    }

    /// Whether it has left the last segment, which was damaged.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    fn at_next_segment(&self) -> bool {
        self.segment.as_ref().is_none_or(|s| s.next.is_some_and(|next| self.position >= next))
    }

    /// A segment may have been begun since this one was opened.
    fn grew_segment(&mut self) -> Result<bool> {
        let before = self.segment.as_ref().map(|s| s.base);
        let found = self.find_segment()?;
        Ok(found && self.segment.as_ref().map(|s| s.base) != before)
    }

    fn find_segment(&mut self) -> Result<bool> {
        let all = segments(&self.journal)?;
        let holding = all.iter().rposition(|(base, _)| *base <= self.position);
        let Some((index, (base, path))) =
            holding.or(if all.is_empty() { None } else { Some(0) }).and_then(|i| Some((i, all.get(i)?)))
        else {
            self.segment = None;
            return Ok(false);
        };
        let next = all.get(index + 1).map(|(base, _)| *base);
        let failed = |cause| Error::io("cannot read the journal", path, &cause);
        let file = File::open(path).map_err(failed)?;
        let mut header = [0; SEGMENT_HEADER as usize];
        let read = disk::read_at(&file, &mut header, 0).map_err(failed)?;
        // A writer that was killed may have left a header that is not whole; then nothing stands behind it.
        let magic = header.get(..read.min(MAGIC.len())).unwrap_or_default();
        let damaged = !MAGIC.starts_with(magic) || *base > LAST_BASE;
        self.position = self.position.max(*base);
        let damage = damaged.then(|| "its header is damaged".to_string());
        self.segment = Some(Segment { file, path: path.clone(), base: *base, next, damage });
        Ok(true)
    }

    fn read_chunk(&mut self, frames: &mut Frames, size: usize, limit: u64) -> Result<Chunk> {
        let Some(segment) = &self.segment else { return Ok(Chunk::Whole) };
        let at = SEGMENT_HEADER + self.position - segment.base;
        let start = frames.bytes.len();
        frames.bytes.resize(start + size, 0);
        let room = frames.bytes.get_mut(start..).unwrap_or_default();
        let read = disk::read_at(&segment.file, room, at)
            .map_err(|cause| Error::io("cannot read the journal", &segment.path, &cause))?;
        frames.bytes.truncate(start + read);
        let chunk = frames.take(start, self.position, limit);
        self.position = frames.to.max(self.position);
        Ok(chunk)
    }

    fn leave_segment(&mut self, reason: String) -> Result<Stop> {
        let path = self.segment.as_ref().map(|s| s.path.clone()).unwrap_or_default();
        match self.segment.take().and_then(|s| s.next) {
            Some(next) => self.position = next,
            None => self.ended = true,
        }
        Ok(Stop::Damaged { path, reason })
    }
}
