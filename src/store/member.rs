//! Gzip members: a batch of lines, compressed as one whole, that says of itself how long it is and what it holds.
//!
//! A member is plain gzip (RFC 1952). Its extra field has one subfield, `WV`, numbers little-endian:
//!
//! | bytes | content |
//! | --- | --- |
//! | 1 | version of the subfield (1) |
//! | 3 | how many lines stand before it in its file, and one more; 0 where that is not told, or is too many |
//! | 4 | length of the whole member |
//! | 4 | length of the lines in it |
//! | 4 | how many lines |
//! | 32 each | parts of streams that it covers: stream id (16 bytes), from, to |
//!
//! "Covers" means: every record in that part of the stream that belongs in this folder is in this member, or in another
//! that covers its place too. With that, recovery knows what is on disk already, and a reader hops from member to member
//! without inflating.

use super::journal::StreamId;
use crate::error::{Error, Result, Status};
use libdeflater::{CompressionLvl, Compressor};

/// A part of a stream of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// The stream.
    pub stream: StreamId,
    /// First position.
    pub from: u64,
    /// Position behind the last.
    pub to: u64,
}

/// What a member says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole member.
    pub length: u32,
    /// Bytes of the lines in it.
    pub raw_length: u32,
    /// How many lines.
    pub records: u32,
    /// How many lines stand before it in its file, where it tells: the end of a file tells how many it has.
    pub before: Option<u32>,
    /// Which parts of which journals.
    pub covered: Vec<Covered>,
}

const FIXED: usize = 10; // RFC 1952: magic, method, flags, time, extra flags, system
/// Flag 4: an extra field follows. No time, unknown system: equal lines make equal members.
const PREFIX: [u8; FIXED] = [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 255];
const SUBFIELD: [u8; 2] = *b"WV";
const VERSION: u8 = 1;
const BEFORE: std::ops::Range<usize> = 17..20;
const NUMBERS: usize = 16;
const COVERED: usize = 32;
const TRAILER: usize = 8;

/// Enough bytes to read the header of a member with records of one stream, as most are.
pub const USUAL_HEADER: usize = FIXED + 2 + 4 + NUMBERS + COVERED;

/// Compresses members, keeping its working memory between them.
pub struct Writer {
    compressor: Compressor,
    level: i32,
}

impl Writer {
    /// A writer at a level from 1 (fast) to 12 (small).
    pub fn new(level: i32) -> Result<Self> {
        let lvl = CompressionLvl::new(level).map_err(|_| {
            Error::new(Status::InvalidArgument, format!("compression level: {level} is not between 1 and 12"))
        })?;
        Ok(Writer { compressor: Compressor::new(lvl), level })
    }

    /// The level given.
    pub fn level(&self) -> i32 {
        self.level
    }

    /// The member that holds `lines`.
    pub fn write(&mut self, lines: &[u8], records: u32, covered: &[Covered]) -> Result<Vec<u8>> {
        let too_large = || Error::new(Status::TooLarge, "a batch of records is over 4 GiB");
        let extra = 4 + NUMBERS + covered.len() * COVERED;
        let start = FIXED + 2 + extra;
        let mut member = vec![0; start + self.compressor.deflate_compress_bound(lines.len()) + TRAILER];
        let body = member.get_mut(start..).ok_or_else(too_large)?;
        let deflated = self
            .compressor
            .deflate_compress(lines, body)
            .map_err(|cause| Error::new(Status::Panic, format!("compression failed: {cause}")))?;
        let length = start + deflated + TRAILER;
        member.truncate(start + deflated);
        let raw_length = u32::try_from(lines.len()).map_err(|_| too_large())?;
        member.extend_from_slice(&crc32fast::hash(lines).to_le_bytes());
        member.extend_from_slice(&raw_length.to_le_bytes());

        let mut head = Vec::with_capacity(start);
        head.extend_from_slice(&PREFIX);
        head.extend_from_slice(&u16::try_from(extra).map_err(|_| too_large())?.to_le_bytes());
        head.extend_from_slice(&SUBFIELD);
        head.extend_from_slice(&u16::try_from(extra - 4).map_err(|_| too_large())?.to_le_bytes());
        head.extend_from_slice(&[VERSION, 0, 0, 0]);
        for number in [u32::try_from(length).map_err(|_| too_large())?, raw_length, records] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        for part in covered {
            head.extend_from_slice(&part.stream);
            head.extend_from_slice(&part.from.to_le_bytes());
            head.extend_from_slice(&part.to.to_le_bytes());
        }
        for (to, from) in member.iter_mut().zip(head) {
            *to = from;
        }
        Ok(member)
    }
}

/// Has a member tell how many lines stand before it in its file, which is known when it gets its place there; or not tell.
pub fn tell_before(member: &mut [u8], before: Option<u64>) {
    let told =
        before.and_then(|before| u32::try_from(before + 1).ok()).filter(|told| *told < 1 << 24).unwrap_or_default();
    for (to, from) in member.get_mut(BEFORE).into_iter().flatten().zip(told.to_le_bytes()) {
        *to = from;
    }
}

/// Where in the bytes a member begins that ends where they end.
pub fn find_last(bytes: &[u8]) -> Option<(usize, Header)> {
    let mut end = bytes.len();
    while let Some(at) = memchr::memmem::rfind(bytes.get(..end)?, &PREFIX) {
        let header = bytes.get(at..).and_then(parse_header);
        if let Some(header) = header.filter(|header| at + header.length as usize == bytes.len()) {
            return Some((at, header));
        }
        end = at + PREFIX.len() - 1;
    }
    None
}

