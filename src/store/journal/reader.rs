//! Reading a journal: by the packer of its own process, and by recovery when its process is gone.

use super::{checksum, segments, FRAME_HEADER, MAGIC, SEGMENT_HEADER};
use crate::error::{Error, Result};
use crate::record::frame::Frame;
use crate::store::limits::MAX_RECORD_BYTES;
use crate::store::member::JournalId;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Reads the frames of a journal in order.
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
}

/// Frames that were read, with their positions.
#[derive(Default)]
pub struct Batch {
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
    /// The batch is full, or the limit was reached: there may be more.
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

impl Batch {
    /// Each frame that can be read, with the position behind it.
    pub fn frames(&self) -> impl Iterator<Item = (u64, Frame<'_>)> {
        self.frames.iter().filter_map(|(end, range)| Some((*end, Frame::decode(self.bytes.get(range.clone())?)?)))
    }

    /// How many frames were read.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    fn start(&mut self, position: u64) {
        self.bytes.clear();
        self.frames.clear();
        (self.from, self.to) = (position, position);
    }

    fn shrink(&mut self, limit: u64) {
        if self.bytes.capacity() as u64 > limit.saturating_mul(8) {
            self.bytes = Vec::new();
        }
    }
}

impl Reader {
    /// A reader of the journal in a folder that begins at `position`, or at the first segment behind it.
    pub fn new(journal: &Path, position: u64) -> Self {
        Reader { journal: journal.to_path_buf(), position, segment: None, ended: false }
    }

    /// The id that the journal's members name; `None` if it has no segment whose header is whole.
    pub fn id(journal: &Path) -> Result<Option<JournalId>> {
        for (_, path) in segments(journal)? {
            let mut header = [0; SEGMENT_HEADER as usize];
            let read = File::open(&path).and_then(|file| file.read_exact_at(&mut header, 0));
            if let (Ok(()), Some((magic, id))) = (read, header.split_first_chunk::<8>()) {
                if *magic == MAGIC {
                    return Ok(id.first_chunk().copied());
                }
            }
        }
        Ok(None)
    }

    /// Fills `batch` with frames of about `size` bytes (at least one frame), none at or behind `limit`.
    pub fn read(&mut self, batch: &mut Batch, size: u64, limit: u64) -> Result<Stop> {
        batch.shrink(size);
        if self.segment.is_none() && !self.ended {
            self.ended = !self.find_segment()?;
        }
        batch.start(self.position);
        if self.ended {
            return Ok(Stop::End);
        }
        while self.position < limit {
            if batch.to - batch.from >= size {
                return Ok(Stop::Full);
            }
            if self.at_next_segment() && !self.find_segment()? {
                return Ok(Stop::End);
            }
            match self.read_frame(batch)? {
                FrameRead::Whole => {}
                // A segment goes on to where the next one begins: this one has lost its end.
                FrameRead::Nothing if self.segment.as_ref().is_some_and(|s| s.next.is_some()) => {
                    let reason = format!("it ends at position {}, before the next segment begins", self.position);
                    return self.leave_segment(reason);
                }
                FrameRead::Nothing if !self.grew_segment()? => return Ok(Stop::End),
                FrameRead::Nothing => {}
                FrameRead::Damaged(reason) => return self.leave_segment(reason),
            }
        }
        Ok(Stop::Full)
    }

    /// The segments that hold more than a header, if there are any.
    pub fn segments_with_content(journal: &Path) -> Result<Vec<PathBuf>> {
        let long = |path: &PathBuf| path.metadata().is_ok_and(|about| about.len() > SEGMENT_HEADER);
        Ok(segments(journal)?.into_iter().map(|(_, path)| path).filter(long).collect())
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
        let file = File::open(path).map_err(|cause| Error::io("cannot read the journal", path, &cause))?;
        self.position = self.position.max(*base);
        self.segment = Some(Segment { file, path: path.clone(), base: *base, next });
        Ok(true)
    }

    fn read_frame(&mut self, batch: &mut Batch) -> Result<FrameRead> {
        let Some(segment) = &self.segment else { return Ok(FrameRead::Nothing) };
        let failed = |cause: io::Error| Error::io("cannot read the journal", &segment.path, &cause);
        let at = SEGMENT_HEADER + self.position - segment.base;
        let mut head = [0; FRAME_HEADER as usize];
        match read_at(&segment.file, &mut head, at).map_err(failed)? {
            0 => return Ok(FrameRead::Nothing),
            read if read < head.len() => return Ok(FrameRead::Nothing), // torn: the record was never accepted
            _ => {}
        }
        let head = u64::from_le_bytes(head);
        let (length, sum) = ((head & 0xffff_ffff) as usize, (head >> 32) as u32);
        if length == 0 || length > MAX_RECORD_BYTES {
            return Ok(FrameRead::Damaged(format!("no frame at byte {at}")));
        }
        let start = batch.bytes.len();
        batch.bytes.resize(start + length, 0);
        let content = batch.bytes.get_mut(start..).unwrap_or_default();
        let read = read_at(&segment.file, content, at + FRAME_HEADER).map_err(failed)?;
        let whole = read == length;
        let intact = whole && checksum(content) == sum;
        if !intact {
            batch.bytes.truncate(start);
            return Ok(if whole {
                FrameRead::Damaged(format!("wrong checksum at byte {at}"))
            } else {
                FrameRead::Nothing
            });
        }
        self.position += FRAME_HEADER + length as u64;
        batch.frames.push((self.position, start..start + length));
        batch.to = self.position;
        Ok(FrameRead::Whole)
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

enum FrameRead {
    Whole,
    Nothing,
    Damaged(String),
}

/// Reads as much as there is, up to the length of `buffer`.
fn read_at(file: &File, buffer: &mut [u8], mut at: u64) -> io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(read) => (filled, at) = (filled + read, at + read as u64),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(filled)
}
