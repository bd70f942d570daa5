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

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: u32 = 0x1234_5678;

    fn frame(position: u64, content: &[u8]) -> Vec<u8> {
        let mut bytes = [word(SEED, position, content), position].map(u64::to_le_bytes).concat();
        bytes.extend_from_slice(content);
        bytes.resize(size(content.len()), 0);
        bytes
    }

    fn find(bytes: &[u8], seed: u32, position: u64) -> Found {
        read(bytes, seed, 4096, |there| there == position)
    }

    #[test]
    fn frames_take_multiples_of_sixteen_bytes() {
        assert_eq!([1, 16, 17, 500].map(size), [32, 32, 48, 528]);
    }

    #[test]
    fn a_frame_is_one_at_its_position_in_its_ring_only() {
        let bytes = frame(48, b"record");
        assert_eq!(find(&bytes, SEED, 48), Found::Frame(6));
        assert_eq!(find(&bytes, SEED, 64), Found::Nothing);
        assert_eq!(find(&bytes, SEED + 1, 48), Found::Torn(6));
    }

    #[test]
    fn a_frame_with_the_position_of_another_lap_is_torn() {
        for lap in 1..100_000_u64 {
            let mut bytes = frame(48, b"record");
            let moved = 48 + lap * 4096;
            bytes[8..16].copy_from_slice(&moved.to_le_bytes());
            assert_eq!(find(&bytes, SEED, moved), Found::Torn(6), "lap {lap}");
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_of_a_frame_is_recognised() {
        let content = b"a record of some length, longer than a vector";
        let bytes = frame(160, content);
        let used = HEADER + content.len();
        for bit in 0..used * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!matches!(find(&bytes, SEED, 160), Found::Frame(_) | Found::Pad), "bit {bit}");
        }
        for cut in 0..used {
            assert_eq!(find(&bytes[..cut], SEED, 160), Found::Nothing, "cut at {cut}");
        }
    }

    #[test]
    fn a_pad_is_one_at_its_position_only() {
        let bytes = [pad_word(SEED, 4000), 4000].map(u64::to_le_bytes).concat();
        assert_eq!(find(&bytes, SEED, 4000), Found::Pad);
        let moved = [pad_word(SEED, 4000), 8096].map(u64::to_le_bytes).concat();
        assert_eq!(find(&moved, SEED, 8096), Found::Nothing);
    }

    #[test]
    fn zeros_are_no_frame() {
        assert_eq!(find(&[0; 4096], SEED, 0), Found::Nothing);
        assert_eq!(find(&[0; 4096], 0, 0), Found::Nothing);
    }

    #[test]
    fn contents_longer_than_any_are_not_believed() {
        let bytes = frame(0, &[b'x'; 100]);
        assert_eq!(read(&bytes, SEED, 99, |_| true), Found::Nothing);
    }
}