/// Bytes from which the beginning of a member of this library is known.
pub const START: usize = FIXED + 2 + 4 + 1;

/// Whether the bytes begin as a member of this library does, as far as they go.
pub fn is_start_or_less(bytes: &[u8]) -> bool {
    let expected = |at: usize| match at {
        0..FIXED => PREFIX.get(at).copied(),
        12 | 13 => SUBFIELD.get(at - FIXED - 2).copied(),
        16 => Some(VERSION),
        _ => None, // a length
    };
    bytes.iter().take(START).enumerate().all(|(at, byte)| expected(at).is_none_or(|expected| expected == *byte))
}

/// Where in the bytes a member of this library may begin.
pub fn find_start(bytes: &[u8]) -> Option<usize> {
    bytes.windows(START).position(is_start_or_less)
}

/// How many bytes the header at the start of `bytes` has; `None` if this is no gzip member with an extra field.
pub fn header_length(bytes: &[u8]) -> Option<usize> {
    let (start, _) = bytes.split_first_chunk::<{ FIXED + 2 }>()?;
    let [0x1f, 0x8b, 8, flags, .., low, high] = start else { return None };
    (flags & 4 != 0).then(|| FIXED + 2 + usize::from(u16::from_le_bytes([*low, *high])))
}

/// Reads the header of a member of this library; `None` for gzip of other writers.
pub fn parse_header(bytes: &[u8]) -> Option<Header> {
    let extra = bytes.get(FIXED + 2..header_length(bytes)?)?;
    let (name, rest) = extra.split_first_chunk::<2>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let rest = rest.get(..usize::from(u16::from_le_bytes(*length)))?;
    let (numbers, mut parts) = rest.split_first_chunk::<NUMBERS>()?;
    if *name != SUBFIELD || numbers.first() != Some(&VERSION) {
        return None;
    }
    let number = |at: usize| numbers.get(at..at + 4).and_then(|b| b.first_chunk::<4>()).map(|b| u32::from_le_bytes(*b));
    let mut covered = Vec::new();
    while let Some((part, rest)) = parts.split_first_chunk::<COVERED>() {
        let position =
            |at: usize| part.get(at..at + 8).and_then(|b| b.first_chunk::<8>()).map(|b| u64::from_le_bytes(*b));
        covered.push(Covered { stream: *part.first_chunk()?, from: position(16)?, to: position(24)? });
        parts = rest;
    }
    // One that would end within its own header is none.
    let length = number(4).filter(|length| *length as usize >= FIXED + 2 + extra.len() + TRAILER)?;
    let before = numbers.get(1..4).map(|told| told.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte)))?;
    Some(Header { length, raw_length: number(8)?, records: number(12)?, before: before.checked_sub(1), covered })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Read;

    fn inflate(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut out).unwrap();
        out
    }

    proptest! {
        #[test]
        fn a_member_is_gzip_that_tells_its_length_and_what_it_covers(
            lines in proptest::collection::vec(any::<u8>(), 0..3000), records in any::<u32>(), level in 1..13i32,
            before in prop_oneof![0..100_000u64, (1 << 24) - 3..(1 << 24) + 3u64],
            parts in proptest::collection::vec((any::<[u8; 16]>(), any::<u64>(), any::<u64>()), 0..5)) {
            let covered: Vec<Covered> = parts.iter().map(|(stream, from, to)| Covered { stream: *stream, from: *from, to: *to }).collect();
            let mut member = Writer::new(level).unwrap().write(&lines, records, &covered).unwrap();
            prop_assert_eq!(parse_header(&member).unwrap().before, None);
            tell_before(&mut member, Some(before));
            let header = parse_header(&member).unwrap();
            prop_assert_eq!(header.before.map(u64::from), Some(before).filter(|before| *before < (1 << 24) - 1));
            let two = [lines.as_slice(), &member].concat();
            prop_assert_eq!(find_last(&two), Some((lines.len(), header.clone())));
            prop_assert_eq!(find_last(&two[..two.len() - 1]), None);
            prop_assert_eq!(header.length as usize, member.len());
            prop_assert_eq!(header.raw_length as usize, lines.len());
            prop_assert_eq!(header.records, records);
            prop_assert_eq!(header.covered, covered);
            prop_assert_eq!(inflate(&[member.clone(), member].concat()), [lines.clone(), lines].concat());
        }

        #[test]
        fn any_bytes_are_read_as_a_header_without_a_fault(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse_header(&bytes);
        }
    }

    #[test]
    fn gzip_of_other_writers_has_no_header_of_ours() {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, b"hello").unwrap();
        assert_eq!(parse_header(&encoder.finish().unwrap()), None);
    }

    #[test]
    fn every_cut_of_a_header_is_recognised() {
        let part = Covered { stream: [7; 16], from: 1, to: 2 };
        let member = Writer::new(1).unwrap().write(b"{}\n", 1, &[part]).unwrap();
        for cut in 0..USUAL_HEADER {
            assert_eq!(parse_header(&member[..cut]), None, "cut at {cut}");
        }
        assert!(parse_header(&member[..USUAL_HEADER]).is_some());
    }
}
