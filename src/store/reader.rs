//! Reading data files line by line: those of this library by hopping over members, any other gzip file as one stream,
//! and plain lines.
//!
//! What cannot be read never hides what stands before it. A damaged member costs itself: the reader goes on behind it.

use super::journal::{self, JournalId};
use super::{disk, member};
use crate::error::{Error, Result};
use flate2::read::MultiGzDecoder;
use libdeflater::Decompressor;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Reads a data file.
pub struct Reader {
    path: PathBuf,
    file: File,
    length: u64,
    source: Source,
    /// The number of the next record.
    index: u64,
    /// Records below this are of no interest.
    wanted: u64,
    damage: Option<String>,
    /// The lines of a member, or the last line of a stream.
    lines: Vec<u8>,
    line: Range<usize>,
    packed: Vec<u8>,
    decompressor: Decompressor,
    journal: Option<JournalId>,
}

enum Source {
    /// At the start of a member of this library, or of something else.
    Members {
        at: u64,
    },
    /// Inside such a member, in `lines`.
    Lines {
        at: usize,
        next: u64,
        next_index: u64,
    },
    /// Lines of another writer.
    Stream(Box<dyn BufRead + Send>),
    End,
}

impl Reader {
    /// Opens a data file. What is appended later is not seen.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_up_to(path, u64::MAX)
    }

    /// Opens a data file at a place where something begins; records are counted from there.
    pub fn open_from(path: &Path, at: u64) -> Result<Self> {
        Self::open_part(path, at..u64::MAX)
    }

    /// The same, as if the file ended where the part does.
    pub fn open_part(path: &Path, part: Range<u64>) -> Result<Self> {
        Ok(Reader { source: Source::Members { at: part.start }, ..Self::open_up_to(path, part.end)? })
    }

    /// Opens a data file as if it had this length, or its own if that is less.
    pub fn open_up_to(path: &Path, length: u64) -> Result<Self> {
        let failed = |cause| Error::io("cannot read the data file", path, &cause);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len().min(length);
        Ok(Reader {
            path: path.to_path_buf(),
            file,
            length,
            source: Source::Members { at: 0 },
            index: 0,
            wanted: 0,
            damage: None,
            lines: Vec::new(),
            line: 0..0,
            packed: Vec::new(),
            decompressor: Decompressor::new(),
            journal: None,
        })
    }

    /// Goes on to the next whole line and returns its number in the file, from 0; `None` at the end of what can be read.
    pub fn advance(&mut self) -> Result<Option<u64>> {
        loop {
            match &mut self.source {
                Source::End => return Ok(None),
                Source::Members { at } => {
                    let at = *at;
                    self.open_member(at)?;
                }
                Source::Lines { at, next, next_index } => {
                    let rest = self.lines.get(*at..).unwrap_or_default();
                    if rest.is_empty() || *next_index <= self.wanted {
                        self.index = *next_index;
                        self.source = Source::Members { at: *next };
                        continue;
                    }
                    let mut tail = rest;
                    let length = tail.skip_until(b'\n').unwrap_or(rest.len());
                    self.line = *at..*at + length;
                    *at += length;
                    if let Some(index) = self.counted() {
                        return Ok(Some(index));
                    }
                }
                Source::Stream(stream) => {
                    self.lines.clear();
                    match stream.read_until(b'\n', &mut self.lines) {
                        Ok(0) => self.source = Source::End,
                        // A last line without its newline is whole if it is JSON, and torn otherwise.
                        Ok(_)
                            if self.lines.last() != Some(&b'\n')
                                && serde_json::from_slice::<serde::de::IgnoredAny>(&self.lines).is_err() =>
                        {
                            self.stop("the last line is torn");
                        }
                        Ok(length) => {
                            self.line = 0..length;
                            if let Some(index) = self.counted() {
                                return Ok(Some(index));
                            }
                        }
                        Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => self.stop("the end is torn"),
                        Err(cause) => self.stop(&format!("what follows is damaged: {cause}")),
                    }
                }
            }
        }
    }

    /// The line that [`Reader::advance`] found, without its newline.
    pub fn line(&self) -> &[u8] {
        self.lines.get(self.line.clone()).unwrap_or_default()
    }

    /// [`Reader::advance`], with the line copied into `line`.
    pub fn next_line(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>> {
        let found = self.advance()?;
        line.clear();
        line.extend_from_slice(if found.is_some() { self.line() } else { &[] });
        Ok(found)
    }

    /// Passes over the records before this number. Members of this library are not inflated for that.
    pub fn skip_to(&mut self, index: u64) {
        self.wanted = self.wanted.max(index);
    }

    /// The number of the next record that is not passed over by hopping.
    pub fn position(&self) -> u64 {
        self.index
    }

    /// The journal from which the writer of the last line packed it, where a member of this library says so.
    pub fn journal(&self) -> Option<JournalId> {
        self.journal
    }

    /// Whether the last line comes from a member of this library, whose checksum was right: it is as it was written.
    pub fn is_own(&self) -> bool {
        matches!(self.source, Source::Lines { .. })
    }

    /// What could not be read so far, if anything.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    /// Counts the line; `None` if it is of no interest.
    fn counted(&mut self) -> Option<u64> {
        if self.lines.get(self.line.end.wrapping_sub(1)) == Some(&b'\n') && !self.line.is_empty() {
            self.line.end -= 1;
        }
        self.index += 1;
        Some(self.index - 1).filter(|index| *index >= self.wanted)
    }

    fn stop(&mut self, reason: &str) {
        self.note(reason);
        self.source = Source::End;
    }

    fn note(&mut self, reason: &str) {
        self.damage.get_or_insert_with(|| format!("{}: behind record {} {reason}", self.path.display(), self.index));
    }

    fn open_member(&mut self, at: u64) -> Result<()> {
        if at >= self.length {
            self.source = Source::End;
            return Ok(());
        }
        let mut start = [0; 12];
        let read = self.read_at(&mut start, at)?;
        let start = start.get(..read).unwrap_or_default();
        let mut head = vec![0; member::header_length(start).unwrap_or(0)];
        let read = self.read_at(&mut head, at)?;
        head.truncate(read);
        match member::parse_header(&head) {
            Some(header) if at + u64::from(header.length) > self.length => self.stop("the last member is torn"),
            Some(header) if header.length as usize > head.len() => {
                let (next, next_index) = (at + u64::from(header.length), self.index + u64::from(header.records));
                if next_index <= self.wanted {
                    self.index = next_index;
                    self.source = Source::Members { at: next };
                } else if self.inflate(at, &header)? {
                    self.journal = header.covered.first().map(|part| journal::stream(&part.stream, 0));
                    self.source = Source::Lines { at: 0, next, next_index };
                } else {
                    self.note("a member is damaged and was passed over");
                    self.index = next_index;
                    self.source = Source::Members { at: next };
                }
            }
            _ if at > 0 && !start.starts_with(&[0x1f, 0x8b]) => self.stop("what follows is damaged"),
            _ => self
                .open_stream(at, start.starts_with(&[0x1f, 0x8b]))
                .map_err(|cause| Error::io("cannot read the data file", &self.path, &cause))?,
        }
        Ok(())
    }

    /// Puts the lines of a member into `lines`; false if it is damaged. A header that lies of its length cannot make this
    /// take memory: deflate makes at most 1032 bytes of one.
    fn inflate(&mut self, at: u64, header: &member::Header) -> Result<bool> {
        let mut packed = std::mem::take(&mut self.packed);
        packed.resize(header.length as usize, 0);
        let read = self.read_at(&mut packed, at)?;
        let possible = header.raw_length as u64 <= u64::from(header.length) * 1032;
        let inflated = read == packed.len() && possible && {
            self.lines.resize(header.raw_length as usize, 0);
            let inflated = self.decompressor.gzip_decompress(&packed, &mut self.lines);
            inflated.is_ok_and(|length| length == self.lines.len())
        };
        self.packed = packed;
        Ok(inflated)
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> Result<usize> {
        disk::read_at(&self.file, buffer, at)
            .map_err(|cause| Error::io("cannot read the data file", &self.path, &cause))
    }

    fn open_stream(&mut self, at: u64, gzip: bool) -> std::io::Result<()> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(at))?;
        let bytes = BufReader::new(file).take(self.length - at);
        self.journal = None;
        self.source = Source::Stream(match gzip {
            true => Box::new(BufReader::new(MultiGzDecoder::new(bytes))),
            false => Box::new(BufReader::new(bytes)),
        });
        Ok(())
    }
}

/// How many of the first `length` bytes of a file of plain lines are whole lines: the last one may be under way. None of
/// a file that is gone.
pub fn whole_lines(path: &Path, length: u64) -> Result<u64> {
    let failed = |cause| Error::io("cannot read the data file", path, &cause);
    let file = match File::open(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(0),
        opened => opened.map_err(failed)?,
    };
    let (mut end, mut chunk) = (length, vec![0; 64 * 1024]);
    while end > 0 {
        let from = end.saturating_sub(chunk.len() as u64);
        let piece = chunk.get_mut(..usize::try_from(end - from).unwrap_or_default()).unwrap_or_default();
        disk::read_at(&file, piece, from).map_err(failed)?;
        match piece.iter().rposition(|byte| *byte == b'\n') {
            Some(newline) => return Ok(from + newline as u64 + 1),
            None => end = from,
        }
    }
    Ok(0)
}
