//! The first page of a ring's file: whose it is and how far it is freed.
//!
//! | bytes | |
//! | --- | --- |
//! | 0..8 | `WEAVER1` and a newline |
//! | 8..24 | the stream |
//! | 24..32 | capacity |
//! | 32..48 | the boot of the machine in which the ring was made |
//! | 48..56 | random bits |
//! | 56..60 | checksum of all above; the seed of the frames' checksums |
//! | 64..72 | freed: everything below is in data files |
//! | 72..80 | a copy of it, written before it |
//!
//! Numbers are little-endian. The random bits keep those who know the stream, which data files name, from writing a
//! text that passes for a frame.

use super::StreamId;
use std::io;

/// The length of the header, and of a page.
pub const PAGE: usize = 4096;

/// Where [`Header::encode`] ends and what changes begins.
pub const FREED: usize = 64;

/// Where the copy of `freed` stands.
pub const FREED_COPY: usize = 72;

const MAGIC: [u8; 8] = *b"WEAVER1\n";
const CHECKSUM: usize = 56;

/// Rings are small: large ones do not stay in the processor's caches.
const MAX_CAPACITY: usize = 64 << 20;

/// What is written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub stream: StreamId,
    pub capacity: usize,
    pub boot: [u8; 16],
    random: [u8; 8],
}

impl Header {
    pub fn new(stream: StreamId, capacity: usize) -> io::Result<Header> {
        if !is_capacity(capacity) {
            let reason = format!("capacity: {capacity} is no power of two from {PAGE} to {MAX_CAPACITY}");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        Ok(Header { stream, capacity, boot: this_boot(), random })
    }

    pub fn encode(&self) -> [u8; FREED] {
        let mut bytes = [0; FREED];
        let parts: [&[u8]; 5] = [&MAGIC, &self.stream, &(self.capacity as u64).to_le_bytes(), &self.boot, &self.random];
        let (fixed, rest) = bytes.split_at_mut(CHECKSUM);
        for (place, byte) in fixed.iter_mut().zip(parts.iter().copied().flatten()) {
            *place = *byte;
        }
        let checksum = crc32fast::hash(fixed).to_le_bytes();
        for (place, byte) in rest.iter_mut().zip(checksum) {
            *place = byte;
        }
        bytes
    }

    /// `None` if the bytes are not what [`Header::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Option<Header> {
        let capacity = usize::try_from(u64::from_le_bytes(array(bytes, 24)?)).ok()?;
        let header = Header { stream: array(bytes, 8)?, capacity, boot: array(bytes, 32)?, random: array(bytes, 48)? };
        (is_capacity(capacity) && header.encode() == *bytes.get(..FREED)?).then_some(header)
    }

    /// The checksum, which is the seed of the frames' ones.
    pub fn checksum(&self) -> u32 {
        array(&self.encode(), CHECKSUM).map_or(0, u32::from_le_bytes)
    }

    /// Whether the machine was not started again since.
    pub fn is_of_this_boot(&self) -> bool {
        self.boot != [0; 16] && self.boot == this_boot()
    }
}

/// Where the frames begin that may not be in data files. The lower of the two: after a death between the two writes
/// the right one, and never one that a damaged bit has put above it.
pub fn freed(bytes: &[u8]) -> u64 {
    let at = |place| array(bytes, place).map_or(0, u64::from_le_bytes);
    at(FREED).min(at(FREED_COPY))
}

fn is_capacity(capacity: usize) -> bool {
    capacity.is_power_of_two() && (PAGE..=MAX_CAPACITY).contains(&capacity)
}

/// What the kernel calls the time since the machine was started; zero where it does not tell.
pub fn this_boot() -> [u8; 16] {
    #[cfg(test)]
    if let Some(boot) = crate::store::disk::faults::boot() {
        return boot;
    }
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    uuid::Uuid::parse_str(text.trim()).map_or([0; 16], uuid::Uuid::into_bytes)
}

fn array<const N: usize>(bytes: &[u8], from: usize) -> Option<[u8; N]> {
    bytes.get(from..)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Header::new(*b"0123456789abcdef", 8192).unwrap();
        assert_eq!(Header::decode(&header.encode()), Some(header.clone()));
        assert!(header.is_of_this_boot());
        assert!(!Header { boot: [7; 16], ..header.clone() }.is_of_this_boot());
        assert!(!Header { boot: [0; 16], ..header }.is_of_this_boot());
    }

    #[test]
    fn two_rings_of_a_stream_have_different_seeds() {
        let [a, b] = [(); 2].map(|()| Header::new([1; 16], 8192).unwrap().checksum());
        assert_ne!(a, b);
    }

    #[test]
    fn the_lower_position_counts() {
        let mut page = [0; PAGE];
        page[FREED..FREED + 8].copy_from_slice(&64_u64.to_le_bytes());
        page[FREED_COPY..FREED_COPY + 8].copy_from_slice(&96_u64.to_le_bytes());
        assert_eq!(freed(&page), 64);
        page[FREED + 7] = 1;
        assert_eq!(freed(&page), 96);
    }
}
