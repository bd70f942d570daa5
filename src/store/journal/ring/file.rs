//! The ring of a process that is gone, read from its file.
//!
//! Nothing in the file is believed: it may have been cut, torn by a loss of power, or written by somebody else.

use super::frame::{self, Found};
use super::header::{self, Header};
use super::StreamId;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;

/// How often the search for frames behind damage may calculate checksums over the whole ring in vain. Frames torn by a
/// loss of power cost once at most; a file made to keep the search busy would cost hours.
const WASTED_LAPS: usize = 4;

/// A ring on the disk, in memory.
pub struct RingFile {
    header: Option<Header>,
    seed: u32,
    freed: u64,
    bytes: Vec<u8>,
}

/// What stands in a ring.
#[derive(Default)]
struct Contents {
    frames: Vec<(u64, u64, Range<usize>)>,
    /// Where the unbroken row of frames ends.
    chain_end: u64,
    /// The position of the first frame behind that.
    behind: Option<u64>,
    gave_up: bool,
}

impl RingFile {
    /// Reads a ring. `None`: its making was not finished, so that it never held anything.
    pub fn read(path: &Path) -> io::Result<Option<RingFile>> {
        RingFile::read_from(File::open(path)?)
    }

    pub(super) fn read_from(mut file: impl Read) -> io::Result<Option<RingFile>> {
        let mut page = Vec::with_capacity(header::PAGE);
        file.by_ref().take(header::PAGE as u64).read_to_end(&mut page)?;
        if page.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let header = Header::decode(&page);
        let mut bytes = Vec::new();
        if let Some(header) = &header {
            file.take(header.capacity as u64).read_to_end(&mut bytes)?;
        }
        let seed = header.as_ref().map_or(0, Header::checksum);
        Ok(Some(RingFile { header, seed, freed: header::freed(&page), bytes }))
    }

    /// The stream that the ring says it is; zeros when the header is damaged.
    pub fn stream(&self) -> StreamId {
        self.header.as_ref().map_or([0; 16], |header| header.stream)
    }

    /// The position below which everything is in data files.
    pub fn freed(&self) -> u64 {
        self.freed
    }

    /// Whether the machine runs on since the ring was made, so that only the process can have died.
    pub fn is_of_this_boot(&self) -> bool {
        self.header.as_ref().is_some_and(Header::is_of_this_boot)
    }

    /// Every intact frame that is not freed, by position: where it begins, where it ends, which bytes it holds.
    pub fn frames(&self) -> Vec<(u64, u64, Range<usize>)> {
        self.scan().frames
    }

    /// The bytes of a frame; none if the range is not one.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.bytes.get(range).unwrap_or_default()
    }

    /// Why something may be missing that was published, other than in the last moments before a loss of power.
    pub fn damage(&self) -> Option<String> {
        let Some(header) = &self.header else { return Some("the header of the ring is damaged".to_string()) };
        if self.bytes.len() < header.capacity {
            let there = self.bytes.len();
            return Some(format!("the ring is cut short: {there} bytes of frames instead of {}", header.capacity));
        }
        let Contents { chain_end, behind, gave_up, .. } = self.scan();
        if let Some(behind) = behind {
            return Some(format!("the ring is damaged from position {chain_end} on; frames follow at {behind}"));
        }
        gave_up.then(|| format!("the ring is damaged from position {chain_end} on, and not by accident"))
    }

    fn scan(&self) -> Contents {
        let mut contents = Contents { chain_end: self.freed, ..Contents::default() };
        let Some(header) = &self.header else { return contents };
        self.follow_chain(header, &mut contents);
        self.search_rest(header, &mut contents);
        contents.frames.sort_by_key(|(from, ..)| *from);
        contents
    }

    /// Takes frame after frame from `freed` on, for one lap at most, up to something that is none.
    fn follow_chain(&self, header: &Header, contents: &mut Contents) {
        let capacity = header.capacity;
        loop {
            let position = contents.chain_end;
            let offset = frame::offset(position, capacity);
            let found = self.find(header, offset, |there| there == position);
            let length = match found {
                Found::Frame(length) => frame::size(length),
                Found::Pad => capacity - offset,
                Found::Nothing | Found::Torn(_) => return,
            };
            match position.checked_add(length as u64) {
                Some(end) if end - self.freed <= capacity as u64 => {
                    contents.take(found, position, end, offset);
                    contents.chain_end = end;
                }
                _ => return,
            }
        }
    }

    /// Takes the frames from the end of the chain to a lap behind `freed`. When `freed` itself is damaged, positions may
    /// be any above it.
    fn search_rest(&self, header: &Header, contents: &mut Contents) {
        let capacity = header.capacity;
        let mut left = capacity - (contents.chain_end - self.freed) as usize;
        let mut offset = frame::offset(contents.chain_end, capacity).next_multiple_of(frame::ALIGNMENT);
        let mut budget = capacity * WASTED_LAPS;
        while left > 0 {
            if offset >= capacity {
                offset = 0;
            }
            let mut position = 0;
            let found = self.find(header, offset, |there| {
                position = there;
                there >= self.freed && frame::offset(there, capacity) == offset
            });
            let mut step = frame::ALIGNMENT;
            match found {
                Found::Frame(length) => {
                    let size = frame::size(length);
                    if let Some(end) = position.checked_add(size as u64) {
                        contents.take(found, position, end, offset);
                        contents.behind = Some(contents.behind.map_or(position, |first| first.min(position)));
                        step = size;
                    }
                }
                Found::Torn(length) => match budget.checked_sub(length) {
                    Some(rest) => budget = rest,
                    None => {
                        contents.gave_up = true;
                        return;
                    }
                },
                Found::Pad | Found::Nothing => {}
            }
            offset += step;
            left = left.saturating_sub(step);
        }
    }

    fn find(&self, header: &Header, offset: usize, accepts: impl FnOnce(u64) -> bool) -> Found {
        let rest = self.bytes.get(offset..).unwrap_or_default();
        frame::read(rest, self.seed, frame::largest(header.capacity), accepts)
    }
}

impl Contents {
    fn take(&mut self, found: Found, position: u64, end: u64, offset: usize) {
        if let Found::Frame(length) = found {
            let content = offset + frame::HEADER;
            self.frames.push((position, end, content..content + length));
        }
    }
}
