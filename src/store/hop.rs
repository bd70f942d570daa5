//! Going through a data file from member to member, without inflating.

use super::disk;
use super::member::{self, Header};
use crate::error::{Error, Result, Status};
use flate2::read::GzDecoder;
use libdeflater::Decompressor;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

const CHUNK: usize = 64 * 1024;

/// So far from the end a last member is looked for. Most are a half of that at most.
const LONGEST: usize = 8 * CHUNK;

/// The whole members of a data file that this library wrote.
pub struct Members {
    file: File,
    path: PathBuf,
    /// How long the file was when it was opened.
    pub length: u64,
    at: u64,
}

impl Members {
    /// Opens a data file; `None` if it is not there any more. What is appended later is not seen.
    pub fn open(path: &Path) -> Result<Option<Self>> {
        let failed = |cause| Error::io("cannot read the data file", path, &cause);
        let file = match File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        };
        let length = file.metadata().map_err(failed)?.len();
        Ok(Some(Members { file, path: path.to_path_buf(), length, at: 0 }))
    }

    /// The next member and where it begins; `None` where no whole member stands.
    pub fn next_member(&mut self) -> Result<Option<(u64, Header)>> {
        let at = self.at;
        let header = self.header_at(at)?;
        Ok(header.map(|header| {
            self.at = at + u64::from(header.length);
            (at, header)
        }))
    }

    /// Where the walk stands: behind the last member that was found.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// Goes to a place where a member may begin.
    pub fn go_to(&mut self, at: u64) {
        self.at = at;
    }

    /// Whether what stands at `at` begins as gzip of whatever writer does.
    pub fn is_gzip(&self, at: u64) -> Result<bool> {
        let mut magic = [0; 2];
        self.read(at, &mut magic)?;
        Ok(magic == [0x1f, 0x8b])
    }

    /// Goes to the next intact member behind what is none. False if there is none.
    pub fn find_next(&mut self) -> Result<bool> {
        let mut from = self.at + 1;
        let mut chunk = vec![0; CHUNK];
        while from < self.length {
            let read = self.read(from, &mut chunk)?;
            let found = chunk.get(..read).and_then(member::find_start);
            match found {
                Some(offset) => {
                    let at = from + offset as u64;
                    if let Some(header) = self.header_at(at)? {
                        if self.is_intact(at, &header)? {
                            self.at = at;
                            return Ok(true);
                        }
                    }
                    from = at + 1;
                }
                // The beginning of a member may lie across the end of the chunk.
                None if read == chunk.len() => from += (read - member::START) as u64,
                None => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Whether a member's content is what its trailer says.
    pub fn is_intact(&self, at: u64, header: &Header) -> Result<bool> {
        let mut bytes = vec![0; header.length as usize];
        if self.read(at, &mut bytes)? < bytes.len() {
            return Ok(false);
        }
        let inflated = io::copy(&mut GzDecoder::new(bytes.as_slice()), &mut io::sink());
        Ok(inflated.is_ok_and(|length| length == u64::from(header.raw_length)))
    }

    /// Whether what stands from `at` on is a member of this library that was cut short, or space that was never written.
    pub fn is_torn_end(&self, at: u64) -> Result<bool> {
        let mut start = [0; member::START];
        let read = self.read(at, &mut start)?;
        Ok(start.get(..read).is_some_and(member::is_start_or_less) || self.is_unwritten(at)?)
    }

    /// Whether what stands at `at` was lengthened and never written: no member of anybody begins with a zero.
    pub fn is_unwritten(&self, at: u64) -> Result<bool> {
        let mut byte = [1];
        self.read(at, &mut byte)?;
        Ok(byte == [0])
    }

    /// How many lines the file has, as the last of its members tells, which is found from the file's end: the others are
    /// not read. `None` where it has to be counted from member to member.
    pub fn lines_told_at_end(&self) -> Result<Option<u64>> {
        let mut bytes: Vec<u8> = Vec::new();
        while bytes.len() < LONGEST && (bytes.len() as u64) < self.length {
            let more = (self.length - bytes.len() as u64).min(CHUNK as u64);
            let mut before = vec![0; usize::try_from(more).unwrap_or_default()];
            let read = self.read(self.length - bytes.len() as u64 - more, &mut before)?;
            if read < before.len() {
                return Ok(None); // shortened meanwhile
            }
            before.append(&mut bytes);
            bytes = before;
            if let Some((_, header)) = member::find_last(&bytes) {
                return Ok(header.before.map(|before| u64::from(before) + u64::from(header.records)));
            }
        }
        Ok(None)
    }

    /// A member as it stands in the file.
    pub fn bytes(&self, at: u64, header: &Header) -> Result<Vec<u8>> {
        let mut bytes = vec![0; header.length as usize];
        let read = self.read(at, &mut bytes)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// The lines of a member.
    pub fn lines(&self, at: u64, header: &Header) -> Result<Vec<u8>> {
        let mut packed = vec![0; header.length as usize];
        let read = self.read(at, &mut packed)?;
        let mut lines = vec![0; header.raw_length as usize];
        let inflated = Decompressor::new().gzip_decompress(packed.get(..read).unwrap_or_default(), &mut lines);
        match inflated {
            Ok(length) if length == lines.len() => Ok(lines),
            _ => Err(Error::new(Status::Io, format!("{}: the member at byte {at} is damaged", self.path.display()))),
        }
    }

    fn header_at(&self, at: u64) -> Result<Option<Header>> {
        let mut bytes = vec![0; member::USUAL_HEADER];
        let mut read = self.read(at, &mut bytes)?;
        if let Some(length) = bytes.get(..read).and_then(member::header_length).filter(|length| *length > bytes.len()) {
            bytes.resize(length, 0);
            read = self.read(at, &mut bytes)?;
        }
        let header = bytes.get(..read).and_then(member::parse_header);
        Ok(header.filter(|header| header.length > 0 && at + u64::from(header.length) <= self.length))
    }

    fn read(&self, at: u64, buffer: &mut [u8]) -> Result<usize> {
        disk::read_at(&self.file, buffer, at)
            .map_err(|cause| Error::io("cannot read the data file", &self.path, &cause))
    }
}
