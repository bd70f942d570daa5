//! Appending records to the log of this process.
//!
//! What was written is in the page cache when `append` returns: it survives the death of the process.

use super::{checksum, segment_path, FRAME_HEADER, MAGIC};
use crate::error::{Error, Result};
use crate::record::frame::Record;
use crate::record::sink::Sink;
use crate::store::disk;
use crate::store::held::HeldFile;
use crate::store::journal::StreamId;
use crate::store::layout::Access;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The log of this process.
pub struct Log {
    stream: StreamId,
    folder: PathBuf,
    access: Access,
    segment_bytes: u64,
    segment: Option<Segment>,
    /// Where each segment that is there begins.
    bases: VecDeque<u64>,
    position: u64,
    records: u64,
    /// Segments that are full and may not be on the disk yet, with the position at which each ends.
    unsynced: Vec<(u64, Arc<HeldFile>)>,
    buffer: Vec<u8>,
    torn: bool,
    /// A segment that was begun and could not be taken away: nothing more may go into the one before it.
    begun: bool,
}

struct Segment {
    file: Arc<HeldFile>,
    base: u64,
}

impl Segment {
    fn has_room(&self, bytes: u64) -> bool {
        self.file.may_grow_to(self.file.length() + bytes).is_ok()
    }
}

impl Log {
    /// A log in a journal's folder, which has none yet.
    pub fn new(folder: &Path, stream: StreamId, access: Access, segment_bytes: u64) -> Self {
        Log {
            stream,
            folder: folder.to_path_buf(),
            access,
            segment_bytes,
            segment: None,
            bases: VecDeque::new(),
            position: 0,
            records: 0,
            unsynced: Vec::new(),
            buffer: Vec::new(),
            torn: false,
            begun: false,
        }
    }

    /// The position behind the last record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// How many records were appended.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Keeps a record of `length` bytes. After an error nothing of it is kept.
    pub fn append(&mut self, record: &Record<'_>, length: usize) -> Result<()> {
        if self.torn {
            self.mend()?;
        }
        let frame = (FRAME_HEADER + length) as u64;
        let (position, full) = (self.position, self.segment_bytes);
        let is_full = |s: &Segment| position > s.base && (position - s.base >= full || !s.has_room(frame));
        if self.begun || self.segment.as_ref().is_none_or(is_full) {
            self.start_segment()?;
        }
        let Some(segment) = self.segment.as_ref() else { return Ok(()) };
        self.buffer.clear();
        self.buffer.resize(FRAME_HEADER + length, 0);
        let (head, content) = self.buffer.split_at_mut(FRAME_HEADER);
        record.encode(&mut Sink::new(content));
        let numbers = u64::from(checksum(content)) << 32 | length as u64;
        head.copy_from_slice(&numbers.to_le_bytes());
        if let Err(cause) = segment.file.append(&self.buffer) {
            let error = Error::io("cannot write the journal", segment.file.path(), &cause);
            self.torn = self.mend().is_err();
            return Err(error);
        }
        self.position += self.buffer.len() as u64;
        self.records += 1;
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new(); // one large record must not hold its memory for ever
        }
        Ok(())
    }

    /// The files whose content may not be on the disk yet. To be synced without holding the log.
    pub fn take_unsynced(&mut self) -> Vec<Arc<HeldFile>> {
        let mut files: Vec<Arc<HeldFile>> = self.unsynced.drain(..).map(|(_, file)| file).collect();
        files.extend(self.segment.as_ref().map(|segment| segment.file.clone()));
        files
    }

    /// Nothing more goes into the segment at a path.
    pub fn leave(&mut self, path: &Path) -> Result<()> {
        match self.segment.as_ref().is_some_and(|segment| segment.file.path() == path) {
            true => self.start_segment(),
            false => Ok(()),
        }
    }

    /// The oldest segment, if it lies wholly below `position`, to which everything is in data files on the disk. The
    /// caller deletes it, without holding the log, and then says so: what is there is always a row without a gap.
    pub fn packed(&mut self, position: u64) -> Option<PathBuf> {
        let is_full = |segment: &Segment| self.position - segment.base >= self.segment_bytes;
        if position == self.position && self.segment.as_ref().is_some_and(is_full) {
            // On a full disk there is no next one, and this one goes later.
            let _ = self.start_segment();
        }
        // A file that is open takes its space also when it is deleted.
        self.unsynced.retain(|(end, _)| *end > position);
        let oldest = self.bases.front().filter(|_| self.bases.get(1).is_some_and(|next| *next <= position));
        oldest.map(|base| segment_path(&self.folder, *base))
    }

    /// The oldest segment was deleted.
    pub fn was_deleted(&mut self) {
        self.bases.pop_front();
    }

    fn start_segment(&mut self) -> Result<()> {
        let path = segment_path(&self.folder, self.position);
        let failed = |cause| Error::io("cannot make the journal segment", &path, &cause);
        let file = match HeldFile::create(&path, self.access) {
            // One that was begun before and could not be taken away: nothing is in it.
            Err(cause) if cause.kind() == std::io::ErrorKind::AlreadyExists => {
                disk::remove_file(&path).and_then(|()| HeldFile::create(&path, self.access))
            }
            made => made,
        };
        let file = file.map_err(failed)?;
        let header = [MAGIC.as_slice(), self.stream.as_slice()].concat();
        if let Err(cause) = file.append(&header) {
            self.begun = disk::remove_file(&path).is_err();
            return Err(failed(cause));
        }
        let next = Segment { file: Arc::new(file), base: self.position };
        let full = self.segment.replace(next);
        self.bases.push_back(self.position);
        self.unsynced.extend(full.map(|full| (self.position, full.file)));
        (self.torn, self.begun) = (false, false);
        Ok(())
    }

    /// Takes a half-written frame off the end. Where that fails, the next record begins a segment, and readers leave this
    /// one where the next begins.
    fn mend(&mut self) -> Result<()> {
        let Some(segment) = &self.segment else { return Ok(()) };
        match segment.file.mend() {
            Ok(()) => self.torn = false,
            Err(_) if self.position > segment.base => self.start_segment()?,
            Err(cause) => return Err(Error::io("cannot write the journal", segment.file.path(), &cause)),
        }
        Ok(())
    }
}
