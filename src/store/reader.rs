//! Reading data files line by line: those of this library by hopping over members, any other gzip file as one stream,
//! and plain lines.
//!
//! What cannot be read never hides what stands before it. A damaged member costs itself: the reader goes on behind it.

use super::{disk, member};
use crate::error::{Error, Result};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Reads a data file.
pub struct Reader {
    path: PathBuf,
    file: File,
    length: u64,
    source: Source,
    index: u64,
    damage: Option<String>,
}

enum Source {
    /// At the start of a member of this library, or of something else.
    Members {
        at: u64,
    },
    /// Inside such a member.
    Lines {
        rest: std::io::Cursor<Vec<u8>>,
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
        let failed = |cause| Error::io("cannot read the data file", path, &cause);
        let file = File::open(path).map_err(failed)?;
        let length = file.metadata().map_err(failed)?.len();
        Ok(Reader { path: path.to_path_buf(), file, length, source: Source::Members { at: 0 }, index: 0, damage: None })
    }

    /// Puts the next whole line, without its newline, into `line`, and returns its number in the file, from 0; `None` at
    /// the end of what can be read.
    pub fn next_line(&mut self, line: &mut Vec<u8>) -> Result<Option<u64>> {
        loop {
            line.clear();
            match &mut self.source {
                Source::End => return Ok(None),
                Source::Members { at } => {
                    let at = *at;
                    self.open_member(at)?;
                }
                Source::Lines { rest, next, next_index } => {
                    let (next, next_index) = (*next, *next_index);
                    match rest.read_until(b'\n', line) {
                        Ok(read) if read > 0 => return Ok(Some(self.counted(line))),
                        _ => {
                            self.index = next_index;
                            self.source = Source::Members { at: next };
                        }
                    }
                }
                Source::Stream(lines) => match lines.read_until(b'\n', line) {
                    Ok(0) => self.source = Source::End,
                    Ok(_) if line.last() == Some(&b'\n') => return Ok(Some(self.counted(line))),
                    // A last line without its newline: whole if it is JSON, torn otherwise.
                    Ok(_) if serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok() => {
                        return Ok(Some(self.counted(line)));
                    }
                    Ok(_) => self.stop("the last line is torn"),
                    Err(cause) if cause.kind() == ErrorKind::UnexpectedEof => self.stop("the end is torn"),
                    Err(cause) => self.stop(&format!("what follows is damaged: {cause}")),
                },
            }
        }
    }

    /// What could not be read so far, if anything.
    pub fn damage(&self) -> Option<&str> {
        self.damage.as_deref()
    }

    fn counted(&mut self, line: &mut Vec<u8>) -> u64 {
        if line.last() == Some(&b'\n') {
            line.pop();
        }
        self.index += 1;
        self.index - 1
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
        let failed = |path: &Path, cause| Error::io("cannot read the data file", path, &cause);
        let mut start = [0; 12];
        let read = disk::read_at(&self.file, &mut start, at).map_err(|cause| failed(&self.path, cause))?;
        let start = start.get(..read).unwrap_or_default();
        let mut head = vec![0; member::header_length(start).unwrap_or(0)];
        let read = disk::read_at(&self.file, &mut head, at).map_err(|cause| failed(&self.path, cause))?;
        head.truncate(read);
        match member::parse_header(&head) {
            Some(header) if at + u64::from(header.length) > self.length => self.stop("the last member is torn"),
            Some(header) if usize::try_from(header.length).is_ok_and(|length| length > head.len()) => {
                let mut bytes = vec![0; header.length as usize];
                disk::read_at(&self.file, &mut bytes, at).map_err(|cause| failed(&self.path, cause))?;
                let (next, next_index) = (at + u64::from(header.length), self.index + u64::from(header.records));
                let mut lines = Vec::with_capacity((header.raw_length as usize).min(64 << 20));
                let inflated = flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut lines);
                if inflated.is_err() {
                    self.note("a member is damaged and was passed over");
                    self.index = next_index;
                    self.source = Source::Members { at: next };
                } else {
                    self.source = Source::Lines { rest: std::io::Cursor::new(lines), next, next_index };
                }
            }
            _ if at > 0 && !start.starts_with(&[0x1f, 0x8b]) => self.stop("what follows is damaged"),
            _ => self.open_stream(at, start.starts_with(&[0x1f, 0x8b])).map_err(|cause| failed(&self.path, cause))?,
        }
        Ok(())
    }

    fn open_stream(&mut self, at: u64, gzip: bool) -> std::io::Result<()> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(at))?;
        let bytes = BufReader::new(file).take(self.length - at);
        self.source = Source::Stream(match gzip {
            true => Box::new(BufReader::new(MultiGzDecoder::new(bytes))),
            false => Box::new(BufReader::new(bytes)),
        });
        Ok(())
    }
}
