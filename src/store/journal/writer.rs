//! Appending records to the journal of this process with `write(2)`.
//!
//! What was written is in the page cache when `append` returns: it survives the death of the process.

use super::{checksum, folder, lock_path, segment_path, segments, FRAME_HEADER, MAGIC, SEGMENT_HEADER};
use crate::error::{Error, Result, Status};
use crate::record::frame::Record;
use crate::record::ids::random_bytes;
use crate::record::sink::Sink;
use crate::store::layout::Access;
use crate::store::limits::{MAX_RECORD_BYTES, SEGMENT_BYTES};
use crate::store::lock;
use crate::store::member::JournalId;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The journal of this process.
pub struct Journal {
    id: JournalId,
    path: PathBuf,
    access: Access,
    segment: File,
    segment_path: PathBuf,
    base: u64,
    position: u64,
    unsynced: Vec<File>,
    buffer: Vec<u8>,
    torn: bool,
    _lock: File,
}

impl Journal {
    /// Makes a journal in the offline directory, locked from its first moment.
    pub fn create(root: &Path, access: Access) -> Result<Self> {
        let id: JournalId = random_bytes();
        let name: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let all = folder(root);
        access.make_directory(&all)?;
        // Under its final name a journal is always locked or abandoned; the dot keeps recovery away until then.
        let unborn = all.join(format!(".{name}"));
        let path = all.join(&name);
        access.make_directory(&unborn)?;
        let lock = lock::try_acquire(&lock_path(&unborn), access)?.ok_or_else(|| {
            Error::new(Status::Busy, format!("the journal {} is locked by another process", unborn.display()))
        })?;
        let segment = open_segment(&unborn, &id, 0, access)?;
        fs::rename(&unborn, &path).map_err(|cause| Error::io("cannot make the journal", &path, &cause))?;
        let segment_path = segment_path(&path, 0);
        Ok(Journal {
            id,
            path,
            access,
            segment,
            segment_path,
            base: 0,
            position: 0,
            unsynced: Vec::new(),
            buffer: Vec::new(),
            torn: false,
            _lock: lock,
        })
    }

    /// The id that members name.
    pub fn id(&self) -> JournalId {
        self.id
    }

    /// The journal's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The position behind the last record.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Keeps a record, and returns the position behind it. After an error nothing of it is kept.
    pub fn append(&mut self, record: &Record<'_>) -> Result<u64> {
        let length = record.encoded_length();
        if length > MAX_RECORD_BYTES {
            return Err(Error::new(
                Status::TooLarge,
                format!("the record has {length} bytes, and a request may hold {MAX_RECORD_BYTES}; log large values as files"),
            ));
        }
        self.buffer.clear();
        self.buffer.resize(FRAME_HEADER as usize + length, 0);
        record.encode(&mut Sink::new(self.buffer.get_mut(FRAME_HEADER as usize..).unwrap_or_default()));
        let sum = checksum(self.buffer.get(FRAME_HEADER as usize..).unwrap_or_default());
        let head = (u64::from(sum) << 32 | length as u64).to_le_bytes();
        for (to, from) in self.buffer.iter_mut().zip(head) {
            *to = from;
        }
        if self.torn {
            self.mend()?;
        }
        if self.position - self.base >= SEGMENT_BYTES {
            self.start_segment()?;
        }
        if let Err(cause) = self.segment.write_all(&self.buffer) {
            let error = Error::io("cannot write the journal", &self.segment_path, &cause);
            self.torn = self.mend().is_err();
            return Err(error);
        }
        self.position += self.buffer.len() as u64;
        if self.buffer.capacity() > 1 << 20 {
            self.buffer = Vec::new(); // one large record must not hold its memory for ever
        }
        Ok(self.position)
    }

    /// The files whose content may not be on the disk yet, each once. To be synced without holding the journal.
    pub fn take_unsynced(&mut self) -> Result<Vec<File>> {
        let current = self
            .segment
            .try_clone()
            .map_err(|cause| Error::io("cannot sync the journal", &self.segment_path, &cause))?;
        let mut files = std::mem::take(&mut self.unsynced);
        files.push(current);
        Ok(files)
    }

    /// Deletes the segments that lie wholly below `position`, to which everything is in data files on the disk.
    pub fn free(&mut self, position: u64) -> Result<()> {
        if position == self.position && self.position - self.base >= SEGMENT_BYTES {
            self.start_segment()?;
        }
        let all = segments(&self.path)?;
        for (segment, next) in all.iter().zip(all.iter().skip(1)) {
            if next.0 <= position {
                fs::remove_file(&segment.1).map_err(|cause| Error::io("cannot free", &segment.1, &cause))?;
            }
        }
        Ok(())
    }

    /// Removes the journal, of which everything is in data files on the disk.
    pub fn remove(self) -> Result<()> {
        remove(&self.path)
    }

    fn start_segment(&mut self) -> Result<()> {
        let segment = open_segment(&self.path, &self.id, self.position, self.access)?;
        self.unsynced.push(std::mem::replace(&mut self.segment, segment));
        self.segment_path = segment_path(&self.path, self.position);
        self.base = self.position;
        Ok(())
    }

    /// Takes a half-written frame off the end. Where that fails, the next record begins a segment, and readers leave this
    /// one where the next begins.
    fn mend(&mut self) -> Result<()> {
        let whole = SEGMENT_HEADER + self.position - self.base;
        match self.segment.set_len(whole) {
            Ok(()) => {}
            Err(_) if self.position > self.base => self.start_segment()?,
            Err(cause) => return Err(Error::io("cannot write the journal", &self.segment_path, &cause)),
        }
        self.torn = false;
        Ok(())
    }
}

/// Removes the journal at `path`; its lock goes last, so that nobody takes a half-removed journal for another.
pub fn remove(path: &Path) -> Result<()> {
    let failed = |cause| Error::io("cannot remove the journal", path, &cause);
    for (_, segment) in segments(path)? {
        fs::remove_file(segment).map_err(failed)?;
    }
    fs::remove_dir_all(path).map_err(failed)
}

fn open_segment(journal: &Path, id: &JournalId, position: u64, access: Access) -> Result<File> {
    let path = segment_path(journal, position);
    let failed = |cause| Error::io("cannot make the journal segment", &path, &cause);
    let mut file = access.create_file(&path).map_err(failed)?;
    let header = [MAGIC.as_slice(), id.as_slice()].concat();
    if let Err(cause) = file.write_all(&header) {
        let _ = fs::remove_file(&path);
        return Err(failed(cause));
    }
    Ok(file)
}
