//! A record in a ring: 16 bytes of header, the content, zero to fifteen bytes that mean nothing.
//!
//! The header is two little-endian words: length (low half) and checksum (high half), then the position of the frame.
//! The length of a pad is [`PAD`]; it says that the next frame begins where the next lap does.
//!
//! The memory of a ring is full of frames of earlier laps, whole ones and torn ones, and of texts that somebody else
//! wrote. What counts as a frame therefore stands at its own position, and its checksum is one that only this ring, this
//! position and this length give.

pub const HEADER: usize = 16;
pub const ALIGNMENT: usize = 16;

const PAD: u32 = u32::MAX;

/// What stands at a place of a ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// No frame that belongs there.
    Nothing,
    /// The header of a frame whose content, this long, is not the one that was published.
    Torn(usize),
    /// The end of the lap.
    Pad,
    /// A frame, with a content of this length.
    Frame(usize),
}

/// How many bytes a frame takes.
pub fn size(length: usize) -> usize {
    HEADER + length.next_multiple_of(ALIGNMENT)
}

/// The longest content in a ring of `capacity` bytes: few enough bytes that one record cannot fill it.
pub fn largest(capacity: usize) -> usize {
    capacity / 8
}

/// Where a position lies in a ring of `capacity` bytes, a power of two.
pub fn offset(position: u64, capacity: usize) -> usize {
    (position & (capacity as u64 - 1)) as usize
}

/// The first word of a frame.
pub fn word(seed: u32, position: u64, content: &[u8]) -> u64 {
    let length = content.len() as u32; // a slice of a ring, which is shorter than the longest length
    u64::from(length) | u64::from(crc32fast::hash(content) ^ mixed(seed, position, length)) << 32
}

/// The first word of a pad.
pub fn pad_word(seed: u32, position: u64) -> u64 {
    u64::from(PAD) | u64::from(mixed(seed, position, PAD)) << 32
}

/// Looks for a frame at the start of `bytes`, which end where the lap does or earlier, with a position that `accepts`
/// takes. Contents longer than `largest` are not believed.
pub fn read(bytes: &[u8], seed: u32, largest: usize, accepts: impl FnOnce(u64) -> bool) -> Found {
    let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else { return Found::Nothing };
    let (first, second) = header.split_at(8);
    let word_of = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    let (first, position) = (word_of(first), word_of(second));
    let (length, checksum) = (first as u32, (first >> 32) as u32);
    if length == 0 || !accepts(position) {
        return Found::Nothing;
    }
    if length == PAD {
        return if first == pad_word(seed, position) { Found::Pad } else { Found::Nothing };
    }
    let length = length as usize;
    match rest.get(..length) {
        Some(content) if length <= largest => {
            if word(seed, position, content) >> 32 == u64::from(checksum) {
                Found::Frame(length)
            } else {
                Found::Torn(length)
            }
        }
        _ => Found::Nothing,
    }
}

/// One number for ring, position and length. Multiplying with an odd number is one-to-one: two frames of the same length
/// and less than 64 GiB apart never have the same, so that the same content has another checksum in each lap.
fn mixed(seed: u32, position: u64, length: u32) -> u32 {
    let slot = position / ALIGNMENT as u64;
    seed ^ (slot as u32).wrapping_mul(0x9e37_79b1)
        ^ ((slot >> 32) as u32).wrapping_mul(0x85eb_ca77)
        ^ length.wrapping_mul(0xc2b2_ae3d)
}
